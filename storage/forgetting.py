"""Erasing a person: what they asked, said and left here, in every table and file; what stays has no word of theirs."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from storage.models import (
    AnalysisSession,
    Artifact,
    Clarification,
    Event,
    Grant,
    HeardAct,
    Installation,
    PlatformIdentity,
    SavedDefaults,
    SessionMessage,
    User,
)
from storage.sessions import TERMINAL

CHECKPOINTS = ("checkpoint_writes", "checkpoint_blobs", "checkpoints")
ERASED = "(erased)"


@dataclass(frozen=True)
class Person:
    """Somebody who may be meant, with how platforms call them and how much of theirs is here."""

    id: uuid.UUID
    name: str
    identities: tuple[str, ...]
    runs: int
    unfinished: tuple[int, ...]


@dataclass
class Forgotten:
    """What was erased, and the files whose bytes no run needs any more."""

    runs: int = 0
    answers: int = 0
    hashes: set[str] = field(default_factory=set)


def find(db: Session, named: str) -> list[Person]:
    """Everybody whom a name, an id of a platform (slack:T1:U2, slack:U2 or U2) or a person's own id may mean."""
    wanted = named.strip()
    parts = wanted.split(":")
    by_identity = select(PlatformIdentity.user_id).where(PlatformIdentity.external_id == parts[-1])
    if len(parts) > 1:
        by_identity = by_identity.where(PlatformIdentity.platform == parts[0])
    if len(parts) > 2:
        by_identity = by_identity.where(PlatformIdentity.workspace == parts[1])
    meant: ColumnElement[bool] = User.id.in_(by_identity)
    if len(parts) == 1:
        meant = or_(meant, func.lower(User.display_name) == wanted.casefold())
        if (own := _uuid(wanted)) is not None:
            meant = or_(meant, User.id == own)
    return [_person(db, user) for user in db.scalars(select(User).where(meant).order_by(User.created_at))]


def forget(db: Session, person: uuid.UUID) -> Forgotten:
    """Erase a person whose runs have all ended; the caller deletes the bytes of `hashes` once this is committed.

    Usage and the ledger of trials stay without their owner: numbers that limits and later verdicts count.
    """
    user = db.get_one(User, person, with_for_update=True)
    done = Forgotten()
    runs = list(db.scalars(select(AnalysisSession.id).where(AnalysisSession.owner_id == person)))
    identities = list(db.scalars(select(PlatformIdentity).where(PlatformIdentity.user_id == person)))
    done.runs = len(runs)
    done.hashes.update(db.scalars(select(Artifact.sha256).where(Artifact.session_id.in_(runs))))
    done.answers = _erase_answers_to_others(db, user, runs)
    for table in CHECKPOINTS:
        statement = text(f"delete from {table} where thread_id = any(:threads)")
        db.execute(statement, {"threads": [str(run) for run in runs]})
    db.execute(delete(HeardAct).where(HeardAct.session_id.in_(runs)))
    for one in identities:
        where = (one.platform, one.workspace, one.external_id)
        mine = (Grant.platform == where[0], Grant.workspace == where[1], Grant.external_id == where[2])
        db.execute(delete(Grant).where(*mine))
        db.execute(
            update(Installation)
            .where(Installation.platform == where[0], Installation.workspace == where[1])
            .where(Installation.installed_by == where[2])
            .values(installed_by="")
        )
    own = (SavedDefaults.scope == "person", SavedDefaults.owner == str(person))
    db.execute(delete(SavedDefaults).where(*own))
    db.execute(delete(AnalysisSession).where(AnalysisSession.owner_id == person))
    db.execute(delete(User).where(User.id == person))  # identities, schedules and thumbs go with it
    return done


def _erase_answers_to_others(db: Session, user: User, own: list[uuid.UUID]) -> int:
    """Take the words of a person out of the runs of others: answers, remarks, and their name where it was told."""
    answers = db.scalars(
        select(Clarification).where(
            Clarification.answered_by == user.id, Clarification.session_id.not_in(own)
        )
    ).all()
    for question in answers:
        for told in db.scalars(
            select(Event).where(Event.session_id == question.session_id, Event.kind == "answered")
        ):
            if told.payload.get("interrupt_id") == question.interrupt_id:
                told.payload = {**told.payload, "answer": ERASED, "answered_by": ERASED}
        said = SessionMessage.details["answers"].as_string() == question.interrupt_id
        db.execute(
            update(SessionMessage)
            .where(SessionMessage.session_id == question.session_id, said)
            .values(content=ERASED)
        )
        db.execute(delete(HeardAct).where(HeardAct.session_id == question.session_id))
        over = db.get_one(AnalysisSession, question.session_id).status in TERMINAL
        if over:  # it goes on from its row, not from its checkpoint
            for table in CHECKPOINTS:
                db.execute(
                    text(f"delete from {table} where thread_id = :thread"),
                    {"thread": str(question.session_id)},
                )
        question.answer, question.answered_by = ERASED, None
    _erase_name(db, user, own)
    return len(answers)


def _erase_name(db: Session, user: User, own: list[uuid.UUID]) -> None:
    """Where others' threads were told who stopped, continued or shared a run, or said something, nobody is named."""
    name = user.display_name
    named = or_(*(Event.payload[key].as_string() == name for key in ("by", "asked_by", "answered_by")))
    for told in db.scalars(select(Event).where(named, Event.session_id.not_in(own))):
        told.payload = {
            key: ERASED if key in ("by", "asked_by", "answered_by") and value == name else value
            for key, value in told.payload.items()
        }
    remarks = SessionMessage.details["by"].as_string() == name
    for said in db.scalars(select(SessionMessage).where(remarks, SessionMessage.session_id.not_in(own))):
        key = f"remark:{said.id}"
        for told in db.scalars(select(Event).where(Event.session_id == said.session_id, Event.key == key)):
            told.payload = {**told.payload, "text": ERASED}
        said.content, said.details = ERASED, {**said.details, "by": ERASED}


def _person(db: Session, user: User) -> Person:
    rows = db.scalars(select(PlatformIdentity).where(PlatformIdentity.user_id == user.id)).all()
    runs: list[Any] = list(
        db.execute(
            select(AnalysisSession.number, AnalysisSession.status)
            .where(AnalysisSession.owner_id == user.id)
            .order_by(AnalysisSession.number)
        )
    )
    return Person(
        id=user.id,
        name=user.display_name,
        identities=tuple(f"{row.platform}:{row.workspace}:{row.external_id}" for row in rows),
        runs=len(runs),
        unfinished=tuple(number for number, status in runs if status not in TERMINAL),
    )


def _uuid(wanted: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(wanted)
    except ValueError:
        return None
