"""The figures people speak of, as the tools return them: few, named for what they are, rounded to what can be told apart.

Shares are fractions, costs basis points a side, [value, low, high] a figure with its 95 % interval.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.report import judged as judgements
from engine.report.result import Metric, ModelResult
from engine.science.eda import Clock, Exploration, Explored, memory
from engine.science.judge import Judgement
from engine.science.metrics import Estimate

# Metrics of a model that its sentences use, by the name under which the tools return them.
MODEL = {
    "balanced_accuracy": "balanced_accuracy",
    "auc": "auc",
    "skill": "skill",
    "skill_sealed": "skill_on_sealed_span",
    "r2": "r2",
    "net_return": "return_after_costs",
    "gross_return": "return_before_costs",
    "max_drawdown": "max_drawdown",
    "sharpe": "sharpe",
    "trades_per_day": "trades_per_day",
    "break_even_bps": "break_even_cost_bps_a_side",
}
BASELINE = ("balanced_accuracy", "skill", "r2", "net_return")


def of_judgement(judgement: Judgement) -> dict[str, Any]:
    """What the verdict on one coin rests on, for the judged span unless a name says otherwise."""
    said = judgements.verdict(judgement)
    spans = judgements.validation(judgement)
    models = {model.name: model for model in judgements.models(judgement)}
    best = models[said.best_model or ""]
    found: dict[str, Any] = {
        "decision": said.decision,
        "best_rule": judgement.chosen.name,
        "p_after_costs": judgement.verdict.evidence.p.net,
        "p_before_costs": said.p_signal,
        "p_entered_a_bar_late": said.p_late,
        "p_against_simple_forecasts": judgement.verdict.evidence.p.skill,
        "best": _model(best, MODEL),
        "other_models": {
            name: _model(model, ("balanced_accuracy", "auc", "skill", "net_return"))
            for name, model in models.items()
            if model is not best
        },
        "beside": {model.name: _model(model, BASELINE) for model in judgements.baselines(judgement)},
        "hardest_to_beat": said.reference,
        "cost_bps_a_side": judgement.study.cost.bps if judgement.account is not None else None,
        "return_on_sealed_span": said.sealed_return,
        "judged_days": spans.judged_days,
        "judged_bars": judgement.study.judged_bars,
        "sealed_days": spans.sealed_days,
        "folds": len(judgement.study.plans[judgement.chosen.horizon_bars].folds),
        "parts": said.folds,
        "parts_positive": said.folds_positive,
        "rules_tried": said.candidates,
        "rules_tried_by_earlier_runs": said.candidates_counted - said.candidates,
        "least_correlation_shown": said.least_edge_shown,
        "least_correlation_paying": said.least_edge_paying,
    }
    return dict(_short(found))


def of_look(found: Exploration) -> dict[str, Any]:
    """The main figures of a look at the data: a coin at a time, and how coins move together."""
    by_size = sorted(found.coins, key=lambda coin: coin.distribution.deviation_bps)
    told: dict[str, Any] = {"coins": {coin.coin: _coin(coin) for coin in found.coins}}
    if len(by_size) > 1:
        calm, wild = by_size[0], by_size[-1]
        ratio = wild.distribution.deviation_bps / max(calm.distribution.deviation_bps, 1e-9)
        told["wildest"] = {"coin": wild.coin, "moves_times_as_much": ratio, "as": calm.coin}
    if found.together is not None:
        both = found.together
        told["correlations"] = {
            f"{a}-{b}": [table[i][k] for table in (both.matrix, both.low, both.high)]
            for i, a in enumerate(both.coins)
            for k, b in enumerate(both.coins)
            if i < k
        }
        told["correlation_with_next_bar"] = {
            f"{one.first} before {one.then}": one.value for one in both.leads if one.is_clear
        }
    return dict(_short(told))


def estimate(found: Estimate) -> list[float]:
    """A figure with its interval."""
    return [float(f"{value:.5g}") for value in (found.value, found.low, found.high)]


def _model(model: ModelResult, names: Mapping[str, str] | tuple[str, ...]) -> dict[str, Any]:
    named = names if isinstance(names, Mapping) else {name: MODEL[name] for name in names}
    return {said: _metric(model.metrics[name]) for name, said in named.items() if name in model.metrics}


def _metric(metric: Metric) -> float | list[float | None] | None:
    return metric.value if metric.low is None else [metric.value, metric.low, metric.high]


def _coin(coin: Explored) -> dict[str, Any]:
    spread, falls, regimes = coin.distribution, coin.falls, coin.regimes
    told: dict[str, Any] = {
        "days": (coin.end - coin.start).total_seconds() / 86_400,
        "change": coin.change,
        "lowest_close": coin.lowest,
        "highest_close": coin.highest,
        "deepest_fall": falls[0].depth if falls else 0.0,
        "deepest_fall_when": [_moment(at) for at in (falls[0].peak, falls[0].trough, falls[0].recovered)]
        if falls
        else [],
        "volatility_bps_a_bar": spread.deviation_bps,
        "rare_moves_times_normal": spread.far_times,
        "moves_of_four_deviations": {
            "bars": spread.far,
            "of_bars": spread.bars,
            "size_bps": 4 * spread.deviation_bps,
        },
        "excess_kurtosis": spread.excess_kurtosis,
        "skew": spread.skew,
        "moves": {
            f"of_a_{one.length}": {
                "worst": one.fall,
                "worst_ended": _moment(one.fall_at),
                "best": one.rise,
                "best_ended": _moment(one.rise_at),
            }
            for one in coin.extremes
        },
        "clocks": {f"{c.what}_by_{c.unit}": _clock(c) for c in coin.clocks},
        "autocorrelation_of_returns": coin.memory.returns[0].value,
        "autocorrelation_by_chance_up_to": coin.memory.returns[0].band,
        "autocorrelation_of_size": coin.memory.sizes[0].value,
        "autocorrelation_of_size_after_minutes": coin.memory.sizes[0].minutes,
        "stationary": {root.series: root.p_below is not None for root in coin.memory.roots},
    }
    lasting = memory.persistence(coin.memory)
    if lasting is not None:
        told["size_remembered_hours"] = lasting.minutes / 60
    if regimes is not None:
        calm, usual, wild = regimes.regimes
        told["volatility_a_day"] = {one.name: one.volatility for one in (calm, usual, wild)}
        told["wild_moves_times_calm"] = wild.volatility / max(calm.volatility, 1e-9)
        follows = regimes.wild_follows_wild
        told["wild_day_follows_wild_day"] = [follows.value, follows.low, follows.high]
    return told


def _clock(clock: Clock) -> dict[str, Any]:
    """When a measure is highest and lowest: in basis points a bar, a volume as a share."""
    unit = "" if clock.what == "volume" else "_bps"
    high, low = clock.values[clock.top], clock.values[clock.bottom]
    return {
        f"highest{unit}": [clock.labels[clock.top], high.value],
        f"lowest{unit}": [clock.labels[clock.bottom], low.value],
        "differs_beyond_chance": clock.is_real,
        "p_that_chance_does_as_much": clock.p_value,
    }


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "not made good"


def _short(value: Any) -> Any:
    """Without what is not known, and with no more digits than tell anything."""
    match value:
        case float():
            return float(f"{value:.5g}" if abs(value) < 1_000 else f"{value:.7g}")
        case dict():
            return {key: _short(inner) for key, inner in value.items() if inner not in (None, {}, [])}
        case list() | tuple():
            return [_short(inner) for inner in value]
        case _:
            return value
