"""The leak gate: features are recomputed on cut prices, and nothing that was known before the cut may change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from engine.science import bars, features
from engine.science.features import FeatureSpec
from engine.speech import Said, said

CUTS = 24
# Fills show only where a cut falls into a gap: the gate makes some gaps of its own and cuts there as well.
HOLES = 8
_LONGEST_HOLE = 6
_SHORTEST = 50
# Rows whose values are held against those from few earlier bars.
_LAST = 200
_TOLERANCE = 1e-6

Build = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class LeakReport:
    """What the gate found: columns that look ahead, and columns whose last value depends on where the prices begin."""

    leaking: tuple[str, ...]
    start_dependent: tuple[str, ...]
    cuts: int

    @property
    def ok(self) -> bool:
        return not self.leaking and not self.start_dependent

    @property
    def why(self) -> Said:
        """One sentence naming what must go before there can be a verdict; empty when nothing must."""
        if self.leaking:
            return said(
                "{names} would look into the future: no verdict until that is left out.",
                names=", ".join(self.leaking),
            )
        if self.start_dependent:
            return said(
                "The value of {names} depends on where the data begin: no verdict until that is left out.",
                names=", ".join(self.start_dependent),
            )
        return said("")

    @property
    def reason(self) -> str:
        return str(self.why)


def check(
    build: Build,
    prices: pd.DataFrame,
    seed: int,
    *,
    warmup_bars: int = 0,
    cuts: int = CUTS,
    memory_bars: int | None = None,
) -> LeakReport:
    """Recompute on prices cut at `cuts` random bars; a row before a cut that changes betrays its column.

    The same with a few short gaps (rows of NaN) and cuts inside them, where filling from later bars shows. Then
    recompute with the first bars left out, keeping at least `warmup_bars`: the last row must not change; with
    `memory_bars`, the last rows must not change when they have so many bars before them and no more.
    """
    whole = build(prices)
    draw = np.random.default_rng(seed)
    shortest = min(max(_SHORTEST, warmup_bars + 2), len(prices) - 1)
    leaking: set[str] = set()
    for end in sorted(draw.integers(shortest, len(prices), size=cuts)):
        part = build(prices.iloc[:end])
        leaking |= _differing(whole.iloc[: len(part)], part)
    holed, inside = _with_holes(prices, shortest, draw)
    if inside:
        filled = build(holed)
        for end in inside:
            part = build(holed.iloc[:end])
            leaking |= _differing(filled.iloc[: len(part)], part)
    start = min(len(prices) // 3, max(len(prices) - warmup_bars - 2, 0))
    last = 1
    if memory_bars is not None and len(prices) - memory_bars - _LAST > start:
        start, last = len(prices) - memory_bars - _LAST, _LAST
    moved: set[str] = set()
    if start:
        later = build(prices.iloc[start:])
        moved = _differing(whole.iloc[-last:], later.iloc[-last:]) - leaking
    return LeakReport(tuple(sorted(leaking)), tuple(sorted(moved)), cuts + len(inside))


def check_features(
    prices: pd.DataFrame, spec: FeatureSpec, drivers: Mapping[str, pd.DataFrame], seed: int
) -> LeakReport:
    """The gate for the features of `spec` that are ours; the other coins' prices are cut at the same moment.

    Long data are checked on their last stretch, which is enough to hold every window many times over.
    """
    spec = replace(spec, written=())  # `engine.written` checks those
    warmup = features.warmup_bars(spec, bars.bar_minutes(prices))
    recent = prices.iloc[-max(4 * warmup, 6_000) :]

    def build(part: pd.DataFrame) -> pd.DataFrame:
        end = part.index[-1]
        return features.build(part, spec, {coin: frame.loc[:end] for coin, frame in drivers.items()})

    return check(build, recent, seed, warmup_bars=warmup)


def _with_holes(
    prices: pd.DataFrame, shortest: int, draw: np.random.Generator
) -> tuple[pd.DataFrame, list[int]]:
    """Return the prices with gaps, spread over the checked part, and for each gap a place to cut inside it."""
    edges = np.linspace(shortest, len(prices) - _LONGEST_HOLE - 1, HOLES + 1).astype(int)
    if (np.diff(edges) <= _LONGEST_HOLE).any():
        return prices, []
    gone = np.zeros(len(prices), dtype=bool)
    inside: list[int] = []
    for low, high in pairwise(edges):
        start, length = (
            int(draw.integers(low, high - _LONGEST_HOLE)),
            int(draw.integers(1, _LONGEST_HOLE + 1)),
        )
        gone[start : start + length] = True
        # The row before the cut lies in the gap: what stands there can only come from later bars.
        inside.append(start + int(draw.integers(1, length + 1)))
    return prices.mask(np.broadcast_to(gone[:, None], prices.shape)), inside


def _differing(whole: pd.DataFrame, part: pd.DataFrame) -> set[str]:
    a, b = whole.to_numpy(np.float64), part.to_numpy(np.float64)
    # Against the column's own size: rounding in a running sum is no look-ahead.
    known = np.where(np.isnan(a).all(axis=0), 0.0, np.abs(a))  # a column that is never known has no size
    size = np.nanmedian(known, axis=0)
    same = (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= _TOLERANCE * (np.nan_to_num(size) + 1e-9) + 1e-9)
    return {str(name) for name, good in zip(part.columns, same.all(axis=0), strict=True) if not good}
