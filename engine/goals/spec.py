"""What a goal asks for, as one typed value: the spec that every later stage works from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

Task = Literal["classification", "regression", "eda"]
Study = Literal["forecast", "comparison", "importance", "eda"]
Target = Literal["direction", "return", "volatility"]

CLASSIFIERS = ("LogisticRegression", "RandomForest", "GradientBoosting", "XGBoost")
REGRESSORS = ("LinearRegression", "Ridge", "RandomForest", "GradientBoosting", "XGBoost")
DEFAULT_INDICATORS = ("SMA_20", "EMA_20", "RSI_14", "MACD", "BBANDS")
DEFAULT_COSTS_BPS = 12.0  # a side: 10 bps fee and 2 bps slippage
DEFAULT_HORIZON_MINUTES = 60
DEFAULT_PERIOD_DAYS = 90
OPEN_TIME = "still open: "  # begins the reason of a horizon that has no exact length yet, as in "overnight"
BAR_MINUTES = 5  # the finest candle the price table holds


@dataclass(frozen=True)
class Spec:
    """A goal, read. A runnable spec has coins, a task, start and end; the draft beside a question may lack some.

    Horizons and interval are minutes; start and end are aware UTC and half-open; costs are basis points per side.
    `stated` names the slots the person spoke of, `reasons` says for each slot where its value comes from.

    `focus` says what the answer should dwell on. With a forecast: compare_models, compare_coins, importance, or
    importance:MACD for one indicator. With a look at the data (task eda): overview, drawdown, correlation,
    autocorrelation, distribution, gaps, extremes, volatility, volume, or volatility_by_hour, return_by_weekday,
    volume_by_month and the like.

    `search_seconds` is the time given to choose models, settings and features by; None for none.
    """

    coins: tuple[str, ...] = ()
    driver_coins: tuple[str, ...] = ()
    task: Task | None = None
    target: Target | None = None
    horizons: tuple[int, ...] = ()
    interval_minutes: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    period_days: float | None = None
    models: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    costs_bps: float = DEFAULT_COSTS_BPS
    costs_stated: bool = False
    metric: str = ""
    focus: str | None = None
    search_seconds: int | None = None
    warnings: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def horizon_minutes(self) -> int | None:
        """The first horizon, the one the verdict speaks of; None for a look at the data."""
        return self.horizons[0] if self.horizons else None

    @property
    def study(self) -> Study:
        """The kind of work `task` and `focus` come to."""
        if self.task == "eda":
            return "eda"
        if self.focus and self.focus.startswith("compare_"):
            return "comparison"
        return "importance" if self.focus and self.focus.startswith("importance") else "forecast"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: the `spec` of metrics.json, with horizon and interval as text such as 1h."""
        return {
            "coins": list(self.coins),
            "driver_coins": list(self.driver_coins),
            "task": self.task,
            "target": self.target,
            "horizon": span_text(self.horizons[0]) if self.horizons else None,
            "horizons": [span_text(minutes) for minutes in self.horizons],
            "interval": span_text(self.interval_minutes) if self.interval_minutes else None,
            "start": moment_text(self.start),
            "end": moment_text(self.end),
            "period_days": self.period_days,
            "models": list(self.models),
            "indicators": list(self.indicators),
            "costs_bps": self.costs_bps,
            "costs_stated": self.costs_stated,
            "metric": self.metric,
            "study": self.study,
            "focus": self.focus,
            "search_seconds": self.search_seconds,
            "warnings": list(self.warnings),
            "stated": list(self.stated),
            "reasons": dict(self.reasons),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> "Spec":
        """Read back what `as_dict` wrote; keys it does not know are ignored, missing ones are unset."""
        values = {f.name: written[f.name] for f in fields(cls) if written.get(f.name) is not None}
        for name in ("coins", "driver_coins", "models", "indicators", "warnings", "stated"):
            values[name] = tuple(values.get(name, ()))
        spans = written.get("horizons") or ([written["horizon"]] if written.get("horizon") else [])
        values["horizons"] = tuple(span_minutes(span) for span in spans)
        values["interval_minutes"] = span_minutes(written["interval"]) if written.get("interval") else None
        for name in ("start", "end"):
            values[name] = _moment(values.get(name))
        values["reasons"] = dict(values.get("reasons", {}))
        return cls(**values)


def span_text(minutes: int) -> str:
    """Minutes as the shortest exact text: 90 is 90m, 240 is 4h, 1440 is 1d."""
    for size, letter in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size}{letter}"
    return f"{minutes}m"


def span_minutes(text: str | int) -> int:
    """The minutes of a text that `span_text` wrote. Raises ValueError for any other."""
    if isinstance(text, int):
        return text
    return int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]


def moment_text(moment: datetime | None) -> str | None:
    """A moment in ISO form with a Z, or None."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _moment(value: str | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
