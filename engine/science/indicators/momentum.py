"""Momentum indicators: how fast the price has moved, and how far within its range."""

from typing import Final

import pandas as pd
from ta import momentum

from engine.science.indicators.entry import Indicator, ema_warmup, wilder_warmup
from engine.science.indicators.scales import PERCENT, Scale


def _stochastic(p: pd.DataFrame, window: int, smooth: int) -> dict[str, pd.Series]:
    stoch = momentum.StochasticOscillator(p["high"], p["low"], p["close"], window, smooth)
    return {"": stoch.stoch(), "signal": stoch.stoch_signal()}


def _stoch_rsi(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    stoch = momentum.StochRSIIndicator(p["close"], window)
    return {"": stoch.stochrsi(), "k": stoch.stochrsi_k(), "d": stoch.stochrsi_d()}


def _ppo(p: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    ppo = momentum.PercentagePriceOscillator(
        p["close"], window_slow=slow, window_fast=fast, window_sign=signal
    )
    return {"": ppo.ppo(), "signal": ppo.ppo_signal(), "diff": ppo.ppo_hist()}


def _williams(p: pd.DataFrame, window: int) -> pd.Series:
    result: pd.Series = momentum.WilliamsRIndicator(p["high"], p["low"], p["close"], window).williams_r()
    return result


INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "RSI", "relative strength index", (14,), PERCENT,
        lambda p, n: {"": momentum.RSIIndicator(p["close"], n).rsi()}, wilder_warmup,
        aliases=("RELATIVESTRENGTHINDEX",), marks=(30, 70),
    ),
    Indicator(
        "STOCH", "stochastic oscillator", (14, 3), {"": Scale.PERCENT, "signal": Scale.PERCENT},
        _stochastic, lambda n, smooth: n + smooth, aliases=("STOCHASTIC", "STOCHASTICS"), marks=(20, 80),
    ),
    Indicator(
        "ROC", "rate of change", (12,), PERCENT,
        lambda p, n: {"": momentum.ROCIndicator(p["close"], n).roc()}, lambda n: n,
        aliases=("MOMENTUM", "RATEOFCHANGE"),
    ),
    Indicator(
        "WILLR", "Williams %R", (14,), PERCENT, lambda p, n: {"": _williams(p, n)}, lambda n: n - 1,
        aliases=("WILLIAMSR", "WILLIAMS", "WILLIAMS%R", "%R"), marks=(-80, -20),
    ),
    Indicator(
        "TSI", "true strength index", (13, 25), PERCENT,
        lambda p, fast, slow: {"": momentum.TSIIndicator(p["close"], slow, fast).tsi()},
        lambda fast, slow: ema_warmup(fast) + ema_warmup(slow),
    ),
    Indicator(
        "PPO", "percentage price oscillator", (12, 26, 9),
        {"": Scale.PERCENT, "signal": Scale.SHOWN, "diff": Scale.PERCENT},
        _ppo, lambda fast, slow, signal: ema_warmup(max(fast, slow)) + ema_warmup(signal),
    ),
    Indicator(
        "UO", "ultimate oscillator", (7, 14, 28), PERCENT,
        lambda p, a, b, c: {
            "": momentum.UltimateOscillator(p["high"], p["low"], p["close"], a, b, c).ultimate_oscillator()
        },
        lambda a, b, c: max(a, b, c) + 1, aliases=("ULTIMATEOSCILLATOR",),
    ),
    Indicator(
        "AO", "awesome oscillator", (5, 34), {"": Scale.PRICE_DIFFERENCE},
        lambda p, a, b: {"": momentum.AwesomeOscillatorIndicator(p["high"], p["low"], a, b).awesome_oscillator()},
        lambda a, b: max(a, b), aliases=("AWESOMEOSCILLATOR",),
    ),
    Indicator(
        "STOCHRSI", "stochastic RSI", (14,), {"": Scale.FREE, "k": Scale.FREE, "d": Scale.FREE},
        _stoch_rsi, lambda n: wilder_warmup(n) + n + 6, marks=(0.2, 0.8),
    ),
)  # fmt: skip
