"""What an indicator's values are measured in, and how that becomes a feature free of the price level."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import numpy as np
import pandas as pd


class Scale(Enum):
    """What the values are measured in, hence how they become a feature free of the price level."""

    PRICE = "a price: becomes close / value - 1"
    PRICE_DIFFERENCE = "a difference of prices: becomes value / close"
    PERCENT = "0 to 100 (or -100 to 100): becomes value / 100"
    FREE = "already free of the price level"
    SHOWN = "for charts: as a feature it would only repeat its siblings"
    VOLUME_TOTAL = "a running total of volume: becomes its change over 20 bars / volume of those bars"
    FORCE = "a price difference times volume: becomes value / (close x mean volume of 20 bars)"

    def free(self, values: pd.Series, prices: pd.DataFrame) -> pd.Series:
        """The values as a feature, free of the level of price and volume."""
        return _FREE_OF_LEVEL[self](values, prices)


PRICE: Final = {"": Scale.PRICE}
PERCENT: Final = {"": Scale.PERCENT}
FREE: Final = {"": Scale.FREE}
BANDS: Final = {"high": Scale.PRICE, "mid": Scale.SHOWN, "low": Scale.PRICE}
DIFFERENCES: Final = {"": Scale.PRICE_DIFFERENCE, "signal": Scale.SHOWN, "diff": Scale.PRICE_DIFFERENCE}


def _volume_total(series: pd.Series, p: pd.DataFrame) -> pd.Series:
    return series.diff(20) / p["volume"].rolling(20).sum().replace(0.0, np.nan)


def _force(series: pd.Series, p: pd.DataFrame) -> pd.Series:
    return series / (p["close"] * p["volume"].rolling(20).mean()).replace(0.0, np.nan)


_FREE_OF_LEVEL: Final[Mapping[Scale, Callable[[pd.Series, pd.DataFrame], pd.Series]]] = {
    Scale.PRICE: lambda series, p: p["close"] / series - 1.0,
    Scale.PRICE_DIFFERENCE: lambda series, p: series / p["close"],
    Scale.PERCENT: lambda series, p: series / 100.0,
    Scale.FREE: lambda series, p: series,
    Scale.SHOWN: lambda series, p: series,
    Scale.VOLUME_TOTAL: _volume_total,
    Scale.FORCE: _force,
}
