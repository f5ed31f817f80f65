"""How returns are spread: tails, extremes, falls from the peak."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from scipy import stats

from engine.science import bars
from engine.science.bars import Floats

FAR = 4.0  # deviations from which on a move counts as a rare one
_FALLS = 5


@dataclass(frozen=True)
class Distribution:
    """The returns of single bars. `edges` (bp) and `counts` are a histogram of the middle 99.8 %.

    `far_times` is how many times as often as under a normal curve a return lies `FAR` deviations or more away.
    """

    bars: int
    mean_bps: float
    deviation_bps: float
    skew: float
    excess_kurtosis: float
    quantiles_bps: tuple[tuple[float, float], ...]
    far: int
    far_times: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Extreme:
    """The largest move of one length of time (a share) and the moment it ended, UTC."""

    length: str
    fall: float
    fall_at: datetime
    rise: float
    rise_at: datetime


@dataclass(frozen=True)
class Fall:
    """A fall from a peak to the lowest close before the peak was reached again; `recovered` None when it was not."""

    depth: float
    peak: datetime
    trough: datetime
    recovered: datetime | None


def distribution(prices: pd.DataFrame) -> Distribution:
    """Return how the returns of recorded bars are spread."""
    returns = bars.returns(prices)
    known = returns[np.isfinite(returns) & prices["close"].notna().to_numpy()] * 10_000
    deviation = float(known.std())
    far = int((np.abs(known - known.mean()) >= FAR * deviation).sum()) if deviation > 0 else 0
    expected = 2 * float(stats.norm.sf(FAR)) * len(known)
    shares = (0.01, 0.05, 0.5, 0.95, 0.99)
    low, high = np.quantile(known, [0.001, 0.999])
    counts, edges = np.histogram(
        known, bins=60, range=(float(low), float(high) if high > low else float(low) + 1)
    )
    return Distribution(
        bars=len(known),
        mean_bps=float(known.mean()),
        deviation_bps=deviation,
        skew=float(stats.skew(known)) if deviation > 0 else 0.0,
        excess_kurtosis=float(stats.kurtosis(known)) if deviation > 0 else 0.0,
        quantiles_bps=tuple((share, float(np.quantile(known, share))) for share in shares),
        far=far,
        far_times=far / expected,
        edges=tuple(map(float, edges)),
        counts=tuple(map(int, counts)),
    )


def extremes(prices: pd.DataFrame) -> tuple[Extreme, ...]:
    """Return the largest fall and rise of a bar, an hour and a UTC day, as far as the bars are shorter than those."""
    minutes = bars.bar_minutes(prices)
    close = prices["close"]
    found = []
    for length, step in (("bar", minutes), ("hour", 60), ("day", 1_440)):
        if length != "bar" and step <= minutes:
            continue
        ends = close.ffill() if length == "bar" else close.resample(pd.Timedelta(minutes=step)).last().ffill()
        moves = ends.pct_change(fill_method=None).dropna()
        if len(moves):
            after = pd.Timedelta(minutes=step)
            low, high = moves.index[int(moves.argmin())], moves.index[int(moves.argmax())]
            found.append(
                Extreme(
                    length,
                    float(moves.min()),
                    _moment(low + after),
                    float(moves.max()),
                    _moment(high + after),
                )
            )
    return tuple(found)


def falls(prices: pd.DataFrame) -> tuple[Fall, ...]:
    """Return the five deepest falls, none inside another, the deepest first."""
    close = prices["close"].ffill().to_numpy(np.float64)
    index = prices.index
    peak = np.maximum.accumulate(close)
    under = underwater(prices)
    # A new number wherever the peak is renewed: one number is one stretch under water.
    stretch = np.cumsum(np.r_[True, peak[1:] > peak[:-1]])
    found = []
    for number in np.unique(stretch[under < 0]):
        inside = np.flatnonzero(stretch == number)
        at = inside[int(np.argmin(under[inside]))]
        after = inside[-1] + 1
        found.append(
            Fall(
                float(under[at]),
                _moment(index[inside[0]]),
                _moment(index[at]),
                _moment(index[after]) if after < len(close) else None,
            )
        )
    return tuple(sorted(found, key=lambda fall: fall.depth)[:_FALLS])


def underwater(prices: pd.DataFrame) -> Floats:
    """Return how far each close is below the highest one before it, as a negative share."""
    close = prices["close"].ffill().to_numpy(np.float64)
    return close / np.maximum.accumulate(close) - 1.0


def _moment(stamp: pd.Timestamp) -> datetime:
    moment: datetime = stamp.to_pydatetime()
    return moment
