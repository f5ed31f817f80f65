"""What an indicator is, and how long a recursive average remembers where it began."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log
from typing import Final

import numpy as np
import pandas as pd

from engine.science.indicators.scales import Scale

# A recursive average has forgotten its start when less than this share of it is left.
_FORGOTTEN: Final = 1e-5


@dataclass(frozen=True, eq=False)
class Indicator:
    """One entry of a family.

    `compute` maps gap-free prices and the windows to its columns by suffix, `scales` says what each is measured in,
    `warmup` how many bars pass until a value no longer depends on where the prices begin. `marks` are the two levels at
    which people call it low and high, for the price chart.
    """

    name: str
    meaning: str
    windows: tuple[int, ...]
    scales: Mapping[str, Scale]
    compute: Callable[..., Mapping[str, pd.Series]]
    warmup: Callable[..., int]
    aliases: tuple[str, ...] = ()
    marks: tuple[float, float] | None = None


def ema_warmup(window: int) -> int:
    """The warm-up of an exponential average, in bars."""
    return _settled(1 - 2 / (window + 1)) + window


def wilder_warmup(window: int) -> int:
    """The warm-up of Wilder's average, in bars."""
    return _settled(1 - 1 / window) + window


def wilder(series: pd.Series, window: int) -> pd.Series:
    """Wilder's average: an exponential one that gives the newest bar 1 / window."""
    return series.ewm(alpha=1 / window, adjust=False).mean()


def true_range(prices: pd.DataFrame) -> pd.Series:
    """The range of each bar, the jump from the close before it included."""
    before = prices["close"].shift(1)
    top = np.fmax(prices["high"].to_numpy(), before.to_numpy())
    bottom = np.fmin(prices["low"].to_numpy(), before.to_numpy())
    return pd.Series(top - bottom, index=prices.index)


def _settled(decay: float) -> int:
    return ceil(log(_FORGOTTEN) / log(decay))
