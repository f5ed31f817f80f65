"""Technical indicators: one registry, in which an indicator is one entry (name, columns, scale, warm-up).

The five named ones and most others come from `ta`. Six are written out here because `ta` walks them bar by bar
(0.1-1.2 s for 90 days, against milliseconds): ATR, ADX, CCI, MFI, WMA, AROON; OBV because `ta` counts an unchanged
price as a rise.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, log

import numpy as np
import pandas as pd
from ta import momentum, trend, volatility, volume

from engine.science.bars import require
from engine.science.errors import BadSetting, UnknownIndicator, near

LONGEST_WINDOW = 2_016

# A recursive average has forgotten its start when less than this share of it is left.
_FORGOTTEN = 1e-5


class Scale(Enum):
    """What the values are measured in, hence how they become a feature free of the price level."""

    PRICE = "a price: becomes close / value - 1"
    PRICE_DIFFERENCE = "a difference of prices: becomes value / close"
    PERCENT = "0 to 100 (or -100 to 100): becomes value / 100"
    FREE = "already free of the price level"
    SHOWN = "for charts: as a feature it would only repeat its siblings"
    VOLUME_TOTAL = "a running total of volume: becomes its change over 20 bars / volume of those bars"
    FORCE = "a price difference times volume: becomes value / (close x mean volume of 20 bars)"


@dataclass(frozen=True, eq=False)
class Indicator:
    """One entry of the registry; `compute` maps gap-free prices and windows to its columns by suffix."""

    name: str
    meaning: str
    windows: tuple[int, ...]
    scales: Mapping[str, Scale]
    compute: Callable[..., Mapping[str, pd.Series]]
    warmup: Callable[..., int]
    aliases: tuple[str, ...] = ()


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
    """Return every indicator there is, in the order shown to people."""
    return _REGISTRY


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
            column = (_SCALED[scale](series, filled) if scaled else series).to_numpy(np.float64, copy=True)
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


def _settled(decay: float) -> int:
    return ceil(log(_FORGOTTEN) / log(decay))


def _ema_warmup(window: int) -> int:
    return _settled(1 - 2 / (window + 1)) + window


def _wilder_warmup(window: int) -> int:
    return _settled(1 - 1 / window) + window


def _wilder(series: pd.Series, window: int) -> pd.Series:
    return series.ewm(alpha=1 / window, adjust=False).mean()


def _true_range(p: pd.DataFrame) -> pd.Series:
    before = p["close"].shift(1)
    top = np.fmax(p["high"].to_numpy(), before.to_numpy())
    bottom = np.fmin(p["low"].to_numpy(), before.to_numpy())
    return pd.Series(top - bottom, index=p.index)


def _macd(p: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    macd = trend.MACD(p["close"], window_slow=slow, window_fast=fast, window_sign=signal)
    return {"": macd.macd(), "signal": macd.macd_signal(), "diff": macd.macd_diff()}


def _bollinger(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    bands = volatility.BollingerBands(p["close"], window=window)
    high, mid, low = bands.bollinger_hband(), bands.bollinger_mavg(), bands.bollinger_lband()
    return {"high": high, "mid": mid, "low": low}


def _adx(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    up, down = p["high"].diff(), -p["low"].diff()
    true_range = _wilder(_true_range(p), window)
    plus = 100 * _wilder(up.where((up > down) & (up > 0), 0.0), window) / true_range
    minus = 100 * _wilder(down.where((down > up) & (down > 0), 0.0), window) / true_range
    strength = (100 * (plus - minus).abs() / (plus + minus)).fillna(0.0)
    return {"": _wilder(strength, window), "plus": plus, "minus": minus}


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


def _mfi(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    typical = (p["high"] + p["low"] + p["close"]) / 3
    flow, change = typical * p["volume"], typical.diff()
    rise = flow.where(change > 0, 0.0).rolling(window).sum()
    fall = flow.where(change < 0, 0.0).rolling(window).sum()
    return {"": (100 * rise / (rise + fall)).fillna(50.0)}


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


def _obv(p: pd.DataFrame) -> dict[str, pd.Series]:
    return {"": (np.sign(p["close"].diff().fillna(0.0)) * p["volume"]).cumsum()}


def _stochastic(p: pd.DataFrame, window: int, smooth: int) -> dict[str, pd.Series]:
    stoch = momentum.StochasticOscillator(p["high"], p["low"], p["close"], window, smooth)
    return {"": stoch.stoch(), "signal": stoch.stoch_signal()}


def _stoch_rsi(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    stoch = momentum.StochRSIIndicator(p["close"], window)
    return {"": stoch.stochrsi(), "k": stoch.stochrsi_k(), "d": stoch.stochrsi_d()}


def _keltner(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    mid = p["close"].ewm(span=window, adjust=False).mean()
    width = 2 * _wilder(_true_range(p), 10)
    return {"high": mid + width, "mid": mid, "low": mid - width}


def _donchian(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    high, low = p["high"].rolling(window).max(), p["low"].rolling(window).min()
    return {"high": high, "low": low}


def _ppo(p: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    ppo = momentum.PercentagePriceOscillator(
        p["close"], window_slow=slow, window_fast=fast, window_sign=signal
    )
    return {"": ppo.ppo(), "signal": ppo.ppo_signal(), "diff": ppo.ppo_hist()}


def _vortex(p: pd.DataFrame, window: int) -> dict[str, pd.Series]:
    vortex = trend.VortexIndicator(p["high"], p["low"], p["close"], window)
    return {"plus": vortex.vortex_indicator_pos(), "minus": vortex.vortex_indicator_neg()}


def _williams(p: pd.DataFrame, window: int) -> pd.Series:
    result: pd.Series = momentum.WilliamsRIndicator(p["high"], p["low"], p["close"], window).williams_r()
    return result


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


_PRICE, _PERCENT, _FREE = {"": Scale.PRICE}, {"": Scale.PERCENT}, {"": Scale.FREE}
_BANDS = {"high": Scale.PRICE, "mid": Scale.SHOWN, "low": Scale.PRICE}
_DIFFERENCES = {"": Scale.PRICE_DIFFERENCE, "signal": Scale.SHOWN, "diff": Scale.PRICE_DIFFERENCE}

_REGISTRY: tuple[Indicator, ...] = (
    Indicator(
        "SMA", "simple moving average", (20,), _PRICE,
        lambda p, n: {"": trend.SMAIndicator(p["close"], n).sma_indicator()}, lambda n: n - 1,
        aliases=("MA", "SIMPLEMOVINGAVERAGE", "MOVINGAVERAGE"),
    ),
    Indicator(
        "EMA", "exponential moving average", (20,), _PRICE,
        lambda p, n: {"": trend.EMAIndicator(p["close"], n).ema_indicator()}, _ema_warmup,
        aliases=("EXPONENTIALMOVINGAVERAGE",),
    ),
    Indicator(
        "RSI", "relative strength index", (14,), _PERCENT,
        lambda p, n: {"": momentum.RSIIndicator(p["close"], n).rsi()}, _wilder_warmup,
        aliases=("RELATIVESTRENGTHINDEX",),
    ),
    Indicator(
        "MACD", "moving average convergence divergence", (12, 26, 9), _DIFFERENCES,
        _macd, lambda fast, slow, signal: _ema_warmup(max(fast, slow)) + _ema_warmup(signal),
    ),
    Indicator(
        "BBANDS", "Bollinger bands, two deviations", (20,), _BANDS, _bollinger, lambda n: n - 1,
        aliases=("BB", "BOLLINGER", "BOLLINGERBANDS", "BBAND"),
    ),
    Indicator(
        "ATR", "average true range", (14,), {"": Scale.PRICE_DIFFERENCE},
        lambda p, n: {"": _wilder(_true_range(p), n)}, _wilder_warmup, aliases=("AVERAGETRUERANGE",),
    ),
    Indicator(
        "STOCH", "stochastic oscillator", (14, 3), {"": Scale.PERCENT, "signal": Scale.PERCENT},
        _stochastic, lambda n, smooth: n + smooth, aliases=("STOCHASTIC", "STOCHASTICS"),
    ),
    Indicator(
        "OBV", "on-balance volume", (), {"": Scale.VOLUME_TOTAL}, _obv, lambda: 20,
        aliases=("ONBALANCEVOLUME",),
    ),
    Indicator(
        "ADX", "average directional index", (14,),
        {"": Scale.PERCENT, "plus": Scale.PERCENT, "minus": Scale.PERCENT},
        _adx, lambda n: 2 * _wilder_warmup(n), aliases=("DMI",),
    ),
    Indicator("CCI", "commodity channel index", (20,), _PERCENT, _cci, lambda n: n - 1),
    Indicator("MFI", "money flow index", (14,), _PERCENT, _mfi, lambda n: n, aliases=("MONEYFLOW",)),
    Indicator("WMA", "weighted moving average", (9,), _PRICE, _wma, lambda n: n - 1),
    Indicator(
        "ROC", "rate of change", (12,), _PERCENT,
        lambda p, n: {"": momentum.ROCIndicator(p["close"], n).roc()}, lambda n: n,
        aliases=("MOMENTUM", "RATEOFCHANGE"),
    ),
    Indicator(
        "WILLR", "Williams %R", (14,), _PERCENT, lambda p, n: {"": _williams(p, n)}, lambda n: n - 1,
        aliases=("WILLIAMSR", "WILLIAMS", "WILLIAMS%R", "%R"),
    ),
    Indicator("AROON", "Aroon", (25,), {"up": Scale.PERCENT, "down": Scale.PERCENT}, _aroon, lambda n: n),
    Indicator(
        "TRIX", "triple exponential average", (15,), _PERCENT,
        lambda p, n: {"": trend.TRIXIndicator(p["close"], n).trix()}, lambda n: 2 * _ema_warmup(n),
    ),
    Indicator(
        "KELTNER", "Keltner channel", (20,), _BANDS, _keltner,
        lambda n: max(_ema_warmup(n), _wilder_warmup(10)), aliases=("KC", "KELTNERCHANNEL"),
    ),
    Indicator(
        "DONCHIAN", "Donchian channel", (20,), {"high": Scale.PRICE, "low": Scale.PRICE},
        _donchian, lambda n: n - 1, aliases=("DC", "DONCHIANCHANNEL"),
    ),
    Indicator("VWAP", "volume-weighted average price", (14,), _PRICE, lambda p, n: {"": _vwap(p, n)}, lambda n: n - 1),
    Indicator(
        "CMF", "Chaikin money flow", (20,), _FREE, lambda p, n: {"": _chaikin(p, n)}, lambda n: n - 1,
        aliases=("CHAIKIN", "CHAIKINMONEYFLOW"),
    ),
    Indicator(
        "TSI", "true strength index", (13, 25), _PERCENT,
        lambda p, fast, slow: {"": momentum.TSIIndicator(p["close"], slow, fast).tsi()},
        lambda fast, slow: _ema_warmup(fast) + _ema_warmup(slow),
    ),
    Indicator(
        "PPO", "percentage price oscillator", (12, 26, 9),
        {"": Scale.PERCENT, "signal": Scale.SHOWN, "diff": Scale.PERCENT},
        _ppo, lambda fast, slow, signal: _ema_warmup(max(fast, slow)) + _ema_warmup(signal),
    ),
    Indicator(
        "UO", "ultimate oscillator", (7, 14, 28), _PERCENT,
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
        "VORTEX", "vortex indicator", (14,), {"plus": Scale.FREE, "minus": Scale.FREE}, _vortex, lambda n: n + 1,
        aliases=("VI",),
    ),
    Indicator(
        "STOCHRSI", "stochastic RSI", (14,), {"": Scale.FREE, "k": Scale.FREE, "d": Scale.FREE},
        _stoch_rsi, lambda n: _wilder_warmup(n) + n + 6,
    ),
    Indicator(
        "FI", "force index", (13,), {"": Scale.FORCE}, lambda p, n: {"": _force(p, n)},
        lambda n: max(_ema_warmup(n), 20), aliases=("FORCEINDEX", "FORCE"),
    ),
)  # fmt: skip
_BY_WORD = {word: entry for entry in _REGISTRY for word in (entry.name, *entry.aliases)}
_NAMES = [entry.name for entry in _REGISTRY]


def _volume_total(series: pd.Series, p: pd.DataFrame) -> pd.Series:
    return series.diff(20) / p["volume"].rolling(20).sum().replace(0.0, np.nan)


_SCALED: Mapping[Scale, Callable[[pd.Series, pd.DataFrame], pd.Series]] = {
    Scale.PRICE: lambda series, p: p["close"] / series - 1.0,
    Scale.PRICE_DIFFERENCE: lambda series, p: series / p["close"],
    Scale.PERCENT: lambda series, p: series / 100.0,
    Scale.FREE: lambda series, p: series,
    Scale.VOLUME_TOTAL: _volume_total,
    Scale.FORCE: lambda series, p: (
        series / (p["close"] * p["volume"].rolling(20).mean()).replace(0.0, np.nan)
    ),
}
