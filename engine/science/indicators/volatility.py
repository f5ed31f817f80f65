"""Volatility indicators: bands and channels round the price, and the true range."""

from typing import Final

import pandas as pd
from ta import volatility

from engine.science.indicators.entry import Indicator, ema_warmup, true_range, wilder, wilder_warmup
from engine.science.indicators.scales import BANDS, Scale


def _bollinger(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    bands = volatility.BollingerBands(p["close"], window=window)
    high, mid, low = bands.bollinger_hband(), bands.bollinger_mavg(), bands.bollinger_lband()
    return {"high": high, "mid": mid, "low": low}


def _keltner(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    mid = p["close"].ewm(span=window, adjust=False).mean()
    width = 2 * wilder(true_range(p), 10)
    return {"high": mid + width, "mid": mid, "low": mid - width}


def _donchian(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    high, low = p["high"].rolling(window).max(), p["low"].rolling(window).min()
    return {"high": high, "low": low}


INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "BBANDS", "Bollinger bands, two deviations", (20,), BANDS, _bollinger, lambda n: n - 1,
        aliases=("BB", "BOLLINGER", "BOLLINGERBANDS", "BBAND"),
    ),
    Indicator(
        "ATR", "average true range", (14,), {"": Scale.PRICE_DIFFERENCE},
        lambda p, n: {"": wilder(true_range(p), n)}, wilder_warmup, aliases=("AVERAGETRUERANGE",),
    ),
    Indicator(
        "KELTNER", "Keltner channel", (20,), BANDS, _keltner,
        lambda n: max(ema_warmup(n), wilder_warmup(10)), aliases=("KC", "KELTNERCHANNEL"),
    ),
    Indicator(
        "DONCHIAN", "Donchian channel", (20,), {"high": Scale.PRICE, "low": Scale.PRICE},
        _donchian, lambda n: n - 1, aliases=("DC", "DONCHIANCHANNEL"),
    ),
)  # fmt: skip
