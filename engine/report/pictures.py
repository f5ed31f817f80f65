"""The charts of a run, drawn from its judgements and prices: plain arrays are cut here, the figures are the judge's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from engine.report import judged
from engine.science import bars, charts, indicators
from engine.science.bars import Floats
from engine.science.candidates import duration
from engine.science.charts import Chart, Panel, Source
from engine.science.indicators import Scale
from engine.science.judge import Judgement

Period = Literal["month", "week", "day"]
BINS: Final = 8


def of_judgement(
    source: Source, judgement: Judgement, *, marks: pd.DataFrame | None = None, lone: bool = False
) -> dict[str, Chart]:
    """Draw everything one coin's judgement has to show, in reading order; `marks` are the price chart's indicators.

    `lone`: no other narrow chart will follow, so the rhythm takes a row of its own.
    """
    model, ahead = (
        judgement.best.name,
        duration(judgement.chosen.horizon_minutes).replace(" ", "\u202f"),
    )
    drawn: list[Chart] = []
    account = judged.equity(judgement)
    if judgement.study.question.task == "regression":
        drawn.append(charts.draw_skill(source, horizon=ahead, **_skill(judgement)))
    if account is not None:
        drawn.append(charts.draw_equity(source, model=model, horizon=ahead, **account))
        drawn.append(
            charts.draw_periods(source, model=model, cost_bps=judgement.study.cost.bps, **periods(account))
        )
    if judgement.study.question.task == "classification":
        drawn.append(charts.draw_calibration(source, model=model, horizon=ahead, **_calibration(judgement)))
    else:
        drawn.append(charts.draw_residuals(source, model=model, horizon=ahead, **_residuals(judgement)))
    coin, prices = judgement.study.coin, judgement.study.prices
    rhythm = draw_rhythm(source, coin, prices, wide=lone)
    if rhythm is not None:
        drawn.append(rhythm)
    drawn.append(draw_path(source, coin, prices, marks))
    drawn.append(charts.draw_target(source, **_target(judgement, ahead)))
    if account is not None:  # the account comes first wherever there is one
        drawn.sort(key=lambda chart: chart.name != "equity")
    return {chart.name: chart for chart in drawn}


def draw_rhythm(source: Source, coin: str, prices: pd.DataFrame, *, wide: bool = False) -> Chart | None:
    """Draw volatility by weekday and hour; None where bars are too long for it."""
    if bars.bar_minutes(prices) >= 60:
        return None
    return charts.draw_seasonality(source, coin=coin, volatility_bps=seasonality(prices), wide=wide)


def draw_path(source: Source, coin: str, prices: pd.DataFrame, marks: pd.DataFrame | None) -> Chart:
    """Draw the price and, on its last day, the indicators."""
    shown = pd.DataFrame(index=prices.index) if marks is None else marks.reindex(prices.index)
    return charts.draw_price(
        source, coin=coin, times=prices.index, close=prices["close"], **_indicators(shown)
    )


def periods(account: Mapping[str, Any]) -> dict[str, Any]:
    """Cut an account (`judged.equity`) into days, weeks or months, each with its compounded return."""
    times = pd.DatetimeIndex(account["times"])
    length = (times[-1] - times[0]).days
    every: Period = "day" if length < 20 else "week" if length < 150 else "month"
    inside = (times - pd.Timedelta(microseconds=1)).tz_localize(
        None
    )  # a value reached at midnight is the old day's
    starts = inside.to_period({"day": "D", "week": "W-SUN", "month": "M"}[every]).start_time
    growth = pd.DataFrame({name: account[name] for name in ("gross", "net", "hold")}, index=starts)
    last = growth.groupby(level=0).last()
    returns = last / last.shift(1, fill_value=1.0) - 1.0
    return {
        "every": every,
        "starts": pd.DatetimeIndex(returns.index),
        "sealed_start": account["sealed_start"],
        **{name: returns[name].to_numpy() for name in ("gross", "net", "hold")},
    }


def _calibration(judgement: Judgement) -> dict[str, Any]:
    best = next(model for model in judgement.models if model.is_chosen)
    bins = _bins(judgement)
    return {
        "said": bins.said,
        "came": bins.came,
        "low": bins.low,
        "high": bins.high,
        "edges": bins.edges,
        "counts": bins.counts,
        "brier": best.metrics["brier"].value,
        "reference_brier": 0.25,
    }


def _residuals(judgement: Judgement) -> dict[str, Any]:
    bins = _bins(judgement)
    return {
        "forecast_bps": bins.said,
        "actual_bps": bins.came,
        "low_bps": bins.low,
        "high_bps": bins.high,
        "edges_bps": bins.edges,
        "counts": bins.counts,
        "unit_name": "volatility per bar" if judgement.study.question.target == "volatility" else "return",
    }


@dataclass(frozen=True)
class _Bins:
    """Equally full bins of what was said, with the mean of what came, and how often what was said."""

    said: list[float]
    came: list[float]
    low: list[float]
    high: list[float]
    edges: Floats
    counts: Floats


def _bins(judgement: Judgement) -> _Bins:
    """Bins of equal fill: a bin of equal width far out would rest on a handful of bars."""
    said, came, index = _forecasts(judgement)
    cuts = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)))
    place = np.clip(np.searchsorted(cuts, said, side="right") - 1, 0, max(len(cuts) - 2, 0))
    rows = [
        (float(said[place == b].mean()), *_clustered(judgement, came[place == b], index[place == b]))
        for b in np.unique(place)
    ]
    means = [row[0] for row in rows]
    beyond = 0.1 * (max(means) - min(means)) or 0.01 * abs(means[0]) or 1e-6
    counts, edges = np.histogram(said, bins=40, range=(min(means) - beyond, max(means) + beyond))
    return _Bins(
        means,
        [r[1] for r in rows],
        [r[2] for r in rows],
        [r[3] for r in rows],
        edges,
        counts.astype(np.float64),
    )


def _skill(judgement: Judgement) -> dict[str, Any]:
    """Skill against the hardest reference: the models as in the table, the references by their own errors."""
    reference = judged.verdict(judgement).reference or "the reference"
    rows = [(m.name, m.metrics["skill"], m.value("skill_sealed")) for m in judged.models(judgement)]
    beside = {b.name: b.value("skill") for b in judged.baselines(judgement) if b.value("skill") is not None}
    names = [name for name, *_ in rows] + list(beside)
    other = [_number(skill) for skill in beside.values()]
    unknown = [np.nan] * len(other)
    return {
        "names": names,
        "skill": [_number(metric.value) for _, metric, _ in rows] + other,
        "low": [_number(metric.low) for _, metric, _ in rows] + unknown,
        "high": [_number(metric.high) for _, metric, _ in rows] + unknown,
        "sealed": [_number(sealed) for *_, sealed in rows] + unknown,
        "reference": reference,
        "decision": judgement.verdict.decision.value,
    }


def _target(judgement: Judgement, ahead: str) -> dict[str, Any]:
    """The target week by week: the share of rises, or the mean volatility of a bar in bp."""
    study = judgement.study
    target = study.targets[judgement.chosen.horizon_bars].dropna()
    is_size = study.question.target == "volatility"
    values = (
        np.exp(target) * 10_000
        if is_size
        else (target > (0.5 if study.question.target == "direction" else 0.0))
    )
    weekly = values.astype(np.float64)
    index = pd.DatetimeIndex(weekly.index)
    weeks = pd.DatetimeIndex(index.tz_localize(None).to_period("W-SUN").start_time)
    rows = []
    for start in weeks.unique():
        part = weekly[weeks == start]
        rows.append(
            (start, *_clustered(judgement, np.asarray(part, dtype=np.float64), pd.DatetimeIndex(part.index)))
        )
    judged_start, sealed_start = study.span(study.judged)
    first = index[0].to_pydatetime()
    end = study.span(study.sealed)[1]
    return {
        "label": f"volatility of a bar within {ahead}" if is_size else f"share of rises within {ahead}",
        "starts": pd.DatetimeIndex([row[0] for row in rows]),
        "values": [row[1] for row in rows],
        "low": [row[2] for row in rows],
        "high": [row[3] for row in rows],
        "reference": None if is_size else 0.5,
        "unit": "bp" if is_size else "percent",
        "spans": [
            ("train", first, judged_start),
            ("test", judged_start, sealed_start),
            ("sealed", sealed_start, end),
        ],
    }


def seasonality(prices: pd.DataFrame) -> Floats:
    """Volatility of a bar (root mean square, bp) by weekday and UTC hour: the median over the weeks."""
    square = pd.Series((bars.returns(prices) * 10_000) ** 2, index=prices.index)
    index = pd.DatetimeIndex(prices.index)
    week = index.tz_localize(None).to_period("W-SUN").start_time
    hourly = square.groupby([week, index.day_of_week, index.hour]).mean() ** 0.5
    table = hourly.groupby(level=[1, 2]).median().unstack().reindex(index=range(7), columns=range(24))
    return np.asarray(table, dtype=np.float64)


def _indicators(table: pd.DataFrame) -> dict[str, Any]:
    """Indicators by how they are drawn: prices as lines (two) or a band on the price, the others below."""
    by_name: dict[str, dict[str, pd.Series]] = {}
    for column in map(str, table.columns):
        name, _, part = column.rpartition("_") if column.rpartition("_")[2].islower() else (column, "", "")
        by_name.setdefault(name, {})[part] = table[column]
    lines: dict[str, pd.Series] = {}
    bands: dict[str, tuple[pd.Series, pd.Series]] = {}
    panels: list[Panel] = []
    for name, parts in by_name.items():
        entry, words = indicators.choose(name).indicator, name.replace("_", " ")
        if entry.scales.get("high") is Scale.PRICE:
            bands[words.replace("BBANDS", "Bollinger")] = (parts["low"], parts["high"])
        elif entry.scales.get("") is Scale.PRICE:
            lines[words] = parts[""]
        else:
            drawn = [values for part, values in parts.items() if part != "diff"]
            panels.append(Panel(words, drawn, parts.get("diff"), entry.marks))
    first = dict(list(bands.items())[:1])
    return {"lines": dict(list(lines.items())[:2]), "bands": first, "panels": panels}


def _forecasts(judgement: Judgement) -> tuple[Floats, Floats, pd.DatetimeIndex]:
    """What the chosen model said and what came on the judged span: chances and 0 or 1, else basis points."""
    study = judgement.study
    part = study.judged
    said = judgement.chosen.out_of_sample.predictions[part]
    came = study.targets[judgement.chosen.horizon_bars].to_numpy(np.float64)[part]
    known = np.isfinite(said) & np.isfinite(came)
    said, came, index = said[known], came[known], study.times(part)[known]
    if study.question.target == "volatility":
        return np.exp(said) * 10_000, np.exp(came) * 10_000, index
    return (
        (said, came, index) if study.question.target == "direction" else (said * 10_000, came * 10_000, index)
    )


def _clustered(judgement: Judgement, values: Floats, index: pd.DatetimeIndex) -> tuple[float, float, float]:
    """A mean with its 95 % interval, neighbouring bars counted as one block (cluster-robust)."""
    mean = float(values.mean())
    half = judged.Z95 * judged.standard_error(values, index, judgement.study.test_minutes)
    return mean, mean - half, mean + half


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
