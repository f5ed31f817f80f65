"""What becomes of a session whose process is gone: it goes on elsewhere, or ends in words.

A lost session is tried again from its checkpoint, but not for ever: one that brings down each of its workers
would bring down everybody's.
"""

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.speech import Said, said, speaking
from jobs.queue import Wake
from storage import sessions
from storage.models import AnalysisSession
from storage.sessions import Lease

# Why the worker's parent ended a run itself; None when the run's process died of its own.
Reason = Literal["cancel", "drain", "slow"]
LEASE_SECONDS = 12.0


def settle(
    db: Session, lease: Lease, reason: Reason | None, *, max_retries: int, timeout_seconds: float
) -> Wake | None:
    """Leave nothing running under `lease`, whose process has ended.

    Returns the number under which a worker is to go on, if one is. Nothing happens to a session that the
    process itself has brought to its end, or that somebody else holds. Raises LeaseLost.
    """
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == lease.session_id).with_for_update())
    if row is None:
        return None
    if row.status == "queued" and row.lease_epoch == lease.epoch - 1:
        # It died on its way to the lease. Taking it here makes the loss count.
        sessions.take(db, row.id, lease.epoch, lease.owner, seconds=LEASE_SECONDS)
    if row.status != "running" or row.lease_epoch != lease.epoch or row.lease_owner != lease.owner:
        return None
    if reason == "cancel" or row.cancel_requested_at is not None:
        sessions.cancelled(db, lease)
    elif reason == "slow":
        _fail(db, row, lease, too_slow(row.stage, timeout_seconds))
    elif reason == "drain":
        sessions.give_back(db, lease)
        return Wake(row.id, row.owner_id, lease.epoch + 1)
    elif sessions.interruptions(db, row.id) >= max_retries:
        _fail(db, row, lease, lost_too_often(row.stage, max_retries + 1))
    else:
        sessions.abandon(db, lease)
        return Wake(row.id, row.owner_id, lease.epoch + 1)
    return None


def settle_expired(db: Session, row: AnalysisSession, *, max_retries: int) -> Wake | None:
    """The same for a session whose worker fell silent: end it, or say under which number to go on."""
    epoch = row.lease_epoch + 1
    losses = sessions.interruptions(db, row.id)
    if row.cancel_requested_at is None and losses < max_retries:
        return Wake(row.id, row.owner_id, epoch)
    lease = sessions.seize(db, row.id, epoch, "sweeper")
    if lease is None:
        return None
    if row.cancel_requested_at is not None:
        sessions.cancelled(db, lease)
    else:
        _fail(db, row, lease, lost_too_often(row.stage, losses + 1))
    return None


def too_slow(stage: str | None, timeout_seconds: float) -> Said:
    return said(
        "{stage} took longer than {minutes:.0f} minutes and was stopped. Ask for a shorter period, fewer coins or fewer "
        "models, or raise AGENT_TIMEOUT_SECONDS.",
        stage=_stage(stage),
        minutes=timeout_seconds / 60,
    )


def lost_too_often(stage: str | None, times: int) -> Said:
    return said(
        "{stage} was cut off {n} {times} in a row because its worker died, most often a sign of too little memory. Ask for "
        "a shorter period or fewer coins, or give the worker more memory.",
        stage=_stage(stage),
        n=times,
        times=said("time") if times == 1 else said("times"),
    )


def _stage(stage: str | None) -> Said:
    if not stage:
        return said("The run")
    return said("The {stage} stage", stage=said(stage.replace("_", " ")))


def _fail(db: Session, row: AnalysisSession, lease: Lease, why: Said) -> None:
    with speaking(str(row.preferences.get("language") or "")):
        sessions.fail(db, lease, str(why), "")
