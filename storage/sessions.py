"""An analysis session's life: one table of allowed moves, one lease at a time. Its questions: `storage.questions`.

    queued -> running -> awaiting_user -> queued ... -> completed | failed | cancelled | expired

A worker works under a Lease. Its number (the epoch) fences every write: whoever takes a session over raises
the epoch, and from then on nothing the former holder still does can leave a trace.
"""

import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.orm import Session

from storage import events, users
from storage.errors import LeaseLost, NotAllowed, UnknownSession
from storage.models import AnalysisSession, Event, RunNumbers, SessionMessage

MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "awaiting_user", "failed", "cancelled", "expired"}),
    "running": frozenset({"running", "queued", "awaiting_user", "completed", "failed", "cancelled"}),
    "awaiting_user": frozenset({"queued", "cancelled", "expired"}),
    "completed": frozenset(),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
    "expired": frozenset({"queued"}),
}
TERMINAL = frozenset({"completed", "failed", "cancelled", "expired"})
# Events that show that a session got somewhere, so that lost workers before them no longer count.
ADVANCES = ("stage_done", "question", "failed", "cancelled")


@dataclass(frozen=True)
class Lease:
    """The right to work on a session until somebody takes it over."""

    session_id: uuid.UUID
    epoch: int
    owner: str


@dataclass(frozen=True)
class Beat:
    """What a worker learns each time it says that it is alive."""

    stage: str | None
    cancel_requested_seconds_ago: float | None


def create(
    db: Session,
    *,
    workspace: str,
    owner_id: uuid.UUID,
    platform: str,
    channel: str,
    thread: str,
    goal: str,
    preferences: dict[str, Any] | None = None,
    seed: int | None = None,
    follows_id: uuid.UUID | None = None,
    message_id: str | None = None,
    repeats: AnalysisSession | None = None,
    scheduled: tuple[int, datetime] | None = None,
) -> AnalysisSession:
    """A new session in the queue, together with the event that opens its thread.

    `scheduled` is the number of the schedule that asks, and the time that fell due.

    `message_id` is the message it was asked for in, if there is one: until a worker takes it, it can be edited.
    One that `repeats` another takes over its seed, its ledger position and what it followed.
    """
    if repeats is not None:
        seed, follows_id = repeats.seed, repeats.follows_id
    row = AnalysisSession(
        id=uuid.uuid4(),
        number=_next_number(db),
        workspace=workspace,
        owner_id=owner_id,
        platform=platform,
        channel=channel,
        thread=thread,
        goal=goal,
        preferences=preferences or {},
        seed=secrets.randbelow(2**31) if seed is None else seed,
        follows_id=follows_id,
        # What a repeat repeats is always the first of its kind.
        repeats_id=None if repeats is None else repeats.repeats_id or repeats.id,
        ledger_position=None if repeats is None else repeats.ledger_position,
        schedule_number=scheduled[0] if scheduled else None,
        due_at=scheduled[1] if scheduled else None,
    )
    db.add(row)
    db.flush()
    say(db, row.id, "user", goal, details={"goal": True, "message": message_id})
    before = db.get(AnalysisSession, follows_id) if follows_id else None
    payload = {
        "number": row.number,
        "goal": goal[:2000],
        "asked_by": users.name_of(db, owner_id),
        "follows": f"R-{before.number}" if before else "",
    }
    if scheduled:
        payload["schedule"] = f"S-{scheduled[0]}"
    events.append(db, row.id, "opened", "opened", payload)
    return row


def _next_number(db: Session) -> int:
    """The number of a new run, its own for good; others that start runs wait until this transaction ends."""
    counted = insert(RunNumbers).values(id=1, last=1)
    return db.scalars(
        counted.on_conflict_do_update(index_elements=["id"], set_={"last": RunNumbers.last + 1}).returning(
            RunNumbers.last
        )
    ).one()


def find(db: Session, reference: str, *, workspace: str | None = None) -> AnalysisSession:
    """The session people call R-142, r142, 142 or by its id. Raises UnknownSession."""
    query = select(AnalysisSession)
    wanted = reference.strip()
    number = re.fullmatch(r"(?:[rR]-?)?(\d{1,18})", wanted)
    if number:
        query = query.where(AnalysisSession.number == int(number.group(1)))
    else:
        try:
            query = query.where(AnalysisSession.id == uuid.UUID(wanted))
        except ValueError:
            raise UnknownSession(
                f"{reference[:60]!r} is not a run. Runs are called R-142 or 142; `omc list` shows them."
            ) from None
    if workspace is not None:
        query = query.where(AnalysisSession.workspace == workspace)
    row = db.scalar(query)
    if row is None:
        raise UnknownSession(f"There is no run {wanted}. `omc list` shows the runs there are.")
    return row


def recent(db: Session, *, owner_id: uuid.UUID | None = None, limit: int = 20) -> Sequence[AnalysisSession]:
    """The newest sessions first."""
    query = select(AnalysisSession).order_by(AnalysisSession.number.desc()).limit(limit)
    if owner_id is not None:
        query = query.where(AnalysisSession.owner_id == owner_id)
    return db.scalars(query).all()


def finished(
    db: Session, workspace: str, target: str, coins: Sequence[str], *, limit: int = 50
) -> Sequence[AnalysisSession]:
    """The newest completed sessions of a workspace that predicted `target` of one of these coins."""
    spec = AnalysisSession.spec
    return db.scalars(
        select(AnalysisSession)
        .where(AnalysisSession.workspace == workspace, AnalysisSession.status == "completed")
        .where(spec["target"].astext == target, spec["coins"].has_any(array(list(coins) or [""])))
        .order_by(AnalysisSession.finished_at.desc())
        .limit(limit)
    ).all()


def take(db: Session, session_id: uuid.UUID, epoch: int, owner: str, *, seconds: float) -> Lease | None:
    """Become the holder number `epoch` of a session that is queued or whose holder fell silent.

    None when the session is not to be had: finished, awaiting an answer, held by a live worker, or
    already taken under this number. The thread hears when work goes on after a worker was lost.
    """
    row = _free(db, session_id, epoch)
    if row is None:
        return None
    taken_over = row.status == "running"
    lease = _hand_over(db, row, epoch, owner, seconds)
    if taken_over:
        payload = {"stage": row.stage, "attempt": epoch}
        events.append(db, session_id, f"resumed:{epoch}", "resumed", payload)
    return lease


def seize(db: Session, session_id: uuid.UUID, epoch: int, owner: str) -> Lease | None:
    """Like `take`, but to end the session in this transaction: the thread hears of the end alone."""
    row = _free(db, session_id, epoch)
    return None if row is None else _hand_over(db, row, epoch, owner, seconds=0)


def beat(db: Session, lease: Lease, *, seconds: float) -> Beat | None:
    """Keep a lease alive by the database's clock; None when its owner does not hold the session."""
    now = func.clock_timestamp()
    kept = db.execute(
        update(AnalysisSession)
        .where(AnalysisSession.id == lease.session_id, AnalysisSession.lease_epoch == lease.epoch)
        .where(AnalysisSession.lease_owner == lease.owner, AnalysisSession.status == "running")
        .values(lease_until=now + timedelta(seconds=seconds))
        .returning(AnalysisSession.stage, func.extract("epoch", now - AnalysisSession.cancel_requested_at))
    ).one_or_none()
    if kept is None:
        return None
    stage, age = kept
    return Beat(stage, None if age is None else float(age))


def taken_over(db: Session, lease: Lease) -> bool:
    """Whether somebody has taken the session under a later number."""
    epoch = db.scalar(select(AnalysisSession.lease_epoch).where(AnalysisSession.id == lease.session_id))
    return epoch is not None and epoch > lease.epoch


def abandon(db: Session, lease: Lease) -> None:
    """Let a lease run out now, because the process that worked under it died. Raises LeaseLost."""
    row = held(db, lease)
    row.lease_until = func.clock_timestamp()


def interruptions(db: Session, session_id: uuid.UUID) -> int:
    """How often in a row a worker was lost since the session last got anywhere."""
    told = select(func.max(Event.seq)).where(Event.session_id == session_id, Event.kind.in_(ADVANCES))
    lost = select(func.count()).where(
        Event.session_id == session_id,
        Event.kind == "resumed",
        Event.seq > func.coalesce(told.scalar_subquery(), 0),
    )
    return db.scalar(lost) or 0


def held(db: Session, lease: Lease) -> AnalysisSession:
    """The session's row, locked, if `lease` still holds it. Every write of a run starts here.

    Raises LeaseLost.
    """
    row = db.scalar(
        select(AnalysisSession)
        .where(AnalysisSession.id == lease.session_id, AnalysisSession.lease_epoch == lease.epoch)
        .where(AnalysisSession.status.not_in(TERMINAL))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise LeaseLost(f"session {lease.session_id} is no longer held under number {lease.epoch}")
    return row


def release(row: AnalysisSession, status: str) -> None:
    """End a worker's hold on a session whose row is locked, and move it on."""
    move(row, status)
    row.lease_owner = None
    row.lease_until = None


def move(row: AnalysisSession, status: str) -> None:
    """Change a session's status: the only place that does. Raises NotAllowed."""
    if status not in MOVES[row.status or "queued"]:
        raise NotAllowed(f"R-{row.number} is {row.status.replace('_', ' ')} and cannot become {status}.")
    row.status = status
    if status in TERMINAL:
        row.finished_at = func.clock_timestamp()
    elif row.finished_at is not None:
        row.finished_at = None


def complete(db: Session, lease: Lease, result: dict[str, Any], payload: dict[str, Any]) -> None:
    """Store the result and tell the thread. Raises LeaseLost."""
    row = held(db, lease)
    row.result = result
    release(row, "completed")
    events.append(db, row.id, "completed", "completed", payload)


def fail(db: Session, lease: Lease, message: str, reference: str, *, no_data: bool = False) -> None:
    """End a session with a reason fit for a person. Raises LeaseLost."""
    row = held(db, lease)
    row.error = message
    release(row, "failed")
    payload = {"message": message, "reference": reference, "stage": row.stage, "no_data": no_data}
    events.append(db, row.id, f"failed:{lease.epoch}", "failed", payload)


def cancelled(db: Session, lease: Lease) -> None:
    """End a session that saw its cancel flag. Raises LeaseLost."""
    row = held(db, lease)
    release(row, "cancelled")
    events.append(db, row.id, f"cancelled:{lease.epoch}", "cancelled", {"stage": row.stage})


def give_back(db: Session, lease: Lease) -> None:
    """Put a drained session back into the queue; its checkpoint stays. Raises LeaseLost."""
    row = held(db, lease)
    release(row, "queued")
    events.append(db, row.id, f"requeued:{lease.epoch}", "requeued", {"stage": row.stage})


def request_cancel(db: Session, session_id: uuid.UUID) -> AnalysisSession:
    """Stop a session: at once when no worker holds it, else by the flag that its worker watches.

    Raises NotAllowed when it has already finished.
    """
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == session_id).with_for_update())
    if row is None:
        raise UnknownSession("There is no such run.")
    if row.status in TERMINAL:
        raise NotAllowed(f"R-{row.number} is already {row.status}; there is nothing to cancel.")
    if row.cancel_requested_at is None:
        row.cancel_requested_at = func.clock_timestamp()
    if row.status != "running":
        release(row, "cancelled")
        events.append(db, row.id, f"cancelled:{row.lease_epoch}", "cancelled", {"stage": row.stage})
    db.flush()
    return row


def go_on(db: Session, session_id: uuid.UUID, *, by: str) -> AnalysisSession:
    """Put a session that was stopped, failed or ran out of time back into the queue; it goes on where it was.

    Raises NotAllowed when it is not such a session.
    """
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == session_id).with_for_update())
    if row is None:
        raise UnknownSession("There is no such run.")
    if row.status not in ("failed", "cancelled", "expired"):
        raise NotAllowed(f"R-{row.number} is {row.status.replace('_', ' ')}; there is nothing to go on with.")
    move(row, "queued")
    row.cancel_requested_at = None
    row.error = None
    events.append(db, row.id, f"continued:{row.next_seq}", "continued", {"stage": row.stage, "by": by})
    db.flush()
    return row


def discard(db: Session, session_id: uuid.UUID, *, by: str) -> AnalysisSession:
    """Forget how far a stopped or failed session had come; its history stays. Raises NotAllowed."""
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == session_id).with_for_update())
    if row is None:
        raise UnknownSession("There is no such run.")
    if row.status not in ("failed", "cancelled", "expired"):
        raise NotAllowed(f"R-{row.number} is {row.status.replace('_', ' ')} and cannot be discarded.")
    for table in ("checkpoint_writes", "checkpoint_blobs", "checkpoints"):
        db.execute(text(f"delete from {table} where thread_id = :thread"), {"thread": str(row.id)})
    row.stage = None
    events.append(db, row.id, f"discarded:{row.next_seq}", "discarded", {"by": by})
    return row


def say(
    db: Session,
    session_id: uuid.UUID,
    role: str,
    content: str,
    *,
    agent: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add to the session's history."""
    db.add(
        SessionMessage(
            session_id=session_id,
            role=role,
            agent=agent,
            content=content.replace("\x00", ""),
            details=details or {},
        )
    )


def messages(db: Session, session_id: uuid.UUID) -> Sequence[SessionMessage]:
    """All that was said to and by a session, oldest first: its history and its audit."""
    return db.scalars(
        select(SessionMessage).where(SessionMessage.session_id == session_id).order_by(SessionMessage.id)
    ).all()


def queued(db: Session) -> Sequence[AnalysisSession]:
    """Sessions that wait for a worker, oldest first."""
    return db.scalars(
        select(AnalysisSession).where(AnalysisSession.status == "queued").order_by(AnalysisSession.number)
    ).all()


def expired_leases(db: Session) -> Sequence[AnalysisSession]:
    """Running sessions whose worker fell silent."""
    return db.scalars(
        select(AnalysisSession).where(
            AnalysisSession.status == "running", AnalysisSession.lease_until < func.clock_timestamp()
        )
    ).all()


def _free(db: Session, session_id: uuid.UUID, epoch: int) -> AnalysisSession | None:
    """The session's row, locked, if it can be had under number `epoch`."""
    return db.scalar(
        select(AnalysisSession)
        .where(AnalysisSession.id == session_id, AnalysisSession.lease_epoch == epoch - 1)
        .where(
            or_(
                AnalysisSession.status == "queued",
                (AnalysisSession.status == "running")
                & (AnalysisSession.lease_until < func.clock_timestamp()),
            )
        )
        .with_for_update()
    )


def _hand_over(db: Session, row: AnalysisSession, epoch: int, owner: str, seconds: float) -> Lease:
    move(row, "running")
    row.lease_epoch = epoch
    row.lease_owner = owner
    row.lease_until = func.clock_timestamp() + timedelta(seconds=seconds)
    row.started_at = func.coalesce(AnalysisSession.started_at, func.clock_timestamp())
    db.flush()
    return Lease(row.id, epoch, owner)
