"""The trial ledger: every rule that was tried, and every look at a sealed span. Later verdicts count them.

A run notes the ledger's position when it first judges and keeps to it, so that it can be repeated exactly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage import sessions
from storage.database import LEDGER_LOCK
from storage.models import SealedOpening, Trial
from storage.sessions import Lease


def position_before(db: Session, lease: Lease, workspace: str) -> int:
    """The ledger position that counts for this session: the newest trial there was when it first asked.

    It is kept with the session, so asked again, or asked by a session that repeats this one, it is the same. Raises
    LeaseLost.
    """
    row = sessions.held(db, lease)
    if row.ledger_position is None:
        _in_turn(db, workspace)
        newest = select(func.max(Trial.position)).where(Trial.workspace == workspace)
        row.ledger_position = db.scalar(newest) or 0
    return row.ledger_position


def record(db: Session, lease: Lease, workspace: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add trials; one that is in the ledger already stays as it was. Raises LeaseLost."""
    sessions.held(db, lease)
    if rows:
        _in_turn(db, workspace)
        values = [{**row, "workspace": workspace, "session_id": lease.session_id} for row in rows]
        db.execute(insert(Trial).values(values).on_conflict_do_nothing())


def _in_turn(db: Session, workspace: str) -> None:
    """Let one transaction of a workspace at a time read or write the ledger's end.

    Otherwise a position could be seen before a smaller one, which would then appear below it later.
    """
    db.execute(select(func.pg_advisory_xact_lock(LEDGER_LOCK, func.hashtext(workspace))))


def overlapping(
    db: Session,
    workspace: str,
    *,
    series: str,
    coins: Sequence[str],
    target: str,
    start: datetime,
    end: datetime,
    up_to: int,
) -> list[dict[str, Any]]:
    """Trials up to a position on the same coins, prices and target whose span shares time with [start, end).

    Rows come back as plain values, oldest first.
    """
    query = (
        select(Trial)
        .where(Trial.workspace == workspace, Trial.series == series, Trial.coin.in_(coins))
        .where(Trial.target == target, Trial.start < end, Trial.end > start, Trial.position <= up_to)
        .order_by(Trial.position)
    )
    return [
        {
            "key": row.key,
            "coin": row.coin,
            "series": row.series,
            "target": row.target,
            "horizon_minutes": row.horizon_minutes,
            "start": row.start,
            "end": row.end,
            "block_minutes": row.block_minutes,
            "first_block": row.first_block,
            "tests": row.tests,
            "sums": row.sums,
        }
        for row in db.scalars(query)
    ]


def open_sealed(
    db: Session,
    lease: Lease,
    workspace: str,
    *,
    series: str,
    coin: str,
    target: str,
    start: datetime,
    end: datetime,
) -> int:
    """Count one look at a sealed span and return how many there had been on time it shares, this one included.

    A run that looks again (a stage that was repeated) counts once, and so does a run that repeats another: it sees
    what that one saw. The answer to either stays what it was at the first look. Raises LeaseLost.
    """
    row = sessions.held(db, lease)
    session_id = row.repeats_id or row.id
    where = {"workspace": workspace, "series": series, "coin": coin, "target": target}
    values = {"session_id": session_id, "start": start, "end": end, **where}
    db.execute(insert(SealedOpening).values(values).on_conflict_do_nothing())
    shares_time = (SealedOpening.start < end) & (SealedOpening.end > start)
    mine = select(func.min(SealedOpening.id)).filter_by(**where, session_id=session_id).where(shares_time)
    # A look by a run that was deleted since has no session any more; it was a look all the same.
    looked = func.coalesce(cast(SealedOpening.session_id, Text), cast(SealedOpening.id, Text))
    counted = select(func.count(func.distinct(looked))).filter_by(**where)
    return db.scalar(counted.where(shares_time, SealedOpening.id <= mine.scalar_subquery())) or 1
