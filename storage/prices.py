"""Prices: what is held, which series to use, reading a span of bars, writing bars.

A bar stamped t covers [t, t + interval) and is known at its end. Prices of different series (venue and
currency, and cadence where it is not five minutes) never mix; `storage.series` says how they are named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from storage.errors import PriceError
from storage.models import PriceBar, PriceCoverage, PriceSeries
from storage.series import Series, parse

if TYPE_CHECKING:
    import pyarrow as pa

# Under a week of five-minute bars nothing can be judged: such a series is a last resort.
ENOUGH_ROWS = 7 * 288


@dataclass(frozen=True)
class Coverage:
    """What is held of one coin in one series. `start` is the first bar's start, `end` the last bar's end."""

    series: str
    coin: str
    start: datetime
    end: datetime
    rows: int
    interval_seconds: int
    simulated: bool


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one coin that were written."""

    new: int = 0
    updated: int = 0
    same: int = 0


@dataclass(frozen=True)
class Written:
    """What became of the rows of each coin, and of all together."""

    coins: Mapping[str, Counts]

    @property
    def new(self) -> int:
        return sum(counts.new for counts in self.coins.values())

    @property
    def updated(self) -> int:
        return sum(counts.updated for counts in self.coins.values())

    @property
    def same(self) -> int:
        return sum(counts.same for counts in self.coins.values())


def coverage(
    bind: sa.Connection | Session, *, series: str | None = None, coin: str | None = None
) -> list[Coverage]:
    """What is held, by series and coin; narrowed to one series or one coin if asked. Never scans the bars."""
    query = (
        sa.select(
            PriceCoverage.series,
            PriceCoverage.coin_type,
            PriceCoverage.first_at,
            PriceCoverage.last_at,
            PriceCoverage.rows,
            PriceSeries.interval_seconds,
            PriceSeries.simulated,
        )
        .join(PriceSeries, PriceSeries.name == PriceCoverage.series)
        .order_by(PriceCoverage.series, PriceCoverage.coin_type)
    )
    if series is not None:
        query = query.where(PriceCoverage.series == series)
    if coin is not None:
        query = query.where(PriceCoverage.coin_type == coin)
    return [
        Coverage(name, held, first, last + timedelta(seconds=step), rows, step, simulated)
        for name, held, first, last, rows, step, simulated in _connection(bind).execute(query)
    ]


def all_series(bind: sa.Connection | Session) -> list[Series]:
    """Every series that has ever held a bar, by name."""
    query = sa.select(PriceSeries.__table__).order_by(PriceSeries.name)
    return [
        Series(row.name, row.venue, row.currency, row.interval_seconds, row.simulated, row.note)
        for row in _connection(bind).execute(query)
    ]


def default_series(bind: sa.Connection | Session, coins: str | Sequence[str]) -> str:
    """The series to use for `coins` when nobody names one; for several coins, one that holds them all.

    The first that is real rather than simulated, then five-minute rather than coarser, then holds at least
    a week of each coin, then is newest (to the day), then is longest, then comes first by name.
    Raises PriceError if no series holds them all.
    """
    wanted = {coins} if isinstance(coins, str) else set(coins)
    held: dict[str, list[Coverage]] = {}
    for item in coverage(bind):
        if item.coin in wanted:
            held.setdefault(item.series, []).append(item)
    complete = [items for items in held.values() if len(items) == len(wanted)]
    if not complete:
        raise PriceError(_nowhere_together(wanted, held))
    return min(complete, key=_preference)[0].series


def load(
    bind: sa.Connection | Session,
    series: str,
    coins: Sequence[str],
    start: datetime | None = None,
    end: datetime | None = None,
) -> "pa.Table":
    """The bars of `coins` in `series` whose start lies in [start, end), sorted by coin, then time.

    Columns: coin (string), timestamp (microseconds, UTC), open, high, low, close, volume, bid, ask (double,
    null where nothing was recorded). A missing bound is open. Raises PriceError for a coin the series lacks.
    """
    from storage.price_copy import read

    known = {item.coin for item in coverage(bind, series=series)}
    missing = sorted(set(coins) - known)
    if missing:
        held = f"It holds {_listed(known)}." if known else "There is no such series."
        raise PriceError(f"{series} has no prices of {_listed(missing)}. {held}")
    return read(_connection(bind), series, sorted(set(coins)), start, end)


def upsert(bind: sa.Connection | Session, series: Series | str, table: "pa.Table") -> Written:
    """Write `table` (columns as `load` returns them; all but coin, timestamp and close may be absent).

    Runs in the caller's transaction and waits for other writers of the series. A held bar whose close is the
    same keeps values the new row lacks; otherwise the new row replaces it. Each coin and time may occur once.
    """
    from storage.price_copy import write

    series = parse(series) if isinstance(series, str) else series
    connection = _connection(bind)
    _register_and_lock(connection, series)
    return Written(write(connection, series.name, table))


@dataclass(frozen=True)
class Gap:
    """A stretch without bars: `start` is when the first missing bar would begin, `end` when the last would end."""

    start: datetime
    end: datetime
    missing_bars: int


def gaps(bind: sa.Connection | Session, series: str, coin: str) -> list[Gap]:
    """Every stretch in which a coin has no bars between its first and its last, in order of time."""
    step = _connection(bind).scalar(sa.select(PriceSeries.interval_seconds).where(PriceSeries.name == series))
    if step is None:
        return []
    following = sa.func.lead(PriceBar.timestamp).over(order_by=PriceBar.timestamp)
    bars = (
        sa.select(PriceBar.timestamp.label("at"), following.label("following"))
        .where(PriceBar.series == series, PriceBar.coin_type == coin)
        .subquery()
    )
    interval = timedelta(seconds=step)
    query = (
        sa.select(bars.c.at, bars.c.following)
        .where(bars.c.following - bars.c.at > sa.literal(interval, sa.Interval))
        .order_by(bars.c.at)
    )
    return [
        Gap(at + interval, after, missing)
        for at, after in _connection(bind).execute(query)
        if (missing := round((after - at) / interval) - 1) > 0
    ]


def fullness(
    bind: sa.Connection | Session, series: str, coin: str, start: datetime, end: datetime, buckets: int
) -> list[int]:
    """How many bars a coin has in each of `buckets` equal stretches of [start, end): a chart of what is held."""
    place = sa.func.width_bucket(
        sa.extract("epoch", PriceBar.timestamp), start.timestamp(), end.timestamp(), buckets
    ).label("place")
    query = (
        sa.select(place, sa.func.count())
        .where(PriceBar.series == series, PriceBar.coin_type == coin)
        .where(PriceBar.timestamp >= start, PriceBar.timestamp < end)
        .group_by(place)
    )
    counts = {int(number): int(rows) for number, rows in _connection(bind).execute(query)}
    return [counts.get(number, 0) for number in range(1, buckets + 1)]


def remove(bind: sa.Connection | Session, series: str, coin: str | None = None) -> int:
    """Delete a series, or one coin of it, in the caller's transaction; returns how many bars went."""
    connection = _connection(bind)

    def delete(table: type[PriceBar] | type[PriceCoverage]) -> int:
        query = sa.delete(table).where(table.series == series)
        return connection.execute(query if coin is None else query.where(table.coin_type == coin)).rowcount

    bars = delete(PriceBar)
    delete(PriceCoverage)
    left = sa.select(PriceCoverage.coin_type).where(PriceCoverage.series == series)
    if connection.execute(left.limit(1)).first() is None:
        connection.execute(sa.delete(PriceSeries).where(PriceSeries.name == series))
    return bars


def _preference(items: Sequence[Coverage]) -> tuple[bool, bool, bool, int, int, str]:
    first = items[0]
    fewest = min(item.rows for item in items)
    newest_day = min(item.end for item in items).toordinal()
    coarser = first.interval_seconds > 300
    return first.simulated, coarser, not coarser and fewest < ENOUGH_ROWS, -newest_day, -fewest, first.series


def _nowhere_together(wanted: set[str], held: Mapping[str, Sequence[Coverage]]) -> str:
    found = {item.coin for items in held.values() for item in items}
    if unknown := sorted(wanted - found):
        return f"There are no prices of {_listed(unknown)}. See `omc data coins` for what is held."
    where = "; ".join(f"{name} has {_listed({i.coin for i in items})}" for name, items in held.items())
    return f"No series holds {_listed(wanted)} together, and series are never mixed: {where}."


def _register_and_lock(connection: sa.Connection, series: Series) -> None:
    """Make the series' row if need be and hold it: two imports of one series take turns."""
    from sqlalchemy.dialects.postgresql import insert

    connection.execute(
        insert(PriceSeries)
        .values(
            name=series.name,
            venue=series.venue,
            currency=series.currency,
            interval_seconds=series.interval_seconds,
            simulated=series.simulated,
            note=series.note,
        )
        .on_conflict_do_nothing()
    )
    # "no key update" does not stop the foreign key checks of others.
    held = connection.execute(
        sa.select(PriceSeries.interval_seconds, PriceSeries.simulated)
        .where(PriceSeries.name == series.name)
        .with_for_update(key_share=True)
    ).one()
    if tuple(held) != (series.interval_seconds, series.simulated):
        raise PriceError(
            f"The series {series.name} holds {held.interval_seconds} s bars"
            f"{' of simulated prices' if held.simulated else ''}: choose another name with --series."
        )


def _connection(bind: sa.Connection | Session) -> sa.Connection:
    return bind.connection() if isinstance(bind, Session) else bind


def _listed(words: set[str] | Sequence[str]) -> str:
    few = sorted(words)[:12]
    more = len(words) - len(few)
    return ", ".join(few) + (f" and {more} more" if more else "")
