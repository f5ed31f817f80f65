"""Trend indicators: moving averages, MACD, and how strong a direction is."""

from typing import Final

import numpy as np
import pandas as pd
from ta import trend

from engine.science.indicators.entry import Indicator, ema_warmup, true_range, wilder, wilder_warmup
from engine.science.indicators.scales import DIFFERENCES, PERCENT, PRICE, Scale


def _macd(p: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    macd = trend.MACD(p["close"], window_slow=slow, window_fast=fast, window_sign=signal)
    return {"": macd.macd(), "signal": macd.macd_signal(), "diff": macd.macd_diff()}


def _adx(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    up, down = p["high"].diff(), -p["low"].diff()
    usual = wilder(true_range(p), window)
    plus = 100 * wilder(up.where((up > down) & (up > 0), 0.0), window) / usual
    minus = 100 * wilder(down.where((down > up) & (down > 0), 0.0), window) / usual
    strength = (100 * (plus - minus).abs() / (plus + minus)).fillna(0.0)
    return {"": wilder(strength, window), "plus": plus, "minus": minus}


def _cci(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    typical = (p["high"] + p["low"] + p["close"]) / 3
    mean = typical.rolling(window).mean()
    runs = np.lib.stride_tricks.sliding_window_view(typical.to_numpy(np.float64), window)
    deviation = np.full(len(p), np.nan)
    for start in range(0, len(runs), 50_000):  # in pieces: a million bars at once would take gigabytes
        part = runs[start : start + 50_000]
        spread = np.abs(part - part.mean(axis=1, keepdims=True)).mean(axis=1)
        deviation[start + window - 1 : start + window - 1 + len(part)] = spread
    return {"": (typical - mean) / (0.015 * pd.Series(deviation, index=p.index))}


def _wma(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    weights = np.arange(window, 0, -1.0)
    result = np.convolve(p["close"].to_numpy(np.float64), weights / weights.sum())[: len(p)]
    return {"": pd.Series(result, index=p.index)}


def _aroon(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    def recency(values: pd.Series, sign: float) -> pd.Series:
        runs = np.lib.stride_tricks.sliding_window_view(sign * values.to_numpy(np.float64), window + 1)
        result = np.full(len(values), np.nan)
        # Reversed so that argmax finds the latest of equal extremes.
        result[window:] = 100.0 * (window - runs[:, ::-1].argmax(axis=1)) / window
        return pd.Series(result, index=values.index)

    return {"up": recency(p["high"], 1.0), "down": recency(p["low"], -1.0)}


def _vortex(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    vortex = trend.VortexIndicator(p["high"], p["low"], p["close"], window)
    return {"plus": vortex.vortex_indicator_pos(), "minus": vortex.vortex_indicator_neg()}


INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "SMA", "simple moving average", (20,), PRICE,
        lambda p, n: {"": trend.SMAIndicator(p["close"], n).sma_indicator()}, lambda n: n - 1,
        aliases=("MA", "SIMPLEMOVINGAVERAGE", "MOVINGAVERAGE"),
    ),
    Indicator(
        "EMA", "exponential moving average", (20,), PRICE,
        lambda p, n: {"": trend.EMAIndicator(p["close"], n).ema_indicator()}, ema_warmup,
        aliases=("EXPONENTIALMOVINGAVERAGE",),
    ),
    Indicator(
        "MACD", "moving average convergence divergence", (12, 26, 9), DIFFERENCES,
        _macd, lambda fast, slow, signal: ema_warmup(max(fast, slow)) + ema_warmup(signal),
    ),
    Indicator(
        "ADX", "average directional index", (14,),
        {"": Scale.PERCENT, "plus": Scale.PERCENT, "minus": Scale.PERCENT},
        _adx, lambda n: 2 * wilder_warmup(n), aliases=("DMI",),
    ),
    Indicator("CCI", "commodity channel index", (20,), PERCENT, _cci, lambda n: n - 1, marks=(-100, 100)),
    Indicator("WMA", "weighted moving average", (9,), PRICE, _wma, lambda n: n - 1),
    Indicator("AROON", "Aroon", (25,), {"up": Scale.PERCENT, "down": Scale.PERCENT}, _aroon, lambda n: n),
    Indicator(
        "TRIX", "triple exponential average", (15,), PERCENT,
        lambda p, n: {"": trend.TRIXIndicator(p["close"], n).trix()}, lambda n: 2 * ema_warmup(n),
    ),
    Indicator(
        "VORTEX", "vortex indicator", (14,), {"plus": Scale.FREE, "minus": Scale.FREE}, _vortex, lambda n: n + 1,
        aliases=("VI",),
    ),
)  # fmt: skip
