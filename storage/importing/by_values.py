"""Columns without headers that say what they are: told by what their values can only be."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from storage.importing import columns as words
from storage.importing import numbers, stamps
from storage.importing.columns import Header
from storage.importing.errors import FileRefused, Unclear
from storage.importing.raw import RawTable
from storage.importing.sample import Sample

Array = np.ndarray[Any, Any]

_FARTHEST = 3.0  # of the prices of a bar, the highest is never usually so many times the lowest


def prices_by_values(
    table: RawTable,
    headers: Sequence[Header],
    free: Sequence[int],
    time: tuple[int, ...],
    sample: Sample,
    notes: list[str],
) -> dict[str, int]:
    """Columns without usable headers: four neighbours of which one is always highest and one always lowest."""
    _require_readable_prices(table, headers, free)
    roles = (words.VOLUME, words.IGNORED, words.INTERVAL, words.FINISHED)  # named, so they are no prices
    numeric = [at for at in free if sample.number_share(at) > 0.9 and headers[at].role not in roles]
    numeric = [at for at in numeric if not _is_other_time(sample, at, time)]
    numeric = [at for at in numeric if np.nanmin(sample.numbers(at)) >= 0]
    windows = [numeric[start : start + 4] for start in range(len(numeric) - 3)]
    spreads = {_spread(sample, window): window for window in windows if window[-1] - window[0] == 3}
    for spread in sorted(spread for spread in spreads if spread < _FARTHEST):
        window = spreads[spread]
        found = _open_high_low_close(table, window, time, sample)
        if found:
            rest = [at for at in numeric if at > window[-1]]
            called = [at for at in free if headers[at].role == words.VOLUME and sample.number_share(at) > 0]
            volume = (
                called[0] if called else next((at for at in rest if not _between(sample, at, found)), None)
            )
            if volume is not None:
                found[words.VOLUME] = volume
            order = ", ".join(sorted(found, key=lambda role: found[role]))
            notes.append(f"columns told by their values: {order}")
            return found
    if len(numeric) == 1:
        notes.append("the one column of numbers is taken as the price")
        return {words.CLOSE: numeric[0]}
    if not numeric:
        raise FileRefused("No prices are found in it: there is no column of numbers beside the times.")
    first = " | ".join(str(column[0].as_py())[:20] for column in table.columns[:12])
    raise Unclear(
        "columns",
        f"Which column is the price cannot be told ({first}): say it, as in "
        "--columns time=1,open=2,high=3,low=4,close=5.",
    )


def _require_readable_prices(table: RawTable, headers: Sequence[Header], free: Sequence[int]) -> None:
    """Raise FileRefused if a header promises a price and its cells are none: no other column stands in for it."""
    for at in free:
        if headers[at].role in (words.CLOSE, words.BID, words.BUY):
            first = next((str(cell) for cell in table.columns[at].slice(0, 50).to_pylist() if cell), "")
            raise FileRefused(
                f"The column {headers[at].text[:24]!r} holds no prices that can be read (such as {first[:24]!r}): "
                "name the right one, as in --columns time=1,close=5."
            )


def _is_other_time(sample: Sample, at: int, time: tuple[int, ...]) -> bool:
    """Whether a column of numbers is a second column of times, such as when a bar closed.

    Numbers of five digits are only that if they stay close to the times: bitcoin's prices look like Excel's days.
    """
    if sample.stamp_share(at) < 0.9:
        return False
    mine, theirs = (stamps.parse(sample.columns[place], day_first=True).micros for place in (at, time[0]))
    return bool(np.median(np.abs(mine - theirs)) < 40 * stamps.DAY_MICROS)


def _spread(sample: Sample, window: Sequence[int]) -> float:
    """How many times the lowest the highest of some columns is: prices of one bar are close, sums traded are not."""
    values = np.array([sample.numbers(at) for at in window])
    values = values[:, (np.isfinite(values) & (values > 0)).all(axis=0)]
    return float(np.median(values.max(axis=0) / values.min(axis=0))) if values.shape[1] else math.inf


def _open_high_low_close(
    table: RawTable, window: Sequence[int], time: tuple[int, ...], sample: Sample
) -> dict[str, int] | None:
    values = np.array([sample.numbers(at) for at in window])
    values = values[:, np.isfinite(values).all(axis=0)]
    if values.shape[1] < 2 or not (values.max(axis=0) > values.min(axis=0)).any():
        return None
    slack = 1e-9
    highest = [at for at in range(4) if np.mean(values[at] >= values.max(axis=0) * (1 - slack)) >= 0.98]
    lowest = [at for at in range(4) if np.mean(values[at] <= values.min(axis=0) * (1 + slack)) >= 0.98]
    if len(highest) != 1 or len(lowest) != 1 or highest == lowest:
        return None
    first, second = (at for at in range(4) if at not in (highest[0], lowest[0]))
    if _opens(table, window[second], window[first], time):
        first, second = second, first
    return {words.OPEN: window[first], words.HIGH: window[highest[0]], words.LOW: window[lowest[0]],
            words.CLOSE: window[second]}  # fmt: skip


def _opens(table: RawTable, candidate: int, other: int, time: tuple[int, ...]) -> bool:
    """Whether `candidate` rather than `other` is the open: a bar opens where the one before it closed."""
    rows = min(table.rows, 2_000)
    micros = stamps.parse(table.columns[time[0]].slice(0, rows), day_first=True).micros
    order = np.argsort(micros, kind="stable")
    pair = [table.columns[at].slice(0, rows) for at in (candidate, other)]
    mark = numbers.decimal_mark([column for column in pair if pa.types.is_string(column.type)])
    a, b = (numbers.parse(column, mark)[0][order] for column in pair)
    return bool(np.nanmean(np.abs(a[1:] - b[:-1])) < 0.9 * np.nanmean(np.abs(b[1:] - a[:-1])))


def _between(sample: Sample, at: int, found: Mapping[str, int]) -> bool:
    """Whether a column always lies between low and high, as an average price does and a volume does not."""
    low, high, values = (sample.numbers(place) for place in (found[words.LOW], found[words.HIGH], at))
    return bool(np.mean((values >= low * 0.999) & (values <= high * 1.001)) > 0.95)
