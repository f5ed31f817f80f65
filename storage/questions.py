"""The questions of a session: asked while its worker is let go, answered once, called to mind, run out of time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import events, sessions, users
from storage.errors import UnknownSession
from storage.models import AnalysisSession, Clarification, SessionMessage
from storage.sessions import Lease


@dataclass(frozen=True)
class Answered:
    """What became of a reply to a question."""

    accepted: bool
    reason: str  # accepted | already_answered | no_question
    question: str | None = None
    answer: str | None = None
    answered_by: str | None = None


def ask(
    db: Session,
    lease: Lease,
    *,
    interrupt_id: str,
    stage: str,
    about: str,
    question: str,
    choices: list[str],
    recommended: str,
    expires_in: timedelta,
) -> None:
    """Put a question to the asker and free the worker. Asking again under the same id changes nothing.

    Raises LeaseLost.
    """
    row = sessions.held(db, lease)
    known = db.get(Clarification, (row.id, interrupt_id))
    if known is None:
        db.add(
            Clarification(
                session_id=row.id,
                interrupt_id=interrupt_id,
                stage=stage,
                about=about,
                question=question,
                choices=choices,
                recommended=recommended,
                expires_at=db.scalar(select(func.clock_timestamp() + expires_in)),
            )
        )
    sessions.release(row, "awaiting_user")
    expires_at = known.expires_at if known else db.scalar(select(func.clock_timestamp() + expires_in))
    payload = {
        "interrupt_id": interrupt_id,
        "stage": stage,
        "about": about,
        "question": question,
        "choices": choices,
        "recommended": recommended,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    events.append(db, row.id, f"question:{interrupt_id}", "question", payload)


def open_question(db: Session, session_id: uuid.UUID) -> Clarification | None:
    """The question a session waits for, if any."""
    return db.scalar(
        select(Clarification)
        .where(Clarification.session_id == session_id, Clarification.answer.is_(None))
        .order_by(Clarification.asked_at.desc())
        .limit(1)
    )


def answer(
    db: Session,
    session_id: uuid.UUID,
    text: str,
    *,
    user_id: uuid.UUID | None,
    interrupt_id: str | None = None,
    by: str = "person",
    message_id: str | None = None,
) -> Answered:
    """Answer a session's open question; the first answer wins and puts the session back into the queue.

    `by` is "person", "default" (no one there to ask) or "expiry" (the question's time ran out). `message_id` is
    the message it was given in, so that it can be edited or taken back until it is used.
    """
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == session_id).with_for_update())
    if row is None:
        raise UnknownSession("There is no such run.")
    question = open_question(db, session_id)
    if question is None or (interrupt_id is not None and question.interrupt_id != interrupt_id):
        last = db.scalar(
            select(Clarification)
            .where(Clarification.session_id == session_id, Clarification.answer.is_not(None))
            .order_by(Clarification.answered_at.desc())
            .limit(1)
        )
        if last is None:
            return Answered(False, "no_question")
        who = users.name_of(db, last.answered_by)
        return Answered(False, "already_answered", last.question, last.answer, who)
    if row.status != "awaiting_user":
        return Answered(False, "no_question")
    question.answer = text
    question.answered_by = user_id
    question.answered_at = func.clock_timestamp()
    sessions.release(row, "queued")
    sessions.say(
        db,
        session_id,
        "user",
        text,
        details={"answers": question.interrupt_id, "by": by, "message": message_id},
    )
    payload = {
        "interrupt_id": question.interrupt_id,
        "stage": question.stage,
        "answer": text,
        "by": by,
        "answered_by": users.name_of(db, user_id) if user_id else None,
    }
    # An answer that was taken back may be given again: each has a key of its own.
    events.append(db, session_id, f"answered:{question.interrupt_id}:{row.next_seq}", "answered", payload)
    return Answered(True, "accepted", question.question, text)


def taken_for_granted(db: Session, session_id: uuid.UUID) -> list[tuple[str, str, str]]:
    """What nobody answered: each question, the recommended choice that was taken, and why ("expiry" or "default")."""
    said = SessionMessage.details
    rows = db.execute(
        select(Clarification.question, SessionMessage.content, said["by"].as_string())
        .join(
            SessionMessage,
            (SessionMessage.session_id == Clarification.session_id)
            & (said["answers"].as_string() == Clarification.interrupt_id),
        )
        .where(Clarification.session_id == session_id, said["by"].as_string().in_(("expiry", "default")))
        .order_by(SessionMessage.id)
    )
    return [(question, answer, by) for question, answer, by in rows]


def overdue(db: Session, at: datetime | None = None) -> Sequence[Clarification]:
    """Open questions whose time has run out (by the database's clock, or `at`)."""
    moment = func.clock_timestamp() if at is None else at
    return db.scalars(
        select(Clarification)
        .join(AnalysisSession, AnalysisSession.id == Clarification.session_id)
        .where(AnalysisSession.status == "awaiting_user")
        .where(Clarification.answer.is_(None), Clarification.expires_at < moment)
    ).all()


def remind(db: Session, question: Clarification) -> None:
    """Call the asker once more about an open question, once."""
    if question.reminded_at is None:
        question.reminded_at = func.clock_timestamp()
        payload = {
            "interrupt_id": question.interrupt_id,
            "question": question.question,
            "recommended": question.recommended,
            "expires_at": question.expires_at.isoformat(),
        }
        events.append(db, question.session_id, f"reminder:{question.interrupt_id}", "reminder", payload)


def forgotten(db: Session) -> Sequence[Clarification]:
    """Open questions of which three quarters of the time have passed without a reminder."""
    given = func.extract("epoch", Clarification.expires_at - Clarification.asked_at)
    passed = func.extract("epoch", func.clock_timestamp() - Clarification.asked_at)
    return db.scalars(
        select(Clarification)
        .join(AnalysisSession, AnalysisSession.id == Clarification.session_id)
        .where(AnalysisSession.status == "awaiting_user", Clarification.answer.is_(None))
        .where(Clarification.reminded_at.is_(None), Clarification.expires_at > func.clock_timestamp())
        .where(passed > given * 0.75)
    ).all()
