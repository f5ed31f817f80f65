"""Technical indicators by name: read as people write them, computed in their own units or as features.

An indicator is one entry in the file of its family: trend, momentum, volatility or volume. Most come from `ta`. Six are
written out because `ta` walks them bar by bar (0.1-1.2 s for 90 days, against milliseconds): ATR, ADX, CCI, MFI, WMA,
AROON; OBV because `ta` counts an unchanged price as a rise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from engine.science.bars import require
from engine.science.errors import BadSetting, UnknownIndicator, near
from engine.science.indicators import momentum, trend, volatility, volume
from engine.science.indicators.entry import Indicator
from engine.science.indicators.scales import Scale

__all__ = [
    "Chosen",
    "Indicator",
    "Scale",
    "canonical",
    "catalogue",
    "choose",
    "compute",
    "scale_free",
    "warmup_bars",
]

LONGEST_WINDOW: Final = 2_016
_ALL: Final = (*trend.INDICATORS, *momentum.INDICATORS, *volatility.INDICATORS, *volume.INDICATORS)
_BY_WORD: Final = {word: entry for entry in _ALL for word in (entry.name, *entry.aliases)}
_NAMES: Final = [entry.name for entry in _ALL]


@dataclass(frozen=True)
class Chosen:
    """An indicator with its windows, as asked for."""

    indicator: Indicator
    windows: tuple[int, ...]

    @property
    def name(self) -> str:
        """Canonical name: `SMA_20`; several windows are written only where they differ from the usual ones."""
        one = len(self.windows) == 1 and self.indicator.name != "BBANDS"
        shown = self.windows if one or self.windows != self.indicator.windows else ()
        return "_".join([self.indicator.name, *map(str, shown)])

    @property
    def warmup_bars(self) -> int:
        """Bars after which the value no longer depends on where the prices begin."""
        return self.indicator.warmup(*self.windows)


def catalogue() -> tuple[Indicator, ...]:
    """Return every indicator there is, family by family."""
    return _ALL


def choose(name: str) -> Chosen:
    """Read a name such as `SMA_20`, `rsi`, `EMA(50)`, `bollinger 20` or `MACD_12_26_9`."""
    match = re.fullmatch(r"\s*([A-Za-z%]+(?:[ _-][A-Za-z]+)*)[\s_(-]*((?:\d+[\s_,/-]*)*)\)?\s*", name)
    word = re.sub(r"[ _-]", "", match[1]).upper() if match else ""
    entry = _BY_WORD.get(word)
    if match is None or entry is None:
        raise UnknownIndicator(f"There is no indicator {name!r}. {near(name.rstrip('_0123456789'), _NAMES)}")
    windows = tuple(int(number) for number in re.findall(r"\d+", match[2]))
    if len(windows) not in (0, len(entry.windows)):
        usual = "_".join([entry.name, *map(str, entry.windows)])
        raise BadSetting(f"{entry.name} takes {len(entry.windows)} window(s), as in {usual}; got {name!r}.")
    if any(not 2 <= window <= LONGEST_WINDOW for window in windows):
        raise BadSetting(f"The windows of {name!r} must lie between 2 and {LONGEST_WINDOW} bars.")
    return Chosen(entry, windows or entry.windows)


def canonical(name: str) -> str:
    """Return the one name of an indicator, however it was written."""
    return choose(name).name


def warmup_bars(names: Sequence[str]) -> int:
    """Return the longest warm-up among the named indicators."""
    return max((choose(name).warmup_bars for name in names), default=0)


def compute(prices: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the indicators in their own units, one column per output (`MACD`, `MACD_signal`, `BBANDS_high` ...).

    NaN during each one's warm-up and in gaps of the prices; the value at t uses bars up to t only.
    """
    return _table(prices, names, scaled=False)


def scale_free(prices: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the indicators as features: the same columns, free of the level of price and volume."""
    return _table(prices, names, scaled=True)


def _table(prices: pd.DataFrame, names: Sequence[str], *, scaled: bool) -> pd.DataFrame:
    require(prices)
    filled = _without_gaps(prices)
    gap = prices["close"].isna().to_numpy()
    columns: dict[str, pd.Series] = {}
    for chosen in dict.fromkeys(choose(name) for name in names):
        warmup = chosen.warmup_bars
        # Some of ta's functions fail on a frame shorter than their window instead of answering NaN.
        values = chosen.indicator.compute(filled, *chosen.windows) if len(filled) > warmup else {}
        for suffix, scale in chosen.indicator.scales.items():
            if scaled and scale is Scale.SHOWN:
                continue
            name = f"{chosen.name}_{suffix}" if suffix else chosen.name
            series = values.get(suffix, pd.Series(np.nan, index=prices.index))
            column = (scale.free(series, filled) if scaled else series).to_numpy(np.float64, copy=True)
            column[:warmup] = np.nan
            column[gap] = np.nan
            column[~np.isfinite(column)] = np.nan
            columns[name] = pd.Series(column, index=prices.index)
    return pd.DataFrame(columns, index=prices.index)


def _without_gaps(prices: pd.DataFrame) -> pd.DataFrame:
    """Fill gaps as they looked while they lasted: the last price, no range, no volume."""
    if not prices["close"].isna().any():
        return prices
    filled = prices[["open", "high", "low", "close", "volume"]].copy()
    filled["close"] = filled["close"].ffill()
    for name in ("open", "high", "low"):
        filled[name] = filled[name].fillna(filled["close"])
    filled["volume"] = filled["volume"].fillna(0.0)
    return filled
