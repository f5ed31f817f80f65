"""Predictions of what has not happened yet: kept when they are made, scored when the prices have come.

A prediction is never changed once it is made: the first one for a coin at a moment stands.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.models import ForwardPrediction

# The last close known at a moment is that of the bar that ended then or before; an outcome counts once prices
# reach past its moment. A volatility is the log of the root mean square log return per bar, at least 1 bp.
_SCORE = text("""
with due as (
    select f.id, f.series, f.coin, f.target, f.known_at, f.due_at, f.bar_minutes, s.interval_seconds
    from forward_predictions f
    join price_series s on s.name = f.series
    join price_coverage c on c.series = f.series and c.coin_type = f.coin
    where f.scored_at is null and f.due_at <= c.last_at + make_interval(secs => s.interval_seconds)
    order by f.due_at limit 500
), outcome as (
    select due.id, due.target, before.close as before, after.close as after, moves.volatility
    from due
    left join lateral (
        select p.close from price_data_5min p
        where p.series = due.series and p.coin_type = due.coin
          and p.timestamp <= due.known_at - make_interval(secs => due.interval_seconds)
        order by p.timestamp desc limit 1
    ) before on true
    left join lateral (
        select p.close from price_data_5min p
        where p.series = due.series and p.coin_type = due.coin
          and p.timestamp <= due.due_at - make_interval(secs => due.interval_seconds)
        order by p.timestamp desc limit 1
    ) after on true
    left join lateral (
        select 0.5 * ln(greatest(avg(power(ln(b.close / b.earlier), 2)), 1e-8)) as volatility
        from (
            select p.close, lag(p.close) over (order by p.timestamp) as earlier
            from price_data_5min p
            where p.series = due.series and p.coin_type = due.coin
              and p.timestamp >= due.known_at - make_interval(secs => due.interval_seconds)
              and p.timestamp < due.due_at
              and extract(epoch from p.timestamp)::bigint % (due.bar_minutes * 60)
                  = due.bar_minutes * 60 - due.interval_seconds
        ) b where b.earlier is not null
    ) moves on due.target = 'volatility'
)
update forward_predictions f
set scored_at = now(),
    actual = case outcome.target
        when 'direction' then (outcome.after > outcome.before)::int::float8
        when 'return' then outcome.after / outcome.before - 1
        else outcome.volatility end
from outcome where f.id = outcome.id
""")


@dataclass(frozen=True)
class Outcome:
    """One prediction that was scored: whether the side was right, and its squared error."""

    known_at: datetime
    due_at: datetime
    is_hit: bool
    loss: float


@dataclass(frozen=True)
class Record:
    """How a run's predictions have done so far, oldest first, and how many still wait."""

    outcomes: tuple[Outcome, ...]
    waiting: int


def keep(db: Session, session_id: uuid.UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep predictions; one that was made before for the same coin and moment stays as it was."""
    if rows:
        values = [{**row, "session_id": session_id} for row in rows]
        db.execute(insert(ForwardPrediction).values(values).on_conflict_do_nothing())


def score(db: Session) -> int:
    """Score every prediction whose outcome the prices now show; returns how many."""
    return int(getattr(db.execute(_SCORE), "rowcount", 0))


def record(db: Session, session_id: uuid.UUID, coin: str, *, centre: float) -> Record:
    """Sum up a run's predictions of one coin. A hit is an outcome on the predicted side of `centre`."""
    query = select(ForwardPrediction).filter_by(session_id=session_id, coin=coin)
    rows = list(db.scalars(query.order_by(ForwardPrediction.known_at)))
    outcomes = tuple(
        Outcome(
            row.known_at,
            row.due_at,
            (row.said > centre) == (row.actual > centre),
            (row.said - row.actual) ** 2,
        )
        for row in rows
        if row.actual is not None
    )
    return Record(outcomes, waiting=sum(row.scored_at is None for row in rows))
