"""`Result`: everything a finished run says; report, metrics.json and message are written from it alone."""

import math
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, model_validator

from engine.science.charts import Chart, Source, numbers

Decision = Literal["edge", "no_edge", "not_enough_data"]
Kind = Literal["direction", "return", "volatility", "eda"]
Study = Literal["forecast", "comparison", "importance", "eda"]
Unit = Literal["text", "percent", "change", "bp", "number", "count", "time", "price", "points"]


def _finite(value: Any) -> Any:
    """numpy scalars as Python numbers; NaN and infinities, which JSON does not have, as None."""
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
Whole = Annotated[int, BeforeValidator(_finite)]
Cell = Annotated[str | bool | int | float | None, BeforeValidator(_finite)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(_Value):
    """A figure and, where known, its 95 % interval. Ratios are fractions."""

    value: Number
    low: Number = None
    high: Number = None


class ModelResult(_Value):
    """One model or baseline on the judged span; `name` is what people read, `folds` how many fits."""

    name: str
    metrics: dict[str, Metric]
    folds: int = 0
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _plain_numbers(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("metrics"), Mapping):
            metrics = {
                name: m if isinstance(m, (Mapping, Metric)) else {"value": _finite(m)}
                for name, m in data["metrics"].items()
            }
            return {**data, "metrics": metrics}
        return data

    def value(self, metric: str) -> float | None:
        """The figure of a metric, or None where it was not measured."""
        found = self.metrics.get(metric)
        return found.value if found else None


class Verdict(_Value):
    """What the run decided and why. `p_value` is net of costs and corrected for everything tried."""

    decision: Decision
    reason: str
    reason_code: str = ""
    p_value: Number = None
    p_signal: Number = None
    p_late: Number = None
    best_model: str | None = None
    candidates: int = 0
    candidates_counted: int = 0
    ledger_position: int | None = None
    folds: int = 0
    folds_positive: int | None = None
    sealed_return: Number = None
    sealed_openings: int = 0
    least_edge_shown: Number = None
    least_edge_paying: Number = None
    reference: str | None = None


class CoinData(_Value):
    """What was found in one coin's prices. `largest_move` is a fraction from one bar to the next."""

    coin: str
    rows: Whole
    start: AwareDatetime
    end: AwareDatetime
    missing_bars: Whole = 0
    duplicates: Whole = 0
    stale_bars: Whole = 0
    crossed_quotes: Whole = 0
    spikes: Whole = 0
    largest_move: Number = None
    largest_move_at: AwareDatetime | None = None
    notes: tuple[str, ...] = ()


class Data(_Value):
    """The prices a run used: bars of all coins, the end of the newest bar, costs per side."""

    series: str
    venue: str = ""
    currency: str = ""
    interval_minutes: float = 5.0
    rows: Whole
    start: AwareDatetime
    end: AwareDatetime
    newest: AwareDatetime
    hash: str = ""
    simulated: bool = False
    effective_cost_bps: Number = None
    stated_cost_bps: Number = None
    coins: tuple[CoinData, ...] = ()
    notes: tuple[str, ...] = ()


class Spec(BaseModel):
    """What was asked, as read from the goal. Further keys of the goal reader are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    coins: tuple[str, ...]
    driver_coins: tuple[str, ...] = ()
    task: str
    target: str | None = None
    horizon: str | None = None
    interval: str | None = None
    horizons: tuple[str, ...] = ()
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    period_days: Number = None
    models: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    costs_bps: Number = None
    metric: str | None = None
    warnings: tuple[str, ...] = ()


class Written(_Value):
    """A feature that an agent wrote: its name, the code as it was run, and the agent's reason for it."""

    name: str
    code: str
    why: str = ""


class Validation(_Value):
    """How the models were tried: judged walk-forward, sealed span opened for one rule alone."""

    train_days: Number = None
    judged_days: Number = None
    sealed_days: Number = None
    judged_start: AwareDatetime | None = None
    sealed_start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    purge_bars: int | None = None
    embargo_bars: int | None = None
    refits: int | None = None
    features: int = 0
    feature_names: tuple[str, ...] = ()
    written: tuple[Written, ...] = ()
    leak_cuts: int = 0
    leaks_found: tuple[str, ...] = ()
    settings: dict[str, Any] = {}


class Usage(_Value):
    """What the run cost. `model` is the language model, or the offline planner."""

    tokens: int = 0
    cost_usd: Number = None
    seconds: Number = None
    model: str = "offline planner"


class StageNote(_Value):
    """What an agent noted at the end of its stage, and who worded it."""

    stage: str
    text: str
    by: str = ""


class Note(_Value):
    """A warning in words, with the code that metrics.json carries."""

    code: str
    text: str


class Column(_Value):
    """A column of a table; the unit decides how its values are written."""

    label: str
    unit: Unit = "text"


class Table(_Value):
    """Raw values in rows; the report writes them by their column's unit."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


class Finding(_Value):
    """Something the data show: a statement as its title, with an optional explanation, table and chart name."""

    title: str
    text: str = ""
    table: Table | None = None
    chart: str | None = None


class Highlight(_Value):
    """A figure of the box at the top, already written, and what it is."""

    figure: str
    meaning: str


class ChartRef(_Value):
    """A drawn chart without its picture."""

    name: str
    title: str
    subtitle: str
    alt: str
    wide: bool


class CoinResult(_Value):
    """One coin of a goal that names several: its own verdict, models and baselines."""

    coin: str
    verdict: Verdict
    models: tuple[ModelResult, ...] = ()
    baselines: tuple[ModelResult, ...] = ()

    @property
    def best(self) -> ModelResult | None:
        """The model this coin's verdict speaks of."""
        return next((m for m in self.models if m.name == self.verdict.best_model), None)


class Result(_Value):
    """A finished run. Times are aware UTC; ratios are fractions; every page is written from this value alone.

    Where a goal names several coins, `by_coin` has them all and `verdict`, `models` and `baselines` are those
    of `coin`, the one the headline speaks of. `findings` come in reading order: of a look at the data the first is
    the answer, of a comparison or an importance study it is the answer beside the verdict.
    """

    run: str
    made_at: AwareDatetime
    goal: str
    kind: Kind
    spec: Spec
    data: Data
    models: tuple[ModelResult, ...] = ()
    baselines: tuple[ModelResult, ...] = ()
    verdict: Verdict | None = None
    validation: Validation | None = None
    study: Study = "forecast"
    findings: tuple[Finding, ...] = ()
    highlights: tuple[Highlight, ...] = ()
    recommendations: tuple[str, ...] = ()
    exploration: dict[str, Any] | None = None
    coin: str = ""
    by_coin: tuple[CoinResult, ...] = ()
    usage: Usage = Usage()
    seed: int | None = None
    versions: dict[str, str] = {}
    stage_notes: tuple[StageNote, ...] = ()
    explanation: str = ""
    warnings: tuple[Note, ...] = ()
    charts: tuple[ChartRef, ...] = ()

    @model_validator(mode="after")
    def _verdict_fits_kind(self) -> "Result":
        if (self.verdict is None) != (self.kind == "eda"):
            raise ValueError("a result has a verdict unless its kind is eda")
        if self.verdict and self.verdict.best_model and self.best is None:
            raise ValueError(f"the verdict names {self.verdict.best_model!r}, which is not among the models")
        if self.kind == "eda" and not self.findings:
            raise ValueError("an eda result needs at least one finding")
        return self

    @property
    def answered(self) -> bool:
        """Whether the first finding answers the goal beside the verdict: a comparison, or what features contribute."""
        return self.verdict is not None and self.study != "forecast" and bool(self.findings)

    @property
    def headline_coin(self) -> str:
        """The coin that verdict and models speak of."""
        return self.coin or (self.spec.coins[0] if self.spec.coins else "")

    @property
    def best(self) -> ModelResult | None:
        """The model the verdict speaks of."""
        wanted = self.verdict.best_model if self.verdict else None
        return next((m for m in self.models if m.name == wanted), None)

    def baseline(self, name: str) -> ModelResult | None:
        """A baseline by its name, whatever its case."""
        return next((b for b in self.baselines if b.name.casefold() == name.casefold()), None)

    def source(self) -> Source:
        """Where the prices come from, as the charts write it."""
        data = self.data
        return Source(
            venue=data.venue or data.series,
            currency=data.currency,
            interval_minutes=data.interval_minutes,
            bars=data.rows,
            start=data.start.astimezone(UTC),
            end=data.end.astimezone(UTC),
            run=self.run,
            simulated=data.simulated,
        )

    def with_charts(self, charts: Mapping[str, Chart]) -> "Result":
        """The same result with the words of its charts, in the given order."""
        refs = tuple(
            ChartRef(name=name, title=c.title, subtitle=c.subtitle, alt=c.alt, wide=c.wide)
            for name, c in charts.items()
        )
        return self.model_copy(update={"charts": refs})

    def age_of_data(self) -> str:
        """How old the newest bar was when the report was made."""
        return numbers.age(self.made_at - self.data.newest)
