"""A file that was read, written: all of it in one transaction, or nothing."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from storage import prices
from storage.importing.errors import Unclear
from storage.importing.reading import Part, Reading
from storage.importing.report import Report

Array = np.ndarray[Any, Any]

_COMPARED = timedelta(days=17)  # of the overlap, its newest part
_LEAST_SHARED = 50


def store(bind: sa.Connection | Session, reading: Reading) -> Report:
    """Write the bars in the caller's transaction and complete the report with what was new, changed or the same.

    Raises Unclear (option `tz` or `stamps`) if the file repeats held prices at other times: one is stamped wrong.
    """
    for part in reading.parts:
        held = {item.coin for item in prices.coverage(bind, series=part.series.name)}
        for coin in held.intersection(pc.unique(part.table["coin"]).to_pylist()):
            _require_same_clock(bind, part, coin)
        written = prices.upsert(bind, part.series, part.table)
        for coin_report in reading.report.coins:
            if coin_report.series == part.series.name:
                counts = written.coins[coin_report.coin]
                coin_report.new, coin_report.updated, coin_report.same = (
                    counts.new,
                    counts.updated,
                    counts.same,
                )
    reading.report.written = True
    return reading.report


def _require_same_clock(bind: sa.Connection | Session, part: Part, coin: str) -> None:
    step = part.series.interval_seconds
    if step > 3600:
        return
    bars = part.table.filter(pc.equal(part.table["coin"], coin))
    end = pc.max(bars["timestamp"]).as_py()
    held = prices.load(bind, part.series.name, [coin], end - _COMPARED, end + timedelta(days=1))
    if held.num_rows < _LEAST_SHARED:
        return
    mine, theirs = _by_place(bars, step), _by_place(held, step)
    if _agreement(mine, theirs, 0) > 0.2:
        return
    per_half_hour = max(1800 // step, 1)
    shifts = [-1, 1, *(sign * count * per_half_hour for count in range(1, 29) for sign in (1, -1))]
    best = max(shifts, key=lambda shift: _agreement(mine, theirs, shift))
    if _agreement(mine, theirs, best) < 0.8:
        return
    minutes = abs(best) * step // 60
    length = f"{minutes} minutes" if minutes < 60 else f"{minutes / 60:g} hours"
    late = "later" if best < 0 else "earlier"
    option, advice = (
        ("tz", "its zone with --tz") if abs(best) > 1 else ("stamps", "--stamps start or --stamps end")
    )
    raise Unclear(
        option,
        f"Its prices of {coin} are those held in {part.series.name}, but stamped {length} {late}: say {advice}, "
        "or keep them apart under another --series.",
    )


def _by_place(bars: pa.Table, step_seconds: int) -> tuple[Array, Array]:
    """The number of each bar since 1970, ascending, and its close."""
    places = bars["timestamp"].cast(pa.int64()).to_numpy() // (step_seconds * 1_000_000)
    order = np.argsort(places)
    return places[order], bars["close"].to_numpy()[order]


def _agreement(mine: tuple[Array, Array], theirs: tuple[Array, Array], shift: int) -> float:
    """The share of my closes that they have `shift` bars later; 0 where too few differ from each other to tell."""
    shared, here, there = np.intersect1d(mine[0] + shift, theirs[0], assume_unique=True, return_indices=True)
    if len(shared) < _LEAST_SHARED or len(np.unique(mine[1][here])) < _LEAST_SHARED // 2:
        return 0.0
    return float(np.mean(mine[1][here] == theirs[1][there]))
