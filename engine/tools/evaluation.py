"""The model evaluator's tools: judge forecasts beside simple rules, compare everything tried, tune if it can pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import model_files
from engine.science import candidates, judge, ledger, validation, walkforward
from engine.science import estimators as models
from engine.science.candidates import Candidate
from engine.science.estimators import ModelSpec
from engine.science.judge import Judgement
from engine.science.study import Study
from engine.tools import studies
from engine.tools.coding import execute_python
from engine.tools.training import cross_validate_model, keep_model
from engine.work import Work
from storage import trials

# A signal this near to showing may gain from better settings; a hopeless one cannot, and each try costs power.
PROMISING = 0.25

__all__ = [
    "compare_models",
    "cross_validate_model",
    "evaluate_model",
    "execute_python",
    "tune_hyperparameters",
]


@tool
def evaluate_model(forecasts: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Measure one model's out-of-sample forecasts, with 95 % block-bootstrap intervals.

    Args:
        forecasts: a forecast handle from cross_validate_model.

    Returns the metrics, each as [value, low, high]. Compare with the simple rules that compare_models adds.
    """
    work = runtime.context
    study, walked = read_walk(work, forecasts)
    found = judge.forecast_metrics(study, walked, work.assignment.seed)
    return {
        "model": walked.spec.label,
        "metrics": {name: [e.value, e.low, e.high] for name, e in found.items()},
    }


@tool
def compare_models(forecasts: list[str], runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Judge all candidates of this run together, after costs, beside majority, persistence and buy and hold.

    Everything tried counts, earlier runs on the same prices too. The sealed last span is opened for the chosen rule.

    Args:
        forecasts: every forecast handle of this run.

    Returns the handle `judgement`, the verdict per coin, and whether tuning could pay.
    """
    work = runtime.context
    judged = conclude(work, forecasts)
    handle = work.keep(
        "judgement",
        repr(sorted(forecasts)).encode(),
        media_type="text/plain",
        summary="; ".join(f"{j.study.coin}: {j.verdict.decision}" for j in judged.judgements),
        details={"forecasts": forecasts, "openings": judged.openings},
    )
    best = min(judged.judgements, key=lambda j: j.verdict.evidence.p.deciding).verdict
    p = best.evidence.p
    signal = p.signal if p.signal is not None else p.deciding
    tune = best.decision == "no_edge" and best.finding == "nothing_found" and signal <= PROMISING
    return {
        "judgement": handle,
        "verdicts": {j.study.coin: str(j.verdict.decision) for j in judged.judgements},
        "summary": "; ".join(f"{j.study.coin.upper()}: {j.verdict.reason}" for j in judged.judgements),
        "worth_tuning": bool(tune),
        "why": "a pattern is near to showing" if tune else "other settings would not change the answer",
    }


@tool
def tune_hyperparameters(forecasts: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Search a small grid for one model inside its training span, on purged splits; nothing later is seen.

    Args:
        forecasts: a forecast handle; its model type, coin and horizon are tuned.

    Returns the handle `model_id` of the best settings trained on the training span ("" when the defaults are best),
    the settings and how many were tried. Walk it forward with cross_validate_model; the try then counts.
    """
    work = runtime.context
    study, walked = read_walk(work, forecasts)
    _, record = work.find(forecasts, "forecasts")
    task, bars = walked.task, walked.horizon_bars
    grid = models.find(walked.spec.name, task).grid
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())] or [{}]
    plan = study.plans[bars]
    folds = list(validation.inner_folds(plan.folds[0], bars))
    specs = [walked.spec, *(ModelSpec.of(walked.spec.name, task, chosen) for chosen in settings)]
    scored: list[tuple[float, ModelSpec]] = []
    for number, spec in enumerate(dict.fromkeys(specs)):
        label = f"{spec.name} {study.coin}"
        work.progress("hyperparameter_tuning", label, number + 1, len(specs), "setting")
        losses = [_loss(work, study, spec, fold, bars) for fold in folds]
        scored.append((float(np.mean(losses)), spec))
    best = min(scored, key=lambda pair: pair[0])[1]
    if best == walked.spec:
        return {"model_id": "", "settings": {}, "tried": len(scored)}
    fitted = walkforward.fit(
        study.features, study.targets[bars], best, plan.folds[0], task=task,
        seed=work.assignment.seed, threads=work.settings.omp_num_threads,
    )  # fmt: skip
    handle = keep_model(
        work, fitted, record.details["features"], study.coin, int(record.details["horizon_minutes"])
    )
    return {"model_id": handle, "settings": dict(best.params), "tried": len(scored)}


@dataclass(frozen=True)
class Judged:
    """The judgement of every coin of the goal, and what it took from and left in the ledger."""

    judgements: tuple[Judgement, ...]
    openings: dict[str, int]
    earlier: tuple[ledger.Trial, ...]
    candidates: tuple[Candidate, ...]


def conclude(work: Work, forecasts: Sequence[str]) -> Judged:
    """Judge forecasts; the same forecasts give the same judgement, whenever it is asked for in a run."""
    return work.once(("judged", *forecasts), lambda: _conclude(work, forecasts))


def _conclude(work: Work, forecasts: Sequence[str]) -> Judged:
    seed = work.assignment.seed
    by_coin: dict[str, tuple[Study, list[Candidate]]] = {}
    for handle in forecasts:
        study, walked = read_walk(work, handle)
        known, own = by_coin.setdefault(study.coin, (study, []))
        own += candidates.evaluate(known, walked, seed)
    some = next(iter(by_coin.values()))[0]
    found = [candidate for _, own in by_coin.values() for candidate in own]
    start = min(candidate.trial.start for candidate in found)
    end = max(candidate.trial.end for candidate in found)
    with work.database.begin() as db:
        position = trials.position_before(db, work.lease, work.assignment.workspace)
        rows = trials.overlapping(
            db, work.assignment.workspace, series=some.series, coins=list(by_coin),
            target=some.question.target, start=start, end=end, up_to=position,
        )  # fmt: skip
    earlier = tuple(ledger.from_row(row) for row in rows)
    family = judge.compare([study for study, _ in by_coin.values()], found, earlier)
    judgements, openings = [], {}
    for coin, (study, own) in by_coin.items():
        work.check()
        judgement = judge.conclude(study, family, own, seed=seed, threads=work.settings.omp_num_threads)
        sealed = judgement.verdict.evidence.sealed
        with work.database.begin() as db:
            openings[coin] = trials.open_sealed(
                db, work.lease, work.assignment.workspace, series=study.series, coin=coin,
                target=study.question.target, start=sealed.start, end=sealed.end,
            )  # fmt: skip
        judgements.append(judgement)
    with work.database.begin() as db:
        trials.record(db, work.lease, work.assignment.workspace, [ledger.to_row(c.trial) for c in found])
    return Judged(tuple(judgements), openings, earlier, tuple(found))


def read_walk(work: Work, forecasts: str) -> tuple[Study, walkforward.OutOfSample]:
    """The study and the predictions behind a forecast handle. Raises ToolError."""
    content, record = work.find(forecasts, "forecasts")
    walked = work.once(("walk", forecasts), lambda: model_files.load_walk(content))
    return studies.of_features(work, record.details["features"], record.details["coin"]), walked


def _loss(work: Work, study: Study, spec: ModelSpec, fold: validation.Fold, bars: int) -> float:
    fitted = walkforward.fit(
        study.features, study.targets[bars], spec, fold, task=study.question.task,
        seed=work.assignment.seed, threads=work.settings.omp_num_threads,
    )  # fmt: skip
    part = slice(fold.test_start, fold.test_end)
    actual = study.targets[bars].to_numpy(np.float64)[part]
    return float(np.nanmean((fitted.predict(study.features.iloc[part]) - actual) ** 2))
