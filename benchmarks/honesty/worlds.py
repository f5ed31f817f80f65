"""The series whose truth is known: kinds, seeds, and what the best-informed trader could expect of the next bar."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.science import simulate
from engine.science.bars import Floats

DAYS = 90
BARS = DAYS * simulate.BARS_PER_DAY
NULLS = ("gbm", "drift", "garch", "bounce", "stale")
PHIS = (0.02, 0.03, 0.04, 0.05, 0.07, 0.10)


@dataclass(frozen=True, eq=False)
class World:
    """One simulated coin. `expected` is the expected return of the NEXT bar, known to nobody but the maker."""

    prices: pd.DataFrame
    expected: Floats
    drivers: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    horizon_bars: int = 12


@dataclass(frozen=True)
class Kind:
    """A kind of series: `group` is the line of the table it is counted in."""

    name: str
    group: str
    make: Callable[[int], World]


def _null(maker: Callable[..., pd.DataFrame]) -> Callable[[int], World]:
    return lambda seed: World(maker(BARS, seed), np.zeros(BARS))


def _ar(phi: float) -> Callable[[int], World]:
    def make(seed: int) -> World:
        prices = simulate.ar1(BARS, seed, phi=phi)
        return World(prices, phi * _log_returns(prices))

    return make


def _regime(strength: float, bars: int = BARS) -> Callable[[int], World]:
    def make(seed: int) -> World:
        drift = simulate.hidden_drift(bars, seed, simulate.SIGMA, strength, 12.0)
        return World(simulate.regime(bars, seed, strength=strength), np.append(drift[1:], 0.0))

    return make


def _lead(sigma: float, horizon_bars: int) -> Callable[[int], World]:
    def make(seed: int) -> World:
        follower, leader = simulate.lead_lag(BARS, seed, sigma=sigma)
        return World(follower, 0.60 * _log_returns(leader), {"lead": leader}, horizon_bars)

    return make


def _log_returns(prices: pd.DataFrame) -> Floats:
    returns: Floats = np.diff(np.log(prices["close"].to_numpy()), prepend=np.log(prices["close"].iloc[0]))
    return returns


_SHORT = 10 * simulate.BARS_PER_DAY

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *(Kind(name, "null", _null(getattr(simulate, name))) for name in NULLS),
        *(Kind(f"ar {phi:.2f}", "ar", _ar(phi)) for phi in PHIS),
        Kind("regime 0.20", "regime 0.20", _regime(0.20)),
        Kind("regime 0.10", "regime 0.10", _regime(0.10)),
        Kind("lead-lag 0.60, 5 min", "lead-lag 0.60", _lead(0.0025, 1)),
        Kind("lead-lag 0.60, 1 h", "lead-lag 0.60", _lead(0.0025, 12)),
        Kind("lead-lag, sigma 0.001", "too small to pay", _lead(0.0010, 1)),
        Kind("10 days, none", "10 days", lambda seed: World(simulate.gbm(_SHORT, seed), np.zeros(_SHORT))),
        Kind("10 days, regime 0.10", "10 days", _regime(0.10, _SHORT)),
    )
}
# How many of each in the two sizes. Seeds begin at `first_seed` and go up, another range for each kind.
QUICK: Mapping[str, int] = {
    **dict.fromkeys(NULLS, 8), **dict.fromkeys((f"ar {phi:.2f}" for phi in PHIS), 2), "regime 0.20": 12,
    "regime 0.10": 16, "lead-lag 0.60, 5 min": 6, "lead-lag 0.60, 1 h": 4, "lead-lag, sigma 0.001": 4,
    "10 days, none": 3, "10 days, regime 0.10": 3,
}  # fmt: skip
FULL: Mapping[str, int] = {
    **dict.fromkeys(NULLS, 40), **dict.fromkeys((f"ar {phi:.2f}" for phi in PHIS), 7), "regime 0.20": 40,
    "regime 0.10": 60, "lead-lag 0.60, 5 min": 20, "lead-lag 0.60, 1 h": 20, "lead-lag, sigma 0.001": 20,
    "10 days, none": 6, "10 days, regime 0.10": 6,
}  # fmt: skip


def seed_of(name: str, number: int, first_seed: int) -> int:
    """The seed of the n-th series of a kind."""
    return first_seed + 10_000 * list(KINDS).index(name) + number
