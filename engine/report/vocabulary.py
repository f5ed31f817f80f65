"""The words for what is measured: each metric's label, unit and meaning, and the glossary of the report."""

from dataclasses import dataclass
from typing import Final, Literal

from engine.report.result import Kind, Metric, ModelResult, Unit
from engine.science.charts import numbers


@dataclass(frozen=True)
class Measure:
    """How one metric is shown. `digits` counts those after the point, in its unit; `signed` shows a plus."""

    label: str
    unit: Literal["percent", "bp", "number", "rate"]
    digits: int
    meaning: str
    signed: bool = False


MEASURES: Final[dict[str, Measure]] = {
    "balanced_accuracy": Measure(
        "Right",
        "percent",
        1,
        "how often rises and falls are called right, both counted alike; 50 % is a coin",
    ),
    "accuracy": Measure("Accuracy", "percent", 1, "how often the call is right, all bars counted alike"),
    "precision": Measure("Precision", "percent", 1, "of the rises it called, how many came"),
    "recall": Measure("Recall", "percent", 1, "of the rises that came, how many it called"),
    "f1": Measure("F1", "number", 3, "the harmonic mean of precision and recall"),
    "auc": Measure(
        "AUC", "number", 3, "how often a bar that rose was given the higher probability; 0.5 is a coin"
    ),
    "brier": Measure("Brier", "number", 3, "the mean squared error of the probabilities; a coin has 0.250"),
    "p_value": Measure("p", "number", 3, "how often luck does as well, corrected for everything tried"),
    "net_return": Measure("Net return", "percent", 1, "compounded, after costs", signed=True),
    "gross_return": Measure("Before costs", "percent", 1, "compounded, before costs", signed=True),
    "max_drawdown": Measure(
        "Worst fall", "percent", 1, "the deepest fall from a peak, after costs", signed=True
    ),
    "sharpe": Measure("Sharpe", "number", 2, "mean over spread of the net returns, a year", signed=True),
    "deflated_sharpe": Measure(
        "Defl. Sharpe", "number", 2, "the chance that the Sharpe ratio is above what luck gives"
    ),
    "trades_per_day": Measure("Trades a day", "rate", 1, "how often the position changes in a day"),
    "turnover_per_day": Measure("Turnover", "rate", 1, "how much of the position is traded in a day"),
    "break_even_bps": Measure(
        "Break-even",
        "bp",
        1,
        "the cost per side at which it would end at zero; below the real cost, it cannot pay",
    ),
    "skill": Measure(
        "Skill", "percent", 1, "how much smaller the squared error is than the reference's", signed=True
    ),
    "skill_sealed": Measure("Skill, sealed", "percent", 1, "the same on the sealed span", signed=True),
    "correlation": Measure("Correlation", "number", 3, "between forecast and outcome"),
    "r2": Measure("R²", "number", 3, "the share of the outcome's variance that the forecast explains"),
    "hit_rate": Measure(
        "Right side", "percent", 1, "how often the forecast is on the right side of nil, or of the mean"
    ),
    "mae": Measure("Mean error", "number", 4, "the mean absolute error, in the target's own unit"),
    "rmse": Measure("RMS error", "number", 4, "the root of the mean squared error, in the target's own unit"),
    "mae_bps": Measure("Mean error", "bp", 1, "the mean absolute error"),
    "rmse_bps": Measure("RMS error", "bp", 1, "the root of the mean squared error"),
}

TABLE: Final[dict[Kind, tuple[str, ...]]] = {
    "direction": (
        "balanced_accuracy",
        "auc",
        "net_return",
        "max_drawdown",
        "trades_per_day",
        "break_even_bps",
    ),
    "return": ("skill", "skill_sealed", "hit_rate", "correlation", "r2", "net_return", "max_drawdown"),
    "volatility": ("skill", "skill_sealed", "hit_rate", "correlation", "r2"),
    "eda": (),
}

GLOSSARY: Final[tuple[tuple[str, str], ...]] = (
    ("Out of sample", "on bars the model had not seen when it was trained"),
    ("Walk-forward", "train on the past, predict the next stretch, move on, train again; never shuffled"),
    ("Purge", "the bars left out between training and test, so that no label reaches across"),
    ("Sealed span", "the last stretch of the data, opened once, for the chosen rule alone"),
    (
        "Rule",
        "a model, a horizon and how sure it must be: with the middle 60 % left out it holds nothing while its "
        "forecast is among the 60 % nearest to none; every rule tried counts against the result",
    ),
    (
        "p-value",
        "how often luck alone does as well as the best of all rules tried; an edge needs 0.05 or less after "
        "costs, and the sealed span must confirm it",
    ),
    ("Basis point (bp)", "a hundredth of a percent"),
    ("Buy and hold", "buying at the start of the judged span and doing nothing"),
    ("95 % interval", "from a bootstrap of whole blocks of hours, because neighbouring bars are alike"),
)

OF_A_LOOK: Final[tuple[tuple[str, str], ...]] = (
    ("Bar", "the prices of a short stretch of time, five minutes unless said: open, high, low and close"),
    ("Basis point (bp)", "a hundredth of a percent"),
    (
        "Volatility",
        "how far prices move in a stretch of time, whichever way: the root of the mean squared return",
    ),
    ("Deviation", "the standard deviation of the returns"),
    ("Excess kurtosis", "how much more often large moves come than under a normal curve, which has 0"),
    ("Skew", "whether large falls (below 0) or large rises (above 0) are commoner"),
    ("Autocorrelation", "the correlation of returns with those some time before; 0 is no memory"),
    (
        "Variance ratio",
        "the variance over a longer span beside that of as many single bars; a random walk has 1",
    ),
    ("Unit root", "a price with one wanders and returns to no level"),
    ("p-value", "how often chance alone makes as large a difference"),
    ("95 % interval", "from a bootstrap of whole blocks of time, because neighbouring bars are alike"),
)


def write(name: str, value: float | None) -> str:
    """One figure as text, in its metric's unit."""
    measure = MEASURES.get(name)
    if measure is None:
        return numbers.number(value)
    match measure.unit:
        case "percent":
            return numbers.percent(value, digits=measure.digits, sign=measure.signed)
        case "bp":
            return _basis_points(value)
        case "rate":
            return numbers.rate(value)
        case "number":
            return numbers.number(value, measure.digits)


def write_interval(name: str, metric: Metric | None) -> str:
    """A figure's interval without unit, "52.5–56.0"; empty where it is not known."""
    if metric is None or metric.low is None or metric.high is None:
        return ""
    measure = MEASURES.get(name)
    scale, digits = (
        (100.0, measure.digits)
        if measure and measure.unit == "percent"
        else (1.0, measure.digits if measure else 3)
    )
    low, high = numbers.signed(metric.low * scale, digits), numbers.signed(metric.high * scale, digits)
    return f"{low} to {high}" if numbers.MINUS in low + high else f"{low}–{high}"


def _basis_points(value: float | None) -> str:
    """In a column every value has its decimal, or they do not line up."""
    return numbers.MISSING if value is None else f"{numbers.signed(value, 1)}{numbers.THIN}bp"


def of_kind(model: ModelResult, kind: Kind) -> ModelResult:
    """A model with its errors in the unit people use: those of a return in basis points instead of fractions."""
    metrics = {
        name_of_kind(name, kind): _times(metric, 10_000) if name_of_kind(name, kind) != name else metric
        for name, metric in model.metrics.items()
    }
    return model.model_copy(update={"metrics": metrics})


def name_of_kind(metric: str, kind: Kind) -> str:
    """The name under which a metric is shown for a kind of question."""
    return f"{metric}_bps" if kind == "return" and metric in ("mae", "rmse") else metric


def _times(metric: Metric, factor: float) -> Metric:
    values = (metric.value, metric.low, metric.high)
    value, low, high = (None if v is None else v * factor for v in values)
    return Metric(value=value, low=low, high=high)


def label(name: str) -> str:
    """A metric's column title."""
    measure = MEASURES.get(name)
    return measure.label if measure else name.replace("_", " ").capitalize()


def write_cell(value: str | bool | float | None, unit: Unit) -> str:
    """A table cell by its column's unit."""
    if value is None:
        return numbers.MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    match unit:
        case "percent":
            return numbers.percent(value, sign=False)
        case "change":
            return numbers.percent(value)
        case "bp":
            return _basis_points(value)
        case "count":
            return numbers.count(value)
        case "price":
            return numbers.price(value)
        case "points":
            return numbers.signed(value, 1)
        case _:
            return numbers.number(value)
