"""The grid of bars: a bar stamped t covers [t, t + bar) and is known at its end; a missing bar is a row of NaN."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.science.errors import BadPrices, BadSetting, TooFewBars

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_HOW: Mapping[str, str] = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "volume": "sum",
    "bid": "last",
    "ask": "last",
}
REQUIRED = ("open", "high", "low", "close", "volume")


def bar_minutes(prices: pd.DataFrame) -> int:
    """Return the length of a bar in minutes: the commonest step of the index."""
    if len(prices) < 2:
        raise TooFewBars("At least two bars are needed to tell how long a bar is; take a longer period.")
    steps = np.diff(_nanoseconds(prices))
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    if not len(values):
        raise BadPrices("All bars carry the same time stamp; import the prices again.")
    minutes, rest = divmod(int(values[counts.argmax()]), 60_000_000_000)
    if rest or not minutes:
        raise BadPrices("Bars must be whole minutes long; resample the prices before asking.")
    return minutes


def regular(prices: pd.DataFrame, minutes: int | None = None) -> pd.DataFrame:
    """Put prices on the full grid from the first to the last bar, gaps as rows of NaN.

    Stamps off the grid and repeated stamps are refused: `datagate.clean` deals with both.
    """
    require(prices)
    minutes = minutes or bar_minutes(prices)
    index = pd.DatetimeIndex(prices.index)
    grid = pd.date_range(index[0], index[-1], freq=pd.Timedelta(minutes=minutes), unit=index.unit)
    if len(grid) == len(index) and index.equals(grid):
        return prices
    if not index.is_unique or not index.is_monotonic_increasing:
        raise BadPrices("The bars are not in order or some come twice; clean the data first.")
    placed = prices.reindex(grid)
    if int(placed["close"].notna().sum()) < int(prices["close"].notna().sum()):
        raise BadPrices(
            "Some bars do not start on a multiple of {minutes} minutes; clean the data first.",
            minutes=minutes,
        )
    return placed


def resample(prices: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Join bars into longer ones that start at multiples of `minutes` since midnight UTC.

    The first and the last bar are dropped when the data does not cover them whole, so the newest bar is a finished one.
    """
    have = bar_minutes(prices)
    if minutes == have:
        return prices
    if minutes % have or minutes > 1_440 or 1_440 % minutes:
        raise BadSetting(f"Bars of {have} minutes cannot be joined into bars of {minutes} minutes.")
    step = pd.Timedelta(minutes=minutes)
    how = {name: _HOW[name] for name in prices.columns if name in _HOW}
    joined = prices.resample(step, label="left", closed="left").agg(how)
    joined.loc[joined["close"].isna(), "volume"] = np.nan
    first, end = prices.index[0], prices.index[-1] + pd.Timedelta(minutes=have)
    joined = joined[(joined.index >= first) & (joined.index <= end - step)]
    if len(joined) < 2:
        raise TooFewBars(
            "The period holds fewer than two whole bars of {minutes} minutes; take a longer one.",
            minutes=minutes,
        )
    kept: pd.DataFrame = joined[[name for name in prices.columns if name in how]]
    return kept


def known_close(prices: pd.DataFrame) -> Floats:
    """Return the last close known at the end of each bar: gaps carry the price before them."""
    return prices["close"].ffill().to_numpy(np.float64)


def returns(prices: pd.DataFrame) -> Floats:
    """Return the simple return of each bar against the price known before it; 0 in a gap, the jump after it."""
    close = known_close(prices)
    result = np.full(len(close), np.nan)
    result[1:] = close[1:] / close[:-1] - 1.0
    return result


def next_returns(prices: pd.DataFrame) -> Floats:
    """Return at t the simple return of bar t + 1: what a position taken at the end of bar t earns. The last is NaN."""
    result = np.full(len(prices), np.nan)
    result[:-1] = returns(prices)[1:]
    return result


def log(series: pd.Series) -> pd.Series:
    """Return the natural logarithm of a series as a series."""
    return pd.Series(np.log(series.to_numpy(np.float64)), index=series.index)


def require(prices: pd.DataFrame) -> None:
    """Refuse a frame without the price columns or without an aware UTC index."""
    missing = [name for name in REQUIRED if name not in prices.columns]
    if missing:
        raise BadPrices(
            "The prices lack {missing}; a bar needs {required}.",
            missing=", ".join(missing),
            required=", ".join(REQUIRED),
        )
    if not isinstance(prices.index, pd.DatetimeIndex) or str(prices.index.tz) != "UTC":
        raise BadPrices("The time stamps of the prices must be UTC; import them again with their zone.")
    if prices.empty:
        raise TooFewBars("There are no prices in this period; choose another one.")


def _nanoseconds(prices: pd.DataFrame) -> Ints:
    return pd.DatetimeIndex(prices.index).as_unit("ns").asi8
