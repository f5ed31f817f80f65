"""What is predicted, h bars ahead: the only place that looks at the future, and never a feature."""

from typing import Literal

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.errors import BadSetting

Target = Literal["direction", "return", "volatility"]
Task = Literal["classification", "regression"]
TARGETS: tuple[Target, ...] = ("direction", "return", "volatility")

# A realised volatility below 1 bp a bar is written as 1 bp: its logarithm would otherwise run away.
SMALLEST_VOLATILITY = 1e-4
_RECORDED_SHARE = 0.8


def task(target: Target) -> Task:
    """Return the kind of model a target needs."""
    return "classification" if target == "direction" else "regression"


def build(prices: pd.DataFrame, target: Target, horizon_bars: int) -> pd.Series:
    """Return the target of each bar on the regular grid, NaN where it cannot be known.

    At bar t, known at t + bar, the target speaks of the bars t + 1 ... t + h:
    direction is 1.0 when the close of t + h is above the close of t, else 0.0 (unchanged is not above);
    return is the simple return between them; volatility is the natural logarithm of the root mean square
    log return per bar.
    """
    if horizon_bars < 1:
        raise BadSetting("The horizon must be at least one bar ahead.")
    if target not in TARGETS:
        raise BadSetting(f"The target must be one of {', '.join(TARGETS)}; got {target!r}.")
    grid = bars.regular(prices)
    if target == "volatility":
        values = _log_volatility(grid, horizon_bars)
    else:
        close = grid["close"]
        ahead = close.shift(-horizon_bars) / close - 1.0
        values = ahead if target == "return" else (ahead > 0).astype(np.float64).where(ahead.notna())
    return values.rename(target)


def realised_log_volatility(prices: pd.DataFrame, window: int) -> pd.Series:
    """Return the log of the root mean square log return of the last `window` bars, NaN over gaps."""
    grid = bars.regular(prices)
    log_return = bars.log(grid["close"].ffill()).diff()
    recorded = grid["close"].notna().astype(np.float64).rolling(window).mean()
    mean_square = (log_return**2).rolling(window).mean()
    values = 0.5 * bars.log(mean_square.clip(lower=SMALLEST_VOLATILITY**2))
    return values.where(recorded >= _RECORDED_SHARE)


def _log_volatility(grid: pd.DataFrame, horizon_bars: int) -> pd.Series:
    realised = realised_log_volatility(grid, horizon_bars)
    return realised.shift(-horizon_bars).where(grid["close"].notna())
