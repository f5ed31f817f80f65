"""From a judgement to the report's values: names people read, figures as they are, nothing computed twice."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from engine.report.result import CoinResult, Metric, ModelResult, Validation, Verdict
from engine.science import blocks
from engine.science import verdict as verdicts
from engine.science.bars import Floats
from engine.science.baselines import Baseline
from engine.science.judge import Judgement
from engine.science.judge import ModelResult as JudgedModel
from engine.science.metrics import Estimate

BASELINES: Final[Mapping[str, str]] = {
    "majority": "Majority class",
    "persistence": "Persistence",
    "buy_and_hold": "Buy and hold",
    "random": "Random timing",
    "placebo": "Placebo",
    "no_change": "No change",
    "mean": "Mean",
    "ewma": "Moving average",
}
Z95: Final = 1.96  # half a 95 % interval, in standard errors
REFERENCES: Final[Mapping[str, str]] = {
    "persistence": "persistence",
    "no_change": "no change",
    "mean": "the mean",
    "ewma": "the moving average",
}


def coin_result(
    judgement: Judgement, *, sealed_openings: int = 1, ledger_position: int | None = None
) -> CoinResult:
    """One coin's verdict, models and baselines for the report. `sealed_openings` counts those of the goal so far."""
    return CoinResult(
        coin=judgement.study.coin,
        verdict=verdict(judgement, sealed_openings=sealed_openings, ledger_position=ledger_position),
        models=models(judgement),
        baselines=baselines(judgement),
    )


def headline(judgements: Sequence[Judgement]) -> Judgement:
    """The judgement that speaks for a goal of several coins."""
    chosen = verdicts.together([judgement.verdict for judgement in judgements])
    return next(judgement for judgement in judgements if judgement.verdict is chosen)


def verdict(judgement: Judgement, *, sealed_openings: int = 1, ledger_position: int | None = None) -> Verdict:
    """The verdict with everything it rests on."""
    found = judgement.verdict
    evidence = found.evidence
    return Verdict(
        decision=found.decision.value,
        reason=found.reason,
        reason_code=found.finding.value,
        p_value=found.p_value,
        p_signal=evidence.p.signal,
        p_late=evidence.p.late,
        best_model=judgement.best.name,
        candidates=found.tried,
        candidates_counted=found.tried + found.tried_before,
        ledger_position=ledger_position,
        folds=evidence.folds,
        folds_positive=evidence.folds_positive,
        sealed_return=evidence.sealed.return_after_costs,
        sealed_openings=sealed_openings,
        least_edge_shown=evidence.least_detectable,
        least_edge_paying=evidence.least_paying,
        reference=REFERENCES.get(_hardest(judgement) or ""),
    )


def models(judgement: Judgement) -> tuple[ModelResult, ...]:
    """The models, each by its best rule at the horizon of the verdict."""
    return tuple(_model(judgement, model) for model in judgement.models)


def baselines(judgement: Judgement) -> tuple[ModelResult, ...]:
    """What the models stand beside on the same bars."""
    return tuple(_baseline(judgement, baseline) for baseline in judgement.baselines)


def validation(judgement: Judgement, *, leak_cuts: int = 0, leaks_found: Sequence[str] = ()) -> Validation:
    """How the coin's bars were cut and what the models saw."""
    study = judgement.study
    plan = study.plans[judgement.chosen.horizon_bars]
    judged_start, sealed_start = study.span(study.judged)
    _, end = study.span(study.sealed)
    per_day = 1_440 / study.bar_minutes
    return Validation(
        train_days=(plan.judged.start - plan.first) / per_day,
        judged_days=study.judged_bars / per_day,
        sealed_days=(study.sealed.stop - study.sealed.start) / per_day,
        judged_start=judged_start,
        sealed_start=sealed_start,
        end=end,
        purge_bars=plan.horizon_bars,
        embargo_bars=plan.embargo_bars,
        refits=len(plan.folds),
        features=study.features.shape[1],
        leak_cuts=leak_cuts,
        leaks_found=tuple(leaks_found),
        settings={"Rule": judgement.chosen.name}
        | ({"Costs": study.cost.note} if judgement.account is not None else {}),
    )


def equity(judgement: Judgement) -> dict[str, Any] | None:
    """What `draw_equity` needs of the account: judged span, then sealed span compounded on; None for a volatility."""
    if judgement.equity is None:
        return None
    parts = [judgement.equity]
    if judgement.sealed_equity is not None:
        parts.append(judgement.sealed_equity * judgement.equity.iloc[-1])
    joined = pd.concat(parts)
    return {
        "times": pd.DatetimeIndex(joined.index),
        "net": joined["after_costs"].to_numpy(),
        "gross": joined["before_costs"].to_numpy(),
        "hold": joined["buy_and_hold"].to_numpy(),
        "sealed_start": judgement.equity.index[-1].to_pydatetime() if len(parts) > 1 else None,
        "decision": judgement.verdict.decision.value,
        "finding": judgement.verdict.finding.value,
        "changes_per_day": _per_day(judgement, judgement.account.trades) if judgement.account else None,
        "cost_bps": judgement.study.cost.bps,
    }


def standard_error(values: Floats, index: pd.DatetimeIndex, minutes: int) -> float:
    """The standard error of a mean whose values are alike within blocks of so many minutes."""
    block = np.unique(blocks.numbers(index, minutes), return_inverse=True)[1]
    sums = np.bincount(block, weights=values - values.mean())
    return float(np.sqrt((sums**2).sum()) / len(values))


def _model(judgement: Judgement, model: JudgedModel) -> ModelResult:
    figures = {name: _metric(estimate) for name, estimate in model.metrics.items()}
    figures["p_value"] = Metric(value=model.p_value)
    if "rmse" in figures:
        figures["skill"] = _skill(judgement, model)
        if model.is_chosen:
            figures["skill_sealed"] = Metric(value=judgement.verdict.evidence.sealed.skill)
    if model.account is not None:
        account = model.account
        figures |= {
            "net_return": Metric(value=account.return_after_costs),
            "gross_return": Metric(value=account.return_before_costs),
            "max_drawdown": Metric(value=account.max_drawdown),
            "trades_per_day": Metric(value=_per_day(judgement, account.trades)),
            "turnover_per_day": Metric(value=account.turnover_per_day),
            "break_even_bps": Metric(value=account.break_even_cost_bps),
            "sharpe": Metric(value=account.sharpe),
        }
    if model.is_chosen and judgement.deflated_sharpe is not None:
        figures["deflated_sharpe"] = Metric(value=judgement.deflated_sharpe)
    return ModelResult(name=model.name, metrics=figures, folds=model.folds)


def _baseline(judgement: Judgement, baseline: Baseline) -> ModelResult:
    figures = {name: _metric(estimate) for name, estimate in baseline.metrics.items()}
    errors = _reference_errors(judgement)
    if baseline.name in errors and min(errors.values()) > 0:
        figures["skill"] = Metric(value=1.0 - (errors[baseline.name] / min(errors.values())) ** 2)
    if baseline.return_after_costs is not None:
        figures["net_return"] = _metric(baseline.return_after_costs)
    if baseline.name == "buy_and_hold" and judgement.equity is not None:
        figures["max_drawdown"] = Metric(value=_deepest_fall(judgement.equity["buy_and_hold"]))
    return ModelResult(name=BASELINES.get(baseline.name, baseline.name), metrics=figures)


def _metric(estimate: Estimate) -> Metric:
    if estimate.low == estimate.high:  # known exactly, no interval to show
        return Metric(value=estimate.value)
    return Metric(value=estimate.value, low=estimate.low, high=estimate.high)


def _per_day(judgement: Judgement, amount: float) -> float:
    return amount / (judgement.study.judged_bars * judgement.study.bar_minutes / 1_440)


def _skill(judgement: Judgement, model: JudgedModel) -> Metric:
    """1 - squared error of the model / that of the best reference, with its interval.

    The interval is that of the mean gain in squared error, in blocks, over the reference's error.
    """
    hardest = _hardest(judgement)
    least = next((b.metrics["rmse"].value for b in judgement.baselines if b.name == hardest), 0.0)
    if least <= 0:
        return Metric(value=None)
    value = 1.0 - (model.metrics["rmse"].value / least) ** 2
    gains = model.tests.get(f"against_{hardest}")
    if gains is None:
        return Metric(value=value)
    study = judgement.study
    half = Z95 * standard_error(gains, study.times(study.judged), study.test_minutes) / least**2
    return Metric(value=value, low=value - half, high=value + half)


def _hardest(judgement: Judgement) -> str | None:
    """The reference with the smallest error; None where nothing is forecast in size. A placebo is none: it has other prices."""
    errors = _reference_errors(judgement)
    return min(errors, key=lambda name: errors[name]) if errors else None


def _reference_errors(judgement: Judgement) -> dict[str, float]:
    return {
        b.name: b.metrics["rmse"].value
        for b in judgement.baselines
        if "rmse" in b.metrics and b.name in REFERENCES
    }


def _deepest_fall(values: pd.Series) -> float:
    growth = values.to_numpy(np.float64)
    return float((growth / np.maximum(np.maximum.accumulate(growth), 1.0) - 1.0).min())
