"""Blocks of time for the test: 4 hours, or four horizons where that is longer, on one clock for all candidates.

Block number k covers [k, k + 1) block lengths since 1970-01-01 UTC, so blocks of different runs on overlapping spans
fall on each other and can be tested together.
"""

from collections.abc import Iterable
from math import ceil, lcm

import numpy as np
import pandas as pd

from engine.science.bars import Floats, Ints

BASE_MINUTES = 240
HORIZONS_PER_BLOCK = 4


def base_minutes(bar_minutes: int) -> int:
    """Return the finest block results are kept in: 4 hours, or four bars (in steps of 4 hours) where bars are long."""
    return BASE_MINUTES * max(1, ceil(HORIZONS_PER_BLOCK * bar_minutes / BASE_MINUTES))


def test_minutes(bar_minutes: int, horizon_bars: int) -> int:
    """Return the block length for a test at this horizon, a multiple of the base."""
    base = base_minutes(bar_minutes)
    return base * max(1, ceil(HORIZONS_PER_BLOCK * horizon_bars * bar_minutes / base))


test_minutes.__test__ = False  # type: ignore[attr-defined]


def joint_minutes(bases: Iterable[int], wanted: int) -> int:
    """Return the shortest length of at least `wanted` minutes into which blocks of all `bases` can be joined."""
    unit = lcm(*bases)
    return unit * ceil(wanted / unit)


def numbers(index: pd.DatetimeIndex, minutes: int) -> Ints:
    """Return the block number of each bar by its start."""
    found: Ints = index.as_unit("s").asi8 // (60 * minutes)
    return found


def sums(values: Floats, index: pd.DatetimeIndex, minutes: int) -> tuple[int, Floats]:
    """Return the number of the first block and the sum of `values` in it and each block after it."""
    block = numbers(index, minutes)
    first = int(block[0])
    size = int(block[-1]) - first + 1
    return first, np.bincount(block - first, weights=values, minlength=size).astype(np.float64)


def coarser(first: int, values: Floats, minutes: int, wanted: int) -> tuple[int, Floats]:
    """Join block sums of `minutes` into blocks of `wanted` minutes, a multiple of `minutes`."""
    ratio = wanted // minutes
    if ratio == 1:
        return first, values
    block = (np.arange(len(values)) + first) // ratio
    start = int(block[0])
    return start, np.bincount(block - start, weights=values).astype(np.float64)


def align(series: Iterable[tuple[int, Floats]]) -> Floats:
    """Lay block sums side by side as (candidates, blocks); NaN where a candidate has no block."""
    known = list(series)
    start = min(first for first, _ in known)
    end = max(first + len(values) for first, values in known)
    table = np.full((len(known), end - start), np.nan)
    for row, (first, values) in enumerate(known):
        table[row, first - start : first - start + len(values)] = values
    return table
