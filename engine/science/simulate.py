"""Simulated prices whose truth is known: without an edge, with one too small to pay, and with one that pays.

For tests, for the honesty benchmark and for the labelled sample of the product; never mixed with market prices.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from engine.science.bars import Floats

BARS_PER_DAY = 288
START = datetime(2024, 1, 1, tzinfo=UTC)
SIGMA = 0.002


def frame(
    log_returns: Floats, seed: int, *, price: float = 100.0, start: datetime = START, sigma: float = SIGMA
) -> pd.DataFrame:
    """Return bars whose closes follow the log returns; ranges and volumes are drawn to look like a market's."""
    random = np.random.default_rng([seed, 77])
    bars = len(log_returns)
    close = price * np.exp(np.cumsum(log_returns))
    opened = np.concatenate([[price], close[:-1]])
    wick = sigma * np.abs(random.normal(0, 0.5, (2, bars)))
    high = np.maximum(opened, close) * np.exp(wick[0])
    low = np.minimum(opened, close) * np.exp(-wick[1])
    volume = np.exp(random.normal(2, 0.6, bars) + 0.5 * np.abs(log_returns) / sigma)
    index = pd.date_range(start, periods=bars, freq="5min", unit="us")
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return pd.DataFrame(columns, index=index)


def gbm(bars: int, seed: int, sigma: float = SIGMA) -> pd.DataFrame:
    """Return a random walk: no edge."""
    return frame(_noise(bars, seed, sigma), seed, sigma=sigma)


def drift(bars: int, seed: int, sigma: float = SIGMA, per_bar: float = 0.02) -> pd.DataFrame:
    """Return a random walk with a steady rise of `per_bar` sigma a bar: holding pays, choosing when does not."""
    return frame(_noise(bars, seed, sigma) + per_bar * sigma, seed, sigma=sigma)


def garch(bars: int, seed: int, sigma: float = SIGMA) -> pd.DataFrame:
    """Return clustered, heavy-tailed volatility with a daily season: its size can be foretold, its sign cannot."""
    random = np.random.default_rng([seed, 3])
    shocks = random.standard_t(5, bars) / np.sqrt(5 / 3)
    variance, unit = 1.0, np.empty(bars)
    for t in range(bars):
        unit[t] = np.sqrt(variance) * shocks[t]
        variance = 0.02 + 0.08 * min(unit[t] ** 2, 50.0) + 0.90 * variance
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(bars) / BARS_PER_DAY)
    return frame(sigma * unit * season, seed, sigma=sigma)


def bounce(bars: int, seed: int, sigma: float = SIGMA, half_spread: float = 0.0006) -> pd.DataFrame:
    """Return a random walk printed now at the bid, now at the ask: last prices seem to revert, nobody can earn it."""
    random = np.random.default_rng([seed, 4])
    side = np.where(random.random(bars + 1) < 0.5, -half_spread, half_spread)
    return frame(_noise(bars, seed, sigma) + np.diff(side), seed, sigma=sigma)


def stale(bars: int, seed: int, sigma: float = SIGMA, share: float = 0.3) -> pd.DataFrame:
    """Return a random walk in which a share of the prints repeats the last price."""
    random = np.random.default_rng([seed, 5])
    path = np.cumsum(_noise(bars, seed, sigma))
    fresh = random.random(bars) >= share
    fresh[0] = True
    shown = path[np.maximum.accumulate(np.where(fresh, np.arange(bars), 0))]
    return frame(np.diff(shown, prepend=0.0), seed, sigma=sigma)


def ar1(bars: int, seed: int, sigma: float = SIGMA, phi: float = 0.05) -> pd.DataFrame:
    """Return returns that repeat a share `phi` of the last one: real, and too small to pay the usual costs."""
    noise = _noise(bars, seed, sigma)
    returns = np.empty(bars)
    last = 0.0
    for t in range(bars):
        last = phi * last + noise[t]
        returns[t] = last
    return frame(returns, seed, sigma=sigma)


def regime(
    bars: int, seed: int, sigma: float = SIGMA, strength: float = 0.20, spell_hours: float = 12.0
) -> pd.DataFrame:
    """Return a hidden drift of +-`strength` sigma a bar that turns after spells of `spell_hours` on average."""
    return frame(
        _noise(bars, seed, sigma) + hidden_drift(bars, seed, sigma, strength, spell_hours), seed, sigma=sigma
    )


def hidden_drift(bars: int, seed: int, sigma: float, strength: float, spell_hours: float) -> Floats:
    """Return the drift per bar that `regime` adds: what nobody sees and a model has to find."""
    random = np.random.default_rng([seed, 6])
    turns = random.random(bars) < 1 / (spell_hours * 12)
    state = np.where(np.cumsum(turns) % 2 == 0, 1.0, -1.0) * (1.0 if random.random() < 0.5 else -1.0)
    return strength * sigma * state


def lead_lag(
    bars: int, seed: int, sigma: float = 0.0025, strength: float = 0.60
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (follower, leader): the follower repeats `strength` of the leader's last return one bar later."""
    leader, own = _noise(bars, seed, sigma), _noise(bars, seed + 1_000_003, sigma)
    follower = np.sqrt(1 - strength**2) * own
    follower[1:] += strength * leader[:-1]
    return frame(follower, seed, sigma=sigma), frame(leader, seed + 1, price=2_000.0, sigma=sigma)


def sample(days: int = 120, seed: int = 7, start: datetime = START) -> Mapping[str, pd.DataFrame]:
    """Return the product's labelled sample: coin -> bars.

    `flat`, `wild` and `calm` have no edge by construction; `echo` follows `lead` by one bar and pays, once `lead` is
    given to the model; `tide` has a hidden drift that turns every 12 hours or so.
    """
    bars = days * BARS_PER_DAY
    makers: Mapping[str, Callable[[], pd.DataFrame]] = {
        "flat": lambda: gbm(bars, seed),
        "wild": lambda: garch(bars, seed + 1),
        "calm": lambda: gbm(bars, seed + 2, sigma=0.001),
        "tide": lambda: regime(bars, seed + 3),
    }
    coins = {name: maker() for name, maker in makers.items()}
    coins["echo"], coins["lead"] = lead_lag(bars, seed + 4)
    return {name: prices.set_axis(prices.index + (start - START)) for name, prices in coins.items()}


def _noise(bars: int, seed: int, sigma: float) -> Floats:
    return np.random.default_rng([seed, 1]).normal(0.0, sigma, bars)
