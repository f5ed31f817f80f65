"""The trial ledger: every rule that was tried, and every look at a sealed span. Later verdicts count them.

A run notes the ledger's position when it first judges and keeps to it, so that it can be repeated exactly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage import sessions
from storage.models import SealedOpening, Trial
from storage.sessions import Lease


def position_before(db: Session, lease: Lease, workspace: str) -> int:
    """The place of the newest trial that was there before this session's first one; 0 when there is none.

    Asked again later in the session, it is the same: a run is judged against the ledger it found.
    """
    mine = select(func.min(Trial.position)).where(Trial.session_id == lease.session_id)
    first = db.scalar(mine)
    query = select(func.max(Trial.position)).where(Trial.workspace == workspace)
    if first is not None:
        query = query.where(Trial.position < first)
    return db.scalar(query) or 0


def record(db: Session, lease: Lease, workspace: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add trials; one that is in the ledger already stays as it was. Raises LeaseLost."""
    sessions.held(db, lease)
    if rows:
        values = [{**row, "workspace": workspace, "session_id": lease.session_id} for row in rows]
        db.execute(insert(Trial).values(values).on_conflict_do_nothing())


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
    """Count one look at a sealed span and return how many there have been on time it shares, this one included.

    A run that looks again (a stage that was repeated) counts once. Raises LeaseLost.
    """
    sessions.held(db, lease)
    where = {"workspace": workspace, "series": series, "coin": coin, "target": target}
    db.execute(
        insert(SealedOpening)
        .values(session_id=lease.session_id, start=start, end=end, **where)
        .on_conflict_do_nothing()
    )
    counted = select(func.count(func.distinct(SealedOpening.session_id))).filter_by(**where)
    return db.scalar(counted.where(SealedOpening.start < end, SealedOpening.end > start)) or 1
