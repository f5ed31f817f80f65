"""What a chat thread shows of a session: its address, its root, and the card that is edited as work goes on.

The card shows everything up to `card_shown_seq`. `card_due_at` is at once the pace of its edits and the end
of a claim: before that moment nobody edits it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from storage.models import AnalysisSession, Event, PlatformIdentity


@dataclass(frozen=True)
class Thread:
    """The address of a session's thread and what is already shown there."""

    session_id: uuid.UUID
    number: int
    status: str
    goal: str
    workspace: str
    channel: str
    thread: str  # empty until it has been opened
    root_message_id: str | None
    card_message_id: str | None
    card_shown_seq: int
    asker: str | None  # how the platform calls the person who asked
    language: str  # "" when nobody said
    spec: dict[str, Any]
    usual_seconds: float | None  # how long such runs have taken, if any has


def load(db: Session, session_id: uuid.UUID) -> Thread | None:
    """The thread of a session; None when the session is gone."""
    row = db.get(AnalysisSession, session_id)
    if row is None:
        return None
    asker = db.scalar(
        select(PlatformIdentity.external_id)
        .where(PlatformIdentity.user_id == row.owner_id)
        .where(PlatformIdentity.platform == row.platform, PlatformIdentity.workspace == row.workspace)
        .limit(1)
    )
    return Thread(
        session_id=row.id,
        number=row.number,
        status=row.status,
        goal=row.goal,
        workspace=row.workspace,
        channel=row.channel,
        thread=row.thread,
        root_message_id=row.root_message_id,
        card_message_id=row.card_message_id,
        card_shown_seq=row.card_shown_seq,
        asker=asker,
        language=str(row.preferences.get("language") or ""),
        spec=dict(row.spec or {}),
        usual_seconds=_usual_seconds(db) if row.status == "running" else None,
    )


def opened(db: Session, session_id: uuid.UUID, thread: str, root_message_id: str) -> None:
    """Record where the thread is and which message is its root."""
    _set(db, session_id, thread=thread, root_message_id=root_message_id)


def card_posted(
    db: Session,
    session_id: uuid.UUID,
    message_id: str,
    seq: int,
    *,
    again_in_seconds: float,
    posted_kinds: Collection[str],
) -> None:
    """Record which message is the card, and that it shows everything up to `seq`."""
    _set(db, session_id, card_message_id=message_id)
    card_shown(db, session_id, seq, again_in_seconds=again_in_seconds, posted_kinds=posted_kinds)


def claim_cards(
    db: Session,
    platform: str,
    *,
    thread: str | None = None,
    seconds: float = 30.0,
    idle_seconds: float | None = None,
    limit: int = 50,
) -> list[uuid.UUID]:
    """At most `limit` sessions whose card is due for an edit, claimed for `seconds`.

    A card is due when something has happened that it does not show. While the session runs it is due too
    `idle_seconds` after it last could have been edited, so that a worker that fell silent shows.
    """
    behind = AnalysisSession.card_shown_seq < AnalysisSession.next_seq
    now = func.clock_timestamp()
    due = and_(behind, or_(AnalysisSession.card_due_at.is_(None), AnalysisSession.card_due_at <= now))
    if idle_seconds is not None:
        idle = AnalysisSession.card_due_at <= now - timedelta(seconds=idle_seconds)
        due = or_(due, and_(AnalysisSession.status == "running", idle))
    mine = (
        select(AnalysisSession.id)
        .where(AnalysisSession.platform == platform, AnalysisSession.card_message_id.is_not(None), due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if thread is not None:
        mine = mine.where(AnalysisSession.thread == thread)
    claimed = update(AnalysisSession).where(AnalysisSession.id.in_(mine))
    return list(
        db.scalars(
            claimed.values(card_due_at=now + timedelta(seconds=seconds)).returning(AnalysisSession.id),
            execution_options={"synchronize_session": False},
        )
    )


def card_shown(
    db: Session, session_id: uuid.UUID, seq: int, *, again_in_seconds: float, posted_kinds: Collection[str]
) -> None:
    """Record that the card shows everything up to `seq`: all but the events of `posted_kinds` are told."""
    _set(
        db,
        session_id,
        card_shown_seq=func.greatest(AnalysisSession.card_shown_seq, seq),
        card_due_at=func.clock_timestamp() + timedelta(seconds=again_in_seconds),
    )
    db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq <= seq, Event.delivered_at.is_(None))
        .where(Event.kind.not_in(posted_kinds))
        .values(delivered_at=func.clock_timestamp(), message_id=None)
    )


def card_postponed(db: Session, session_id: uuid.UUID, *, seconds: float) -> None:
    """Leave the card for later after a failed edit."""
    _set(db, session_id, card_due_at=func.clock_timestamp() + timedelta(seconds=seconds))


def _usual_seconds(db: Session) -> float | None:
    """The median time from the question to the result, over the last twenty runs."""
    took = func.extract("epoch", AnalysisSession.finished_at - AnalysisSession.created_at).label("took")
    last = (
        select(took)
        .where(AnalysisSession.status == "completed")
        .order_by(AnalysisSession.number.desc())
        .limit(20)
        .subquery()
    )
    median = db.scalar(select(func.percentile_cont(0.5).within_group(last.c.took)))
    return float(median) if median is not None else None


def _set(db: Session, session_id: uuid.UUID, **values: object) -> None:
    db.execute(
        update(AnalysisSession)
        .where(AnalysisSession.id == session_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
