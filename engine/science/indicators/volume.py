"""Volume indicators: whether money flows in or out."""

from typing import Final

import numpy as np
import pandas as pd
from ta import volume

from engine.science.indicators.entry import Indicator, ema_warmup
from engine.science.indicators.scales import FREE, PERCENT, PRICE, Scale


def _obv(p: pd.DataFrame) -> dict[str, pd.Series]:
    return {"": (np.sign(p["close"].diff().fillna(0.0)) * p["volume"]).cumsum()}


def _mfi(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    typical = (p["high"] + p["low"] + p["close"]) / 3
    flow, change = typical * p["volume"], typical.diff()
    rise = flow.where(change > 0, 0.0).rolling(window).sum()
    fall = flow.where(change < 0, 0.0).rolling(window).sum()
    return {"": (100 * rise / (rise + fall)).fillna(50.0)}


def _vwap(p: pd.DataFrame, window: int) -> pd.Series:
    typical = (p["high"] + p["low"] + p["close"]) / 3
    return (typical * p["volume"]).rolling(window).sum() / p["volume"].rolling(window).sum()


def _chaikin(p: pd.DataFrame, window: int) -> pd.Series:
    spread = (p["high"] - p["low"]).replace(0.0, np.nan)
    place = ((2 * p["close"] - p["high"] - p["low"]) / spread).fillna(0.0)
    return (place * p["volume"]).rolling(window).sum() / p["volume"].rolling(window).sum()


def _force(p: pd.DataFrame, window: int) -> pd.Series:
    result: pd.Series = volume.ForceIndexIndicator(p["close"], p["volume"], window).force_index()
    return result


INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "OBV", "on-balance volume", (), {"": Scale.VOLUME_TOTAL}, _obv, lambda: 20,
        aliases=("ONBALANCEVOLUME",),
    ),
    Indicator("MFI", "money flow index", (14,), PERCENT, _mfi, lambda n: n, aliases=("MONEYFLOW",), marks=(20, 80)),
    Indicator("VWAP", "volume-weighted average price", (14,), PRICE, lambda p, n: {"": _vwap(p, n)}, lambda n: n - 1),
    Indicator(
        "CMF", "Chaikin money flow", (20,), FREE, lambda p, n: {"": _chaikin(p, n)}, lambda n: n - 1,
        aliases=("CHAIKIN", "CHAIKINMONEYFLOW"),
    ),
    Indicator(
        "FI", "force index", (13,), {"": Scale.FORCE}, lambda p, n: {"": _force(p, n)},
        lambda n: max(ema_warmup(n), 20), aliases=("FORCEINDEX", "FORCE"),
    ),
)  # fmt: skip
