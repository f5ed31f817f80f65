"""What prices remember: autocorrelation of returns and of their size, variance ratios, unit-root test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from engine.science import bars
from engine.science.bars import Floats

# MacKinnon (2010), one variable with a constant, large sample: reject a unit root below these.
_UNIT_ROOT = {0.01: -3.43, 0.05: -2.86, 0.10: -2.57}


@dataclass(frozen=True)
class Lag:
    """One autocorrelation; `band` is half the 95 % range around nil if there were none (robust to changing volatility)."""

    minutes: int
    value: float
    band: float

    @property
    def is_clear(self) -> bool:
        return abs(self.value) > self.band


@dataclass(frozen=True)
class VarianceRatio:
    """How much faster than on a random walk returns over `minutes` spread: 1 on one, less when moves are taken back.

    `p_value` is two-sided and robust to changing volatility (Lo and MacKinlay, 1988).
    """

    minutes: int
    ratio: float
    p_value: float


@dataclass(frozen=True)
class UnitRoot:
    """Augmented Dickey-Fuller test with a constant. `p_below` is the smallest of 1, 5, 10 % it is below; None if none."""

    series: str
    statistic: float
    p_below: float | None


@dataclass(frozen=True)
class Memory:
    """Autocorrelation of returns by bars, of their size (absolute return) by hours; ratios; tests of stationarity."""

    returns: tuple[Lag, ...]
    sizes: tuple[Lag, ...]
    ratios: tuple[VarianceRatio, ...]
    roots: tuple[UnitRoot, ...]


def memory(prices: pd.DataFrame) -> Memory:
    """Return what one coin's prices remember."""
    minutes = bars.bar_minutes(prices)
    returns = np.nan_to_num(bars.returns(prices))[1:]
    per_hour = max(1, 60 // minutes)
    size_lags = [hour * per_hour for hour in range(1, 49)] if minutes <= 60 else list(range(1, 31))
    hourly = (
        prices["close"].ffill().resample("1h").last().dropna() if minutes < 60 else prices["close"].ffill()
    )
    log = np.log(hourly.to_numpy(np.float64))
    return Memory(
        returns=autocorrelation(returns, range(1, 25), minutes),
        sizes=autocorrelation(np.abs(returns), size_lags, minutes),
        ratios=tuple(
            variance_ratio(returns, span // minutes, minutes)
            for span in (2 * minutes, 60, 240, 1_440)
            if span >= 2 * minutes and len(returns) > 10 * span // minutes
        ),
        roots=(
            unit_root("log price", log),
            unit_root("returns", np.diff(log)),
        ),
    )


def autocorrelation(values: Floats, lags: Sequence[int], minutes: int) -> tuple[Lag, ...]:
    """Return the autocorrelation at each lag (in bars) that leaves at least 30 pairs."""
    centred = values - values.mean()
    total = float((centred**2).sum())
    found = []
    for lag in lags:
        if len(values) - lag < 30 or total <= 0:
            break
        products = centred[lag:] * centred[:-lag]
        value = float(products.sum() / total)
        robust = 1.96 * float(np.sqrt((products**2).sum())) / total
        found.append(Lag(lag * minutes, value, robust))
    return tuple(found)


def variance_ratio(returns: Floats, span: int, minutes: int) -> VarianceRatio:
    """Return the variance ratio of `span` bars from overlapping sums, with its robust p-value."""
    n = len(returns)
    centred = returns - returns.mean()
    one = float((centred**2).sum()) / (n - 1)
    sums = np.convolve(centred, np.ones(span), mode="valid")
    many = float((sums**2).sum()) / (span * (n - span + 1) * (1 - span / n))
    ratio = many / one if one > 0 else 1.0
    squares = centred**2
    lags = np.arange(1, span)
    deltas = np.array([float((squares[k:] * squares[:-k]).sum()) for k in lags]) / max(
        float(squares.sum()) ** 2, 1e-300
    )
    error = float(np.sqrt((4 * (1 - lags / span) ** 2 * deltas).sum()))
    p = 2 * float(stats.norm.sf(abs(ratio - 1) / error)) if error > 0 else 1.0
    return VarianceRatio(span * minutes, ratio, p)


def unit_root(series: str, values: Floats) -> UnitRoot:
    """Test for a unit root; the number of lags follows Schwert's rule, at most a twentieth of the values."""
    steps = np.diff(values)
    lags = int(min(12 * (len(values) / 100) ** 0.25, len(values) / 20))
    rows = len(steps) - lags
    columns = [
        values[lags:-1],
        np.ones(rows),
        *(steps[lags - k : len(steps) - k] for k in range(1, lags + 1)),
    ]
    design = np.column_stack(columns)
    found, *_ = np.linalg.lstsq(design, steps[lags:], rcond=None)
    rest = steps[lags:] - design @ found
    variance = float(rest @ rest) / (rows - design.shape[1])
    inverse = np.linalg.pinv(design.T @ design)
    error = float(np.sqrt(max(variance * inverse[0, 0], 0.0)))
    statistic = float(found[0]) / error if error > 0 else 0.0
    below = [p for p, critical in _UNIT_ROOT.items() if statistic < critical]
    return UnitRoot(series, statistic, min(below) if below else None)


def is_random_walk(of: Memory) -> bool:
    """Say whether no variance ratio differs from 1 beyond chance, all of them counted (Bonferroni)."""
    return all(ratio.p_value > 0.05 / max(len(of.ratios), 1) for ratio in of.ratios)


def persistence(of: Memory) -> Lag | None:
    """Return the longest lag at which the size of moves is still remembered, without a break before it."""
    last = None
    for lag in of.sizes:
        if not (lag.is_clear and lag.value > 0):
            break
        last = lag
    return last
