"""Calm, usual and wild days: how far apart they are, how long they last, whether one tells the next."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.eda.clock import WEEKDAYS
from engine.science.metrics import Estimate

NAMES = ("calm", "usual", "wild")
_SHARES = (0.25, 0.75)
_FEWEST_DAYS = 20
_RESAMPLES = 2_000
_WEEK = len(WEEKDAYS)


@dataclass(frozen=True)
class Regime:
    """Days of one kind; `volatility` is their median (a share a day), `stays` how often the next day is alike."""

    name: str
    days: int
    volatility: float
    daily_return: float
    stays: float


@dataclass(frozen=True)
class Regimes:
    """Days by their realised volatility (a share a day): the calmest and the wildest quarter, and between them.

    `wild_follows_wild` is the chance that a wild day follows a wild one, with a bootstrap interval over weeks; a
    quarter would be chance.
    """

    days: tuple[datetime, ...]
    volatility: tuple[float, ...]
    kinds: tuple[int, ...]
    regimes: tuple[Regime, ...]
    wild_follows_wild: Estimate


def regimes(prices: pd.DataFrame, seed: int) -> Regimes | None:
    """Return the regimes of whole UTC days; None for fewer than twenty of them or for daily bars."""
    minutes = bars.bar_minutes(prices)
    if minutes > 240:
        return None
    log = np.log1p(bars.returns(prices))
    day = pd.DatetimeIndex(prices.index).normalize()
    recorded = prices["close"].notna().groupby(day).sum()
    whole = recorded >= 0.8 * (1_440 / minutes)
    volatility = ((pd.Series(log, index=prices.index) ** 2).groupby(day).sum() ** 0.5)[whole]
    moved = pd.Series(log, index=prices.index).groupby(day).sum()[whole]
    if len(volatility) < _FEWEST_DAYS:
        return None
    low, high = volatility.quantile(list(_SHARES))
    kinds = np.where(volatility <= low, 0, np.where(volatility > high, 2, 1))
    stays = kinds[1:] == kinds[:-1]
    found = []
    for number, name in enumerate(NAMES):
        inside = kinds == number
        follow = stays[kinds[:-1] == number]
        found.append(
            Regime(
                name,
                int(inside.sum()),
                float(volatility[inside].median()),
                float(np.expm1(moved[inside].mean())),
                float(follow.mean()) if len(follow) else 0.0,
            )
        )
    return Regimes(
        days=tuple(stamp.to_pydatetime() for stamp in volatility.index),
        volatility=tuple(map(float, volatility)),
        kinds=tuple(map(int, kinds)),
        regimes=tuple(found),
        wild_follows_wild=_follows(kinds, seed),
    )


def _follows(kinds: "np.typing.NDArray[np.int64]", seed: int) -> Estimate:
    before, after = kinds[:-1] == 2, kinds[1:] == 2
    week = np.arange(len(before)) // _WEEK
    pairs = np.bincount(week, weights=(before & after).astype(np.float64))
    firsts = np.bincount(week, weights=before.astype(np.float64))
    draw = np.random.default_rng([seed, 43])
    picks = draw.integers(0, len(pairs), (_RESAMPLES, len(pairs)))
    shares = pairs[picks].sum(axis=1) / np.maximum(firsts[picks].sum(axis=1), 1.0)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Estimate(float(pairs.sum() / max(firsts.sum(), 1.0)), float(low), float(high))
