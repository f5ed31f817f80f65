"""How volatility, return or volume differ by hour of the day, weekday or month, with intervals and a test."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from engine.science import bars
from engine.science.bars import Floats
from engine.science.metrics import Estimate

What = Literal["volatility", "return", "volume"]
Unit = Literal["hour", "weekday", "month"]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RESAMPLES = 400
_FEWEST_ROWS = 6
_Middle = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Clock:
    """One measure by a unit of time, UTC.

    Volatility is the root mean square return of a bar in bp (median over `rows` days or weeks); return is the mean
    return of the slot in bp; volume is the slot's share of its day or week (median; of a month: of all volume).
    `p_value` says how often chance alone makes slots differ as much (Friedman's rank test over the rows, Kruskal-Wallis
    over the days of months); None where there are too few rows.
    """

    what: What
    unit: Unit
    labels: tuple[str, ...]
    values: tuple[Estimate, ...]
    p_value: float | None
    rows: int

    @property
    def is_real(self) -> bool:
        """Say whether slots differ by more than chance."""
        return self.p_value is not None and self.p_value <= 0.05

    @property
    def top(self) -> int:
        """The slot with the highest value."""
        return int(np.nanargmax([e.value for e in self.values]))

    @property
    def bottom(self) -> int:
        """The slot with the lowest value."""
        return int(np.nanargmin([e.value for e in self.values]))


def by(prices: pd.DataFrame, what: What, unit: Unit, seed: int) -> Clock | None:
    """Return `what` by `unit` from bars on the regular grid; None where bars are too long for the unit."""
    minutes = bars.bar_minutes(prices)
    if unit == "hour" and minutes > 60 or unit == "weekday" and minutes > 1_440:
        return None
    table, labels = _table(prices, what, unit)
    if not len(table):
        return None
    draw = np.random.default_rng([seed, 41])
    middle = _mean if what == "return" else _median
    values = _by_month(table, middle, draw) if unit == "month" else _by_slot(table, middle, draw)
    if unit == "month" and what == "volume":
        values = _shares(table)
    # A slot that no bar fell into (a Sunday, in three days of prices) has nothing to say.
    seen = [at for at, value in enumerate(values) if not np.isnan(value.value)]
    if not seen:
        return None
    labels, values = tuple(labels[at] for at in seen), tuple(values[at] for at in seen)
    return Clock(what, unit, labels, values, _p_value(table, unit), len(table))


def _table(prices: pd.DataFrame, what: What, unit: Unit) -> tuple[Floats, tuple[str, ...]]:
    """Rows of days (hour), weeks (weekday) or days (month; columns are months) by slots; NaN where nothing was."""
    index = pd.DatetimeIndex(prices.index)
    recorded = prices["close"].notna().to_numpy()
    returns = np.where(recorded, bars.returns(prices), np.nan)
    row = index.normalize()
    slot: pd.Index
    if unit == "hour":
        slot, slots = pd.Index(index.hour), list(range(24))
        labels = tuple(f"{hour:02d}:00" for hour in range(24))
    elif unit == "weekday":
        slot, slots = pd.Index(index.day_of_week), list(range(7))
        row, labels = row - pd.to_timedelta(index.day_of_week, unit="D"), WEEKDAYS
    else:
        slot = pd.Index(index.year * 12 + index.month - 1)
        slots = sorted(set(map(int, slot)))
        labels = tuple(f"{month // 12}-{month % 12 + 1:02d}" for month in slots)
    if what == "volatility":
        found = pd.Series((returns * 10_000) ** 2).groupby([row, slot]).mean() ** 0.5
    elif what == "return":
        found = pd.Series(np.log1p(returns)).groupby([row, slot]).sum(min_count=1) * 10_000
    else:
        found = pd.Series(prices["volume"].to_numpy(np.float64)).groupby([row, slot]).sum(min_count=1)
    table = found.unstack().reindex(columns=slots).to_numpy(np.float64)
    if what == "volume" and unit != "month":
        total = np.nansum(table, axis=1, keepdims=True)
        table = np.divide(table, total, out=np.full_like(table, np.nan), where=total > 0)
    return table, labels


def _by_slot(table: Floats, middle: _Middle, draw: np.random.Generator) -> tuple[Estimate, ...]:
    """Whole rows are drawn again: what happens on one day stays together."""
    drawn = np.stack([middle(table[draw.integers(0, len(table), len(table))]) for _ in range(_RESAMPLES)])
    low, high = _bounds(drawn)
    value = middle(table)
    return tuple(Estimate(*map(float, row)) for row in zip(value, low, high, strict=True))


def _by_month(table: Floats, middle: _Middle, draw: np.random.Generator) -> tuple[Estimate, ...]:
    found = []
    for column in table.T:
        days = column[np.isfinite(column)][:, None]
        picks = [middle(days[draw.integers(0, len(days), len(days))])[0] for _ in range(_RESAMPLES)]
        low, high = _bounds(np.asarray(picks))
        found.append(Estimate(float(middle(days)[0]), float(low), float(high)))
    return tuple(found)


def _shares(table: Floats) -> tuple[Estimate, ...]:
    totals = np.nansum(table, axis=0)
    shares = totals / totals.sum() if totals.sum() > 0 else totals
    return tuple(Estimate(float(v), float(v), float(v)) for v in shares)


def _p_value(table: Floats, unit: Unit) -> float | None:
    if unit == "month":
        columns = [column[np.isfinite(column)] for column in table.T]
        columns = [column for column in columns if len(column) >= _FEWEST_ROWS]
        if len(columns) < 2:
            return None
        return float(stats.kruskal(*columns).pvalue)
    whole = table[np.isfinite(table).all(axis=1)]
    if len(whole) < _FEWEST_ROWS:
        return None
    return float(stats.friedmanchisquare(*whole.T).pvalue)


def _median(table: Floats) -> Floats:
    return _ignoring_empty(np.nanmedian, table)


def _mean(table: Floats) -> Floats:
    return _ignoring_empty(np.nanmean, table)


def _ignoring_empty(figure: Callable[..., Floats], table: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", category=RuntimeWarning
        )  # a slot without any bar is NaN, as it should be
        return np.asarray(figure(table, axis=0), dtype=np.float64)


def _bounds(drawn: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        return np.asarray(np.nanquantile(drawn, [0.025, 0.975], axis=0), dtype=np.float64)
