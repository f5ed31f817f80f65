"""From rows to bars on the grid: cadence, stamps at the end, finer rows put together, one row per bar.

A bar is stamped with its start. What is finer than five minutes is aggregated if it divides five minutes,
what is coarser keeps its own cadence; nothing is ever filled in.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from storage import coins
from storage.importing.errors import FileRefused
from storage.importing.report import CoinReport
from storage.importing.rows import VALUES, Rows
from storage.series import INTERVAL_SECONDS, interval_text

Array = np.ndarray[Any, Any]

SECOND = 1_000_000
GRID = INTERVAL_SECONDS * SECOND
_WEEK = 604_800
_LATEST = (
    60 * SECOND
)  # after the mark: a feed that is slow to stamp its bars, rather than bars of another grid
_COARSER = (300, 900, 1800, 3600, 14_400, 86_400)
_RUN, _SHORT_RUN = 12, 4


@dataclass
class Bars:
    """The bars of one market, sorted by time, with what happened on the way in `report`."""

    market: coins.Market
    interval_seconds: int
    micros: Array
    values: dict[str, Array]
    report: CoinReport


def build(rows: Rows, *, end_stamped: bool, cadence_seconds: int | None = None) -> list[Bars]:
    """The bars of each market. `cadence_seconds` is what the file says of itself, used if the times show none.

    Raises FileRefused for a cadence that neither divides five minutes nor is a multiple of it.
    """
    aside = rows.aside
    order = np.lexsort((rows.line, rows.micros, rows.market))
    if not np.array_equal(order, np.arange(len(order))):
        rows = rows.take(order)
    edges = np.searchsorted(rows.market, np.arange(len(rows.markets) + 1))
    built = []
    known = cadence_seconds or _pooled_cadence(rows, edges)
    for at, market in enumerate(rows.markets):
        here = rows.take(slice(edges[at], edges[at + 1]))
        if len(here):
            set_aside = aside[1][aside[0] == at]
            bars = _of_market(here, set_aside, market, end_stamped, known)
            twins = np.intersect1d(set_aside, here.micros)
            bars.report.conflicts = sorted({*bars.report.conflicts, *map(time_text, twins.tolist())})
            built.append(bars)
    return built


def time_text(micros: int) -> str:
    """2023-06-01T00:05:00Z."""
    return datetime.fromtimestamp(micros / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pooled_cadence(rows: Rows, edges: Array) -> int | None:
    """The commonest step of all markets together, in seconds: a coin with few rows leans on the others."""
    steps: Counter[int] = Counter()
    for start, end in itertools.pairwise(edges):
        lengths, counts = np.unique(np.diff(np.unique(rows.micros[start:end])), return_counts=True)
        steps.update({int(length): int(count) for length, count in zip(lengths, counts, strict=True)})
    steps = Counter({length: count for length, count in steps.items() if count > 1})
    return max(round(steps.most_common(1)[0][0] / SECOND), 1) if steps else None


def _of_market(rows: Rows, aside: Array, market: coins.Market, end_stamped: bool, pooled: int | None) -> Bars:
    report = CoinReport(market.coin, "", rows=len(rows))
    is_candle = bool(np.isfinite(rows.values["high"]).mean() > 0.5)
    rows, opens_apart = _without_duplicates(rows, report)
    _require_own_times(rows, report, is_candle, opens_apart)
    step = _cadence(rows.micros, pooled, is_candle, market)
    shift = _end_shift(rows.micros, step, end_stamped)
    if shift:
        rows.micros = rows.micros - shift
        report.shifted = f"stamps at the end of the bar moved to its start, {_length(shift)} earlier"
    if is_candle:
        _require_one_cadence(rows, step, market)
    interval = max(step, INTERVAL_SECONDS)
    phase = 0 if interval == INTERVAL_SECONDS else _phase(rows.micros, interval)
    offsets = (rows.micros - phase) % (interval * SECOND)
    starts = rows.micros - offsets
    if is_candle and step < INTERVAL_SECONDS:
        span = np.concatenate([rows.micros[[0, -1]], aside - shift])
        bars = _aggregated(rows, starts, step, (int(span.min()), int(span.max())), report)
    else:
        bars = _one_each(rows, starts, offsets, is_candle, step, report)
    return Bars(market, interval, *bars, report)


def _require_own_times(rows: Rows, report: CoinReport, is_candle: bool, opens_apart: int) -> None:
    """Raise FileRefused if many rows share their time with others that differ: then the times say too little.

    A bar that was recorded several times while it grew opens where it opened.
    """
    crowded = report.duplicates > 0.6 * report.rows and len(report.conflicts) >= 0.5 * len(rows)
    if report.rows < 10 or not (crowded or opens_apart > 0.25 * len(rows)):
        return
    if is_candle or not (rows.micros % (86_400 * SECOND)).any():
        raise FileRefused(
            f"Many rows of {report.coin} share their time with others that differ (such as {report.conflicts[0]}): "
            "the time of day is lost, or several tables are mixed. Export it with full times."
        )


def _require_one_cadence(rows: Rows, step: int, market: coins.Market) -> None:
    """Raise FileRefused if a stretch of the file has coarser candles, which would pass for finer ones.

    A thin market leaves candles out, but hardly a dozen times in a row by the same number, and on the coarser
    marks; four times in a row are enough where chance does not explain them and far more was traded in each.
    """
    micros, volume = rows.micros, rows.values["volume"]
    steps = np.diff(micros)
    edges = np.flatnonzero(np.append(True, steps[1:] != steps[:-1])) if len(steps) else np.empty(0, np.int64)
    lengths = np.diff(np.append(edges, len(steps)))
    for coarse in _COARSER:
        if coarse < 3 * step:
            continue
        here = (lengths >= _SHORT_RUN) & (steps[edges] == coarse * SECOND)
        here &= micros[edges] % (coarse * SECOND) == 0
        others = np.count_nonzero(steps == coarse * SECOND) - lengths[here].sum()
        by_chance = len(steps) * ((others + 1) / max(len(steps), 1)) ** lengths
        usual = np.median(volume)
        for at in np.flatnonzero(here):
            traded = np.median(volume[edges[at] : edges[at] + lengths[at]])
            if lengths[at] >= _RUN or (by_chance[at] < 1e-3 and traded > 2 * usual):
                raise FileRefused(
                    f"{market.coin} has candles at more than one cadence ({interval_text(step)} and "
                    f"{interval_text(coarse)}, from {time_text(int(micros[edges[at]]))}): split the file by cadence."
                )


def _without_duplicates(rows: Rows, report: CoinReport) -> tuple[Rows, int]:
    """One row per stamp: equal rows are dropped, of differing ones the finished candle (more volume) stays.

    Also how many stamps have rows that open at different prices.
    """
    same = rows.micros[1:] == rows.micros[:-1]
    if not same.any():
        return rows, 0
    volume = np.nan_to_num(rows.values["volume"], nan=-1.0)
    order = np.lexsort((rows.line, volume, rows.micros))
    rows = rows.take(order)
    same = rows.micros[1:] == rows.micros[:-1]
    differ = np.zeros(len(same), bool)
    for column in rows.values.values():
        with np.errstate(invalid="ignore"):
            differ |= (column[1:] != column[:-1]) & ~(np.isnan(column[1:]) & np.isnan(column[:-1]))
    conflicts = np.unique(rows.micros[1:][same & differ])
    opened = rows.values["open"]
    opens_apart = len(
        np.unique(rows.micros[1:][same & (np.abs(opened[1:] - opened[:-1]) > 1e-9 * opened[1:])])
    )
    report.duplicates = int(same.sum())
    report.conflicts = [time_text(int(micros)) for micros in conflicts]
    return rows.take(np.flatnonzero(np.append(~same, True))), opens_apart


def _cadence(micros: Array, pooled: int | None, is_candle: bool, market: coins.Market) -> int:
    """The step between rows in seconds, as bars have it; for irregular quotes the five minutes of the table."""
    steps = np.diff(micros)
    if not len(steps):
        return _accepted(pooled, market) if pooled and is_candle else INTERVAL_SECONDS
    lengths, counts = np.unique(steps, return_counts=True)
    commonest = int(lengths[np.argmax(counts)])
    regular = (
        counts.max() >= 2 and np.mean(np.abs(steps / commonest - np.round(steps / commonest)) < 0.02) > 0.5
    )
    if not regular:
        # Quotes taken now and then, or stamps that jitter round the grid.
        typical = float(np.median(steps)) / SECOND
        if is_candle and typical < 0.6 * INTERVAL_SECONDS:
            raise FileRefused(
                f"The candles of {market.coin} have no regular step: they cannot be put on the grid."
            )
        if typical > 20 * 3600 and np.mean(np.abs(steps / 86_400e6 - np.round(steps / 86_400e6)) < 0.1) > 0.8:
            return 86_400
        return INTERVAL_SECONDS
    return _late_cadence(micros) or _accepted(_rounded(commonest), market, is_candle)


def _late_cadence(micros: Array) -> int | None:
    """The step in seconds of bars that are stamped up to a minute late, each differently; None if they are not."""
    for seconds in (300, 900, 1800, 3600, 14_400, 86_400):
        places, late = np.divmod(micros, seconds * SECOND)
        steps = np.diff(places)
        if (
            0 < late.max() <= _LATEST
            and len(np.unique(late)) > 1
            and (steps > 0).all()
            and np.median(steps) == 1
        ):
            return seconds
    return None


def _rounded(micros: int) -> int:
    """A step in whole seconds; feeds that stamp a few milliseconds late still have a cadence."""
    seconds = micros / SECOND
    for usual in (1, 5, 10, 15, 20, 30, 60, 100, 150, 300, 900, 1800, 3600, 14_400, 86_400):
        if abs(seconds - usual) < 0.02 * usual:
            return usual
    return max(round(seconds), 1)


def _accepted(step: int, market: coins.Market, is_candle: bool = True) -> int:
    if step < INTERVAL_SECONDS and INTERVAL_SECONDS % step and is_candle:
        raise FileRefused(
            f"The {interval_text(step)} candles of {market.coin} do not fit into five minutes: import 1m or 5m ones."
        )
    if step < INTERVAL_SECONDS and INTERVAL_SECONDS % step:
        return INTERVAL_SECONDS  # quotes: each belongs to the bar that contains it
    if step > _WEEK:
        raise FileRefused(
            f"The rows of {market.coin} are {step / 86_400:.0f} days apart, as months or quarters are, whose bars have "
            "no fixed length: import daily or finer ones."
        )
    if step > INTERVAL_SECONDS and step % INTERVAL_SECONDS:
        if not is_candle:
            return INTERVAL_SECONDS
        raise FileRefused(
            f"The {interval_text(step)} candles of {market.coin} are no multiple of five minutes: import 5m ones."
        )
    return step


def _end_shift(micros: Array, step: int, end_stamped: bool) -> int:
    """How far stamps lie after the starts of their bars because they mark the end, in microseconds.

    Stamps just before the next mark (00:04:59.999) can be nothing but ends. On the mark itself only a header or
    a person can tell.
    """
    size = step * SECOND
    before_mark = (-micros) % size
    if len(micros) and np.mean((before_mark > 0) & (before_mark <= SECOND)) > 0.9:
        return size - int(np.median(before_mark))
    return size if end_stamped else 0


def _phase(micros: Array, interval: int) -> int:
    """Where a coarser bar begins: most of them say so (days that begin at 10:00 UTC, for example)."""
    offsets, counts = np.unique(micros % (interval * SECOND), return_counts=True)
    return int(offsets[np.argmax(counts)]) if counts.max() > 0.5 * len(micros) else 0


def _one_each(
    rows: Rows, starts: Array, offsets: Array, is_candle: bool, step: int, report: CoinReport
) -> tuple[Array, dict[str, Array]]:
    """The last row of each bar. Several quotes in one bar are its course; several candles are a fault."""
    late = offsets > 0
    if is_candle and step == INTERVAL_SECONDS and np.median(offsets) > _LATEST:
        raise FileRefused(
            f"The bars of {report.coin} begin {_length(int(np.median(offsets)))} after the five-minute marks: on the "
            "marks they would hold prices of the next bar. Import bars that begin on them, or 1m ones."
        )
    if late.any() and not report.shifted:
        most = int(offsets[late].max())
        report.shifted = f"{int(late.sum()):,} stamp{'' if late.sum() == 1 else 's'} off the grid (by up to {_length(most)}) moved to their bar's start"
    last = np.append(starts[1:] != starts[:-1], True)
    crowded = int((~last).sum())
    if is_candle and crowded:
        if crowded > max(5, 0.01 * len(starts)):
            raise FileRefused(
                f"{report.coin} has candles at more than one cadence ({crowded:,} lie between the "
                f"{interval_text(max(step, INTERVAL_SECONDS))} marks): split the file by cadence."
            )
        # The candle on the mark is the bar; a stray one between the marks is set aside.
        keep = np.lexsort((offsets > 0, starts))
        first = np.append(True, starts[keep][1:] != starts[keep][:-1])
        chosen = keep[first]
        report.duplicates += crowded
        return starts[chosen], {name: column[chosen] for name, column in rows.values.items()}
    report.merged = crowded
    if not crowded:
        return starts, rows.values
    values = {name: column[last] for name, column in rows.values.items()}
    if crowded:
        groups = np.flatnonzero(np.append(True, starts[1:] != starts[:-1]))
        volume = rows.values["volume"]
        values["volume"] = np.where(
            np.isfinite(values["volume"]), np.add.reduceat(np.nan_to_num(volume), groups), np.nan
        )
    return starts[last], values


def _aggregated(
    rows: Rows, starts: Array, step: int, span: tuple[int, int], report: CoinReport
) -> tuple[Array, dict[str, Array]]:
    """Finer candles put together: first open, highest high, lowest low, last close, sum of the volumes.

    A bar at either end of the file's `span` that lacks its outer candles is unfinished and left out; a hole inside
    is kept as it is, since venues write nothing (or a line without prices) when nothing trades.
    """
    begins = np.append(True, starts[1:] != starts[:-1])
    groups = np.flatnonzero(begins)
    last = np.append(groups[1:], len(starts)) - 1
    with np.errstate(invalid="ignore"):
        values = {
            "open": rows.values["open"][groups],
            "high": np.fmax.reduceat(rows.values["high"], groups),
            "low": np.fmin.reduceat(rows.values["low"], groups),
            "close": rows.values["close"][last],
            "volume": np.add.reduceat(rows.values["volume"], groups),
            "bid": rows.values["bid"][last],
            "ask": rows.values["ask"][last],
        }
    keep = np.ones(len(groups), bool)
    keep[0] &= span[0] <= starts[0]
    keep[-1] &= span[1] >= starts[-1] + GRID - step * SECOND
    report.incomplete = int((~keep).sum())
    report.merged = len(rows) - len(groups)
    if not keep.any():
        raise FileRefused(f"{report.coin} has no complete five minutes in it: import a longer file.")
    return starts[groups][keep], {name: column[keep] for name, column in values.items()}


def to_table(bars: Bars) -> pa.Table:
    """The columns `prices.upsert` takes."""
    columns: dict[str, Any] = {
        "coin": pa.repeat(bars.market.coin, len(bars.micros)),
        "timestamp": pa.array(bars.micros).cast(pa.timestamp("us", tz="UTC")),
    }
    for name in VALUES:
        columns[name] = pa.array(bars.values[name], from_pandas=True)
    return pa.table(columns)


def _length(micros: int) -> str:
    seconds = micros / SECOND
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"
