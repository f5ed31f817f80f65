"""Prices to features: columns free of the price level, each known at the end of the bar it stands on.

Nothing here may use a later bar: `leaks.check` recomputes the whole table on cut prices before any verdict.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from engine.science import bars, indicators
from engine.science.bars import Bools
from engine.science.errors import BadSetting, UnknownIndicator, near
from engine.science.written import PREFIX, WrittenFeature

NAMED_INDICATORS = ("SMA_20", "EMA_50", "RSI_14", "MACD", "BBANDS")

# A window is trusted when at least this share of its bars was recorded.
_RECORDED_SHARE = 0.8
_SMALLEST_VOLATILITY = 1e-6


@dataclass(frozen=True)
class FeatureSpec:
    """What the models get to see. Lags and windows are in bars; lag 1 is the newest finished bar.

    `leave_out` names groups of columns (`groups`), or indicators, that are computed and then dropped: what is left
    stands on exactly the same bars as the whole, so that the two can be compared. `written` are features that an agent
    wrote as code: their values are computed elsewhere and handed to `build`.
    """

    indicators: tuple[str, ...] = NAMED_INDICATORS
    lags: tuple[int, ...] = (1, 2, 3)
    windows: tuple[int, ...] = (12, 36, 72, 144, 288)
    calendar: bool = False
    volatility: bool = False
    drivers: tuple[str, ...] = field(default=())
    leave_out: tuple[str, ...] = field(default=())
    written: tuple[WrittenFeature, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what would look ahead or make no sense; write every indicator by its one name."""
        if any(lag < 1 for lag in self.lags):
            raise BadSetting(
                "A lag below 1 would use a bar that is not finished when the forecast is made (look-ahead). "
                "Use lags of 1 and more; 1 is the newest finished bar."
            )
        if not self.windows or any(window < 2 for window in self.windows):
            raise BadSetting("Feature windows need at least two bars each, and there must be at least one.")
        names = tuple(dict.fromkeys(indicators.canonical(name) for name in self.indicators))
        object.__setattr__(self, "indicators", names)
        object.__setattr__(self, "leave_out", tuple(dict.fromkeys(map(_group_name, self.leave_out))))
        object.__setattr__(self, "windows", tuple(sorted(set(self.windows))))
        object.__setattr__(self, "lags", tuple(sorted(set(self.lags))))


def default_spec(
    bar_minutes: int,
    target: str,
    indicators: tuple[str, ...] | None = None,
    drivers: tuple[str, ...] = (),
) -> FeatureSpec:
    """Return the usual features for bars of this length: windows of 1 hour to 1 day, or 3 to 20 bars of a day."""
    per_hour = 60 / bar_minutes
    windows = {round(hours * per_hour) for hours in (1, 3, 6, 12, 24)}
    if bar_minutes >= 120:
        windows = {3, 5, 10, 20}
    spec = FeatureSpec(
        windows=tuple(window for window in windows if window >= 2),
        # The clock tells how much prices will move, hardly ever which way; there it only feeds noise to the trees.
        calendar=target == "volatility" and bar_minutes < 1_440,
        volatility=target == "volatility",
        drivers=drivers,
    )
    return spec if indicators is None else replace(spec, indicators=indicators)


def warmup_bars(spec: FeatureSpec, bar_minutes: int = 5) -> int:
    """Return how many bars pass before every column is known and no longer depends on where the prices begin."""
    seasonal = _season_days(spec, bar_minutes) * (1_440 // bar_minutes)
    own = max(max(spec.windows) + max(spec.lags, default=0), seasonal)
    return max(own, indicators.warmup_bars(spec.indicators))


def build(
    prices: pd.DataFrame,
    spec: FeatureSpec,
    drivers: Mapping[str, pd.DataFrame] | None = None,
    written: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the feature table on the regular grid of `prices`, NaN where a value cannot be known yet.

    `drivers` holds the prices of every coin in `spec.drivers` on bars of the same length; a driver's bar stamped t is
    known at the same moment as the coin's own bar t, so both may be used there. `written` holds the values of
    `spec.written`, a column each on the same bars.
    """
    grid = bars.regular(prices)
    minutes = bars.bar_minutes(grid)
    columns = _own_columns(grid, spec)
    if spec.volatility:
        columns |= _volatility_columns(grid, spec, minutes)
    if spec.calendar:
        columns |= _calendar_columns(pd.DatetimeIndex(grid.index), minutes)
    table = pd.DataFrame(columns, index=grid.index)
    parts = [table, indicators.scale_free(grid, spec.indicators)] if spec.indicators else [table]
    for coin in spec.drivers:
        if drivers is None or coin not in drivers:
            raise BadSetting(f"Prices of {coin} were asked for as features, but none were given.")
        parts.append(pd.DataFrame(_driver_columns(drivers[coin], grid, coin, spec), index=grid.index))
    if spec.written:
        if written is None:
            raise BadSetting("Features that an agent wrote were asked for, but their values were not given.")
        parts.append(written.reindex(grid.index)[[one.column for one in spec.written]])
    joined = pd.concat(parts, axis=1)
    recorded = grid["close"].notna()
    share = recorded.astype(np.float64).rolling(max(spec.windows)).mean()
    joined[~(recorded & (share >= _RECORDED_SHARE))] = np.nan
    return left(joined, spec.leave_out) if spec.leave_out else joined


def groups(columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns by what they are made from: past returns, volume, an indicator, another coin ..."""
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(_group(column), []).append(column)
    return {name: tuple(members) for name, members in found.items()}


def left(table: pd.DataFrame, leave_out: Sequence[str]) -> pd.DataFrame:
    """The table without some groups, with a row known only where the whole row was."""
    by_group = groups([str(name) for name in table.columns])
    unknown = [name for name in leave_out if name not in by_group]
    if unknown:
        raise BadSetting(
            f"There is no group of features {unknown[0]!r} to leave out. {near(unknown[0], by_group)}"
        )
    kept = [name for group, members in by_group.items() if group not in leave_out for name in members]
    if not kept:
        raise BadSetting("Leaving all of that out leaves no feature; keep at least one group.")
    return table.where(pd.Series(usable(table), index=table.index))[kept]


def _group(column: str) -> str:
    for name, pattern in _GROUPS:
        if re.fullmatch(pattern, column):
            return name
    coin, _, rest = column.partition("_")
    return coin.upper() if rest and coin.islower() else coin


def _group_name(said: str) -> str:
    """A group as `groups` names it: an indicator by its plain name, anything else as it was said."""
    known = {name.lower(): name for name, _ in _GROUPS}
    if said.lower() in known:
        return known[said.lower()]
    try:
        return indicators.choose(said).indicator.name
    except UnknownIndicator:
        return said.upper() if said.islower() else said


_GROUPS = (
    ("written by the agent", rf"{PREFIX}\w+"),
    ("past returns", r"(?:return|momentum|size)_\d+"),
    ("past volatility", r"(?:volatility|level|spread)_\d+|same_time_volatility"),
    ("place in the range", r"place_\d+"),
    ("volume", r"volume_\d+"),
    ("calendar", r"(?:hour|weekday)_(?:sin|cos)"),
)


def usable(features: pd.DataFrame) -> Bools:
    """Return the rows in which every feature is known."""
    rows: Bools = np.isfinite(features.to_numpy()).all(axis=1)
    return rows


def in_words(column: str, bar_minutes: int) -> str:
    """Return a column's name as a person would say it, its window as a length of time."""
    if column.startswith(PREFIX):
        return f"{column.removeprefix(PREFIX).replace('_', ' ')} (written by the agent)"
    for pattern, words in _WORDS:
        match = re.fullmatch(pattern, column)
        if match:
            return words.format(*(_length(int(bars) * bar_minutes) for bars in match.groups()))
    lagged = re.fullmatch(r"(return|size)_(\d+)", column)
    if lagged:
        what = {"return": "return", "size": "size of the move"}[lagged[1]]
        earlier = int(lagged[2]) - 1  # lag 1 is the newest finished bar
        return f"{what}, {_length(earlier * bar_minutes)} earlier" if earlier else f"{what}, newest bar"
    coin, _, rest = column.partition("_")
    if rest and coin.islower():
        return f"{coin.upper()}: {in_words(rest, bar_minutes)}"
    named = re.fullmatch(r"([A-Z]+(?:_\d+)*)(?:_([a-z]+))?", column)
    if not named:
        return column.replace("_", " ")
    part = {"diff": " histogram", "high": " upper band", "low": " lower band"}.get(
        named[2], f" {named[2] or ''}"
    )
    return f"{named[1].replace('_', ' ')}{part}".rstrip()


_WORDS = (
    (r"momentum_(\d+)", "return over {}"),
    (r"volatility_(\d+)", "volatility over {}"),
    (r"level_(\d+)", "volatility level, {}"),
    (r"spread_(\d+)", "high-low range over {}"),
    (r"place_(\d+)", "place in the range of {}"),
    (r"volume_(\d+)", "volume over {}"),
    (r"same_time_volatility", "volatility at this time before"),
    (r"hour_sin", "hour of the day, sine"),
    (r"hour_cos", "hour of the day, cosine"),
    (r"weekday_sin", "day of the week, sine"),
    (r"weekday_cos", "day of the week, cosine"),
    (r"lead_(\d+)", "return ahead of ours over {}"),
)


def _length(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes}\u202fmin"
    if minutes < 1_440:
        return f"{minutes / 60:g}\u202fh"
    return f"{minutes / 1_440:g} day{'' if minutes == 1_440 else 's'}"


def _own_columns(grid: pd.DataFrame, spec: FeatureSpec) -> dict[str, pd.Series]:
    close = grid["close"].ffill()
    log_close, log_return = _logs(close)
    longest = max(spec.windows)
    unit = _volatility(log_return, longest)
    columns: dict[str, pd.Series] = {}
    for lag in spec.lags:
        columns[f"return_{lag}"] = log_return.shift(lag - 1) / unit
    high, low = grid["high"].fillna(close), grid["low"].fillna(close)
    for window in spec.windows:
        columns[f"momentum_{window}"] = log_close.diff(window) / (unit * np.sqrt(window))
    for window in spec.windows[:-1:2]:
        columns[f"volatility_{window}"] = bars.log(_volatility(log_return, window) / unit)
    for window in spec.windows[2::2]:
        top, bottom = high.rolling(window).max(), low.rolling(window).min()
        place = (close - bottom) / (top - bottom).where(top > bottom)
        columns[f"place_{window}"] = place.fillna(0.5).where(top.notna())
    volume = grid["volume"].fillna(0.0)
    usual = volume.rolling(longest).mean()
    for window in (spec.windows[0],):
        share = volume.rolling(window).mean() / usual.where(usual > 0)
        columns[f"volume_{window}"] = bars.log(1.0 + share.clip(lower=0)).fillna(0.0).where(usual.notna())
    return columns


def _volatility_columns(grid: pd.DataFrame, spec: FeatureSpec, minutes: int) -> dict[str, pd.Series]:
    """Return levels of volatility in logs: its forecast needs the level itself, which has no price unit."""
    close = grid["close"].ffill()
    _, log_return = _logs(close)
    columns = {f"level_{w}": bars.log(_volatility(log_return, w)) for w in spec.windows}
    size = log_return.abs().clip(lower=1e-5)
    for lag in spec.lags:
        columns[f"size_{lag}"] = bars.log(size.shift(lag - 1))
    span = bars.log(grid["high"].fillna(close) / grid["low"].fillna(close)) ** 2
    for window in spec.windows[:2]:
        range_volatility = (span.rolling(window).mean() / (4 * np.log(2))) ** 0.5
        columns[f"spread_{window}"] = bars.log(range_volatility.clip(lower=_SMALLEST_VOLATILITY))
    days = _season_days(spec, minutes)
    if days:
        # The hour that begins now, as it was on the days before: it ends at least 23 hours ago.
        per_day, hour = 1_440 // minutes, max(1, 60 // minutes)
        squares = (log_return**2).rolling(hour).mean()
        earlier = [squares.shift(day * per_day - hour) for day in range(1, days + 1)]
        same_time = pd.concat(earlier, axis=1).mean(axis=1, skipna=False)
        columns["same_time_volatility"] = 0.5 * bars.log(same_time.clip(lower=_SMALLEST_VOLATILITY**2))
    return columns


def _season_days(spec: FeatureSpec, minutes: int) -> int:
    return 3 if spec.volatility and spec.calendar and minutes < 240 else 0


def _calendar_columns(index: pd.DatetimeIndex, minutes: int) -> dict[str, pd.Series]:
    """Return the time at the END of the bar, when the forecast is made, on two circles."""
    known = index + pd.Timedelta(minutes=minutes)
    day = 2 * np.pi * (known.hour * 60 + known.minute).to_numpy() / 1_440
    week = 2 * np.pi * (known.day_of_week.to_numpy() + day / (2 * np.pi)) / 7
    columns = {"hour_sin": np.sin(day), "hour_cos": np.cos(day)}
    columns |= {"weekday_sin": np.sin(week), "weekday_cos": np.cos(week)}
    return {name: pd.Series(values, index=index) for name, values in columns.items()}


def _driver_columns(
    prices: pd.DataFrame, grid: pd.DataFrame, coin: str, spec: FeatureSpec
) -> dict[str, pd.Series]:
    # Filled on the grid of the coin, whose rows end where its prices end: a later bar of the driver never gets in.
    close = prices["close"].reindex(grid.index)
    fresh = close.notna().astype(np.float64).rolling(12, min_periods=1).max() > 0
    log_close, log_return = _logs(close.ffill())
    unit = _volatility(log_return, max(spec.windows))
    own_log_close, own_return = _logs(grid["close"].ffill())
    own_unit = _volatility(own_return, max(spec.windows))
    columns = {f"{coin}_return_{lag}": log_return.shift(lag - 1) / unit for lag in spec.lags}
    for window in spec.windows[:3]:
        scale = np.sqrt(window)
        momentum = log_close.diff(window) / (unit * scale)
        columns[f"{coin}_momentum_{window}"] = momentum
        columns[f"{coin}_lead_{window}"] = momentum - own_log_close.diff(window) / (own_unit * scale)
    return {name: column.where(fresh) for name, column in columns.items()}


def _logs(close: pd.Series) -> tuple[pd.Series, pd.Series]:
    log_close = bars.log(close)
    return log_close, log_close.diff()


def _volatility(log_return: pd.Series, window: int) -> pd.Series:
    """Return the root mean square return per bar of the last `window` bars."""
    mean_square = (log_return**2).rolling(window).mean()
    return mean_square.clip(lower=_SMALLEST_VOLATILITY**2) ** 0.5
