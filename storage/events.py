"""The outbox: what a thread must hear, in the order in which it became true.

An event is appended in the transaction that makes it true; a bot process delivers it later. Claims are
columns with an end, so that no lock is held over a call to a chat platform.
"""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import cast, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from storage.models import AnalysisSession, Event

CHANNEL = "omc_events"

_APPEND = text(
    """
    with fresh as (
        update agent_sessions set next_seq = next_seq + 1
        where id = :session_id and not exists (
            select 1 from agent_session_events where session_id = :session_id and key = :key)
        returning next_seq
    )
    , made as (
        insert into agent_session_events (session_id, seq, key, kind, payload)
        select :session_id, next_seq, :key, :kind, cast(:payload as jsonb) from fresh
        on conflict do nothing
        returning seq
    )
    select seq, pg_notify(:channel, :session_name) from made
    """
)


@dataclass(frozen=True)
class Pending:
    """An event that waits to be told."""

    session_id: uuid.UUID
    number: int
    seq: int
    key: str
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    attempt: int  # the number of this attempt: 1 plus those that failed
    in_doubt: bool  # an earlier attempt began and its outcome is not known
    receipts: dict[str, Any]  # the parts of this delivery that are known to have arrived


def append(db: Session, session_id: uuid.UUID, key: str, kind: str, payload: dict[str, Any]) -> int | None:
    """Add one event and wake the deliverers at commit; None when `key` was already said in this session.

    The session's row is locked until the transaction ends, so sequence numbers follow commit order.
    """
    db.flush()
    seq: int | None = db.execute(
        _APPEND,
        {
            "session_id": session_id,
            "session_name": str(session_id),
            "channel": CHANNEL,
            "key": key,
            "kind": kind,
            "payload": json.dumps(payload, ensure_ascii=False, allow_nan=False).replace("\\u0000", ""),
        },
    ).scalar()
    return seq


def since(db: Session, session_id: uuid.UUID, seq: int = 0) -> Sequence[Event]:
    """All events of a session after `seq`, oldest first."""
    return db.scalars(
        select(Event).where(Event.session_id == session_id, Event.seq > seq).order_by(Event.seq)
    ).all()


def claim(
    db: Session,
    platform: str,
    claimant: str,
    *,
    seconds: float = 30.0,
    thread: str | None = None,
    kinds: Collection[str] | None = None,
    limit: int = 50,
) -> list[Pending]:
    """The first undelivered event of each thread of `platform` (or of one `thread`) that nobody works on.

    Only the first of a session is handed out, which keeps each thread in order whoever delivers it; with
    `kinds`, the first of those kinds.
    """
    waiting = select(Event.session_id, func.min(Event.seq).label("seq")).where(Event.delivered_at.is_(None))
    if kinds is not None:
        waiting = waiting.where(Event.kind.in_(kinds))
    first = waiting.group_by(Event.session_id).subquery()
    due = (
        select(Event.session_id, Event.seq, Event.in_doubt, AnalysisSession.number)
        .join(first, (first.c.session_id == Event.session_id) & (first.c.seq == Event.seq))
        .join(AnalysisSession, AnalysisSession.id == Event.session_id)
        .where(AnalysisSession.platform == platform)
        # Said again for the row that a rival delivered while this query waited for it.
        .where(Event.delivered_at.is_(None))
        .where(or_(Event.claimed_until.is_(None), Event.claimed_until < func.clock_timestamp()))
        .order_by(Event.created_at)
        .limit(limit)
        .with_for_update(of=Event, skip_locked=True)
    )
    if thread is not None:
        due = due.where(AnalysisSession.thread == thread)
    mine = due.cte("mine")
    claimed = (
        update(Event)
        .where(Event.session_id == mine.c.session_id, Event.seq == mine.c.seq)
        .values(
            claimed_by=claimant,
            claimed_until=func.clock_timestamp() + timedelta(seconds=seconds),
            in_doubt=True,
            attempted_at=func.clock_timestamp(),
        )
        .returning(
            Event.session_id, mine.c.number, Event.seq, Event.key, Event.kind, Event.payload, Event.created_at,
            Event.attempts + 1, mine.c.in_doubt, Event.receipts,
        )
    )  # fmt: skip
    found = db.execute(claimed, execution_options={"synchronize_session": False})
    return sorted((Pending(*row) for row in found), key=lambda pending: pending.created_at)


def note_receipt(db: Session, session_id: uuid.UUID, seq: int, part: str, value: str) -> None:
    """Record that one part of a delivery arrived (as message or file `value`): it is not sent again."""
    db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq == seq)
        .values(receipts=Event.receipts.op("||")(cast({part: value}, JSONB)))
    )


def message_of(db: Session, session_id: uuid.UUID, seq: int) -> str | None:
    """The message in which an event was told, if it was."""
    return db.scalar(select(Event.message_id).where(Event.session_id == session_id, Event.seq == seq))


def given_up(db: Session, *, limit: int = 20) -> Sequence[Event]:
    """The newest events that could not be told for good, with the reason in `error`."""
    return db.scalars(
        select(Event)
        .where(Event.delivered_at.is_not(None), Event.error.is_not(None))
        .order_by(Event.delivered_at.desc())
        .limit(limit)
    ).all()


def untold(db: Session, session_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Of these sessions, those whose thread could not be told everything, each with the newest reason."""
    found = db.execute(
        select(Event.session_id, Event.error)
        .where(Event.session_id.in_(session_ids), Event.delivered_at.is_not(None), Event.error.is_not(None))
        .order_by(Event.session_id, Event.seq)
    )
    return {session_id: str(error) for session_id, error in found}


def run_number(db: Session, event: Event) -> int | None:
    """The number of the run that an event belongs to."""
    return db.scalar(select(AnalysisSession.number).where(AnalysisSession.id == event.session_id))


def waiting_since(db: Session, kinds: Collection[str]) -> tuple[int, datetime | None]:
    """How many events of `kinds` wait to be told on a chat platform, and since when the oldest does."""
    counted, oldest = db.execute(
        select(func.count(), func.min(Event.created_at))
        .join(AnalysisSession, AnalysisSession.id == Event.session_id)
        .where(Event.delivered_at.is_(None), Event.kind.in_(kinds), AnalysisSession.platform != "terminal")
    ).one()
    return int(counted), oldest


def renew(db: Session, session_id: uuid.UUID, seq: int, claimant: str, *, seconds: float) -> None:
    """Keep a claim for `seconds` more."""
    db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq == seq, Event.claimed_by == claimant)
        .where(Event.delivered_at.is_(None))
        .values(claimed_until=func.clock_timestamp() + timedelta(seconds=seconds))
    )


def delivered(db: Session, session_id: uuid.UUID, seq: int, claimant: str, message_id: str | None) -> bool:
    """Record that an event was told; False when the claim had passed to somebody else meanwhile."""
    done = db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq == seq, Event.claimed_by == claimant)
        .where(Event.delivered_at.is_(None))
        .values(delivered_at=func.clock_timestamp(), message_id=message_id, claimed_until=None, error=None)
        .returning(Event.seq)
    ).scalar()
    return done is not None


def give_up(db: Session, session_id: uuid.UUID, seq: int, claimant: str, error: str) -> None:
    """Record that an event cannot be told, so that those after it can."""
    db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq == seq, Event.claimed_by == claimant)
        .values(delivered_at=func.clock_timestamp(), claimed_until=None, error=error[:500])
    )


def postpone(
    db: Session,
    session_id: uuid.UUID,
    seq: int,
    claimant: str,
    *,
    seconds: float,
    error: str,
    in_doubt: bool = True,
    failed: bool = True,
) -> None:
    """Leave an event for later after a failed delivery; nobody may claim it for `seconds`.

    `in_doubt` is False when it is certain that nothing arrived; `failed` when the platform only asked for patience,
    which counts as no attempt.
    """
    db.execute(
        update(Event)
        .where(Event.session_id == session_id, Event.seq == seq, Event.claimed_by == claimant)
        .values(
            claimed_until=func.clock_timestamp() + timedelta(seconds=seconds),
            error=error[:500],
            in_doubt=in_doubt,
            attempts=Event.attempts + int(failed),
        )
    )
