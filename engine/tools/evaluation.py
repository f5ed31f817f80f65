"""The model evaluator's tools: judge forecasts beside simple rules, compare everything tried, tune if it can pay."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import model_files
from engine.errors import ToolError
from engine.science import candidates, importance, judge, ledger, validation, verdict, walkforward
from engine.science import estimators as models
from engine.science.candidates import Candidate
from engine.science.estimators import ModelSpec
from engine.science.judge import Judgement
from engine.science.study import Study
from engine.speech import Said, said
from engine.tools import figures, studies
from engine.tools.coding import execute_python
from engine.tools.training import LONGEST_SEARCH_SECONDS, cross_validate_model, keep_model
from engine.work import Work
from storage import trials

__all__ = [
    "compare_models",
    "cross_validate_model",
    "evaluate_model",
    "execute_python",
    "feature_importance",
    "tune_hyperparameters",
]
NEAR = said("Nothing passes so far, but a pattern is near to showing; the sealed span is still closed.")


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
        "coin": study.coin,
        "horizon_minutes": walked.horizon_bars * study.bar_minutes,
        "metrics": {name: figures.estimate(metric) for name, metric in found.items()},
    }


@tool
def compare_models(
    forecasts: list[str], also_tried: list[str], runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Judge all candidates of this run together, after costs, beside majority, persistence and buy and hold.

    Everything tried counts, earlier runs on the same prices too. The sealed last span is opened for the chosen rule.

    Args:
        forecasts: every forecast handle of this run that may be the answer.
        also_tried: forecast handles made only to be compared with, as those without an indicator: they count as tried
            but cannot be the answer; [] for none.

    Returns the handle `judgement`, the verdict per coin with its `figures` (shares as fractions, costs in bp a side),
    `best`, the forecast handle of each coin's strongest rule, and `worth_tuning`: the forecasts for which other settings
    could change the answer; none when nothing could.
    """
    work = runtime.context
    if not forecasts:
        raise ToolError(
            "There is nothing to judge: give the forecast handles that cross_validate_model returned."
        )
    compared = _compare(work, forecasts, also_tried)
    details = {"forecasts": forecasts, "also_tried": also_tried}
    if compared.worth_tuning:
        # The sealed span is opened once, for the rule that is chosen in the end.
        return {
            "judgement": _keep_judgement(work, "a pattern is near to showing", details),
            "verdicts": dict.fromkeys(compared.by_coin, "no_edge"),
            "summary": str(NEAR),
            "said": NEAR.as_json(),
            "best": compared.best,
            "worth_tuning": list(compared.worth_tuning),
            "why": "a pattern is near to showing",
        }
    judged = conclude(work, forecasts, also_tried)
    decided = "; ".join(f"{j.study.coin}: {j.verdict.decision}" for j in judged.judgements)
    found = _in_a_sentence(judged)
    return {
        "judgement": _keep_judgement(work, decided, {**details, "openings": judged.openings}),
        "verdicts": {j.study.coin: str(j.verdict.decision) for j in judged.judgements},
        "summary": str(found),
        "said": found.as_json(),
        "figures": {j.study.coin: figures.of_judgement(j) for j in judged.judgements},
        "walks": len(forecasts) + len(also_tried),
        "best": compared.best,
        "worth_tuning": [],
        "why": "settings were searched already"
        if compared.was_tuned
        else "other settings would not change the answer",
    }


@tool
def feature_importance(forecasts: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Measure what each feature, and each group of features, contributes to one model's forecasts on unseen bars.

    One after another is shuffled in blocks of time and the loss is measured: of AUC for a direction, of skill for a
    number. Nothing is trained. To ask whether an indicator helps at all, train without it instead: create_features with
    `leave_out`, then create_comparison_report by "features".

    Args:
        forecasts: a forecast handle from cross_validate_model, best the one that compare_models calls best.

    Returns the handle `importance` for generate_summary, and the groups and the ten features that matter most, each as
    [loss, low, high]; the 95 % intervals hold for all of a list together, so a low above 0 is beyond chance.
    """
    work = runtime.context
    study, walked = read_walk(work, forecasts)
    work.check()
    if not walked.has_models:  # it was walked by a worker that is gone
        walked = walkforward.run(
            study.features, study.targets[walked.horizon_bars], walked.spec, study.plans[walked.horizon_bars],
            task=walked.task, seed=work.assignment.seed, threads=work.settings.omp_num_threads,
        )  # fmt: skip
    found = importance.permuted(study, walked, work.assignment.seed)
    handle = work.keep(
        "importance",
        importance.to_json(found),
        media_type="application/json",
        summary=f"What the features give {found.model} for {found.coin}",
    )

    def listed(some: Sequence[importance.Contribution]) -> dict[str, list[float]]:
        return {
            one.name: [round(x, 4) for x in (one.loss.value, one.loss.low, one.loss.high)] for one in some
        }

    return {
        "importance": handle,
        "model": found.model,
        "coin": found.coin,
        "figure": found.figure,
        "groups": listed(found.groups),
        "features": listed(found.features[:10]),
    }


@tool
def tune_hyperparameters(forecasts: str, seconds: int, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Search a small grid for one model inside its training span, on purged splits; nothing later is seen.

    Args:
        forecasts: a forecast handle; its model type, coin and horizon are tuned.
        seconds: time to tune, 5 to 1,800; what is left of the grid then is not tried. 60 is usual.

    Returns the handle `model_id` of the best settings trained on the training span ("" when the defaults are best),
    the settings and how many were tried. Walk it forward with cross_validate_model; the try then counts.
    """
    work = runtime.context
    study, walked = read_walk(work, forecasts)
    if not 5 <= seconds <= LONGEST_SEARCH_SECONDS:
        raise ToolError(f"Tune for 5 to {LONGEST_SEARCH_SECONDS:,} seconds; {seconds} is outside.")
    end = time.monotonic() + seconds
    record = work.record(forecasts, "forecasts")
    task, bars = walked.task, walked.horizon_bars
    grid = models.find(walked.spec.name, task).grid
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())] or [{}]
    plan = study.plans[bars]
    folds = list(validation.inner_folds(plan.folds[0], bars))
    specs = [walked.spec, *(ModelSpec.of(walked.spec.name, task, chosen) for chosen in settings)]
    scored: list[tuple[float, ModelSpec]] = []
    for number, spec in enumerate(dict.fromkeys(specs)):
        if scored and time.monotonic() >= end:
            break
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
    position: int


@dataclass(frozen=True, eq=False)
class _Compared:
    """Everything tried, side by side, with the sealed span still closed. `best` names each coin's forecasts.

    `worth_tuning` are the forecasts whose settings could change the answer: those of a coin near to showing a pattern,
    at a horizon asked for. A horizon that is only scouted cannot be the answer, so its settings are left alone.
    """

    by_coin: dict[str, tuple[Study, list[Candidate]]]
    family: ledger.Family
    tried: tuple[Candidate, ...]
    best: dict[str, str]
    position: int
    was_tuned: bool
    worth_tuning: tuple[str, ...]


def conclude(work: Work, forecasts: Sequence[str], also_tried: Sequence[str] = ()) -> Judged:
    """Judge forecasts; the same forecasts give the same judgement, whenever it is asked for in a run."""
    return work.once(
        ("judged", *forecasts, "also", *also_tried), lambda: _conclude(work, forecasts, also_tried)
    )


def _compare(work: Work, forecasts: Sequence[str], also_tried: Sequence[str]) -> _Compared:
    key = ("compared", *forecasts, "also", *also_tried)
    return work.once(key, lambda: _compare_once(work, forecasts, also_tried))


def _compare_once(work: Work, forecasts: Sequence[str], also_tried: Sequence[str]) -> _Compared:
    seed = work.assignment.seed
    by_coin: dict[str, tuple[Study, list[Candidate]]] = {}
    for handle in forecasts:
        study, walked = read_walk(work, handle)
        _, own = by_coin.setdefault(study.coin, (study, []))
        own += candidates.evaluate(study, walked, seed)
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
    beside = [c for handle in also_tried for c in candidates.evaluate(*read_walk(work, handle), seed)]
    earlier = (*(ledger.from_row(row) for row in rows), *(candidate.trial for candidate in beside))
    family = judge.compare([study for study, _ in by_coin.values()], found, earlier)
    tuned = any(candidate.model.params for candidate in found)
    could = not tuned and work.assignment.repeats is None
    near = [
        coin for coin, (study, own) in by_coin.items() if could and verdict.is_near(study, family, own, seed)
    ]
    return _Compared(
        by_coin,
        family,
        tried=(*found, *beside),
        best={
            coin: behind(work, verdict.choose(study, family, own), forecasts)
            for coin, (study, own) in by_coin.items()
        },
        position=position,
        was_tuned=tuned,
        worth_tuning=tuple(handle for handle in forecasts if _answers(work, handle, near)),
    )


def _conclude(work: Work, forecasts: Sequence[str], also_tried: Sequence[str]) -> Judged:
    seed = work.assignment.seed
    compared = _compare(work, forecasts, also_tried)
    family = compared.family
    found = [candidate for _, own in compared.by_coin.values() for candidate in own]
    judgements, openings = [], {}
    for coin, (study, own) in compared.by_coin.items():
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
        trials.record(
            db, work.lease, work.assignment.workspace, [ledger.to_row(c.trial) for c in compared.tried]
        )
    for judgement in judgements:
        walked = work.record(behind(work, judgement.chosen, forecasts), "forecasts")
        _keep_final(work, judgement, str(walked.details["features"]))
    return Judged(tuple(judgements), openings, family.earlier, tuple(found), compared.position)


def _keep_judgement(work: Work, summary: str, details: dict[str, Any]) -> str:
    named = repr((sorted(details["forecasts"]), sorted(details["also_tried"]))).encode()
    return work.keep("judgement", named, media_type="text/plain", summary=summary, details=details)


def _keep_final(work: Work, judgement: Judgement, feature_data: str) -> None:
    """Keep the chosen rule with its model, trained on all bars before the sealed span: what `omc predict` applies."""
    chosen, study = judgement.chosen, judgement.study
    work.keep(
        "final",
        model_files.dump(judgement.model),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{chosen.name}, for {study.coin}",
        details={
            "features": feature_data,
            "coin": study.coin,
            "horizon_bars": chosen.horizon_bars,
            "threshold": chosen.threshold,
            "rule": chosen.name,
            "rule_said": chosen.in_words.as_json(),
            "trained_until": study.span(slice(0, judgement.model.fold.train_end))[1].isoformat(),
            "decision": str(judgement.verdict.decision),
        },
    )


def _answers(work: Work, forecasts: str, coins: Sequence[str]) -> bool:
    """Whether forecasts are of one of these coins and at a horizon that was asked for."""
    study, walked = read_walk(work, forecasts)
    return study.coin in coins and walked.horizon_bars in study.question.horizons


def behind(work: Work, chosen: Candidate, forecasts: Sequence[str]) -> str:
    """The handle of the forecasts that a rule acts on."""
    return next(handle for handle in forecasts if read_walk(work, handle)[1] is chosen.out_of_sample)


def read_walk(work: Work, forecasts: str) -> tuple[Study, walkforward.OutOfSample]:
    """The study and the predictions behind a forecast handle. Raises ToolError."""
    record = work.record(forecasts, "forecasts")
    walked = work.once(
        ("walk", forecasts), lambda: model_files.load_walk(work.find(forecasts, "forecasts")[0])
    )
    return studies.of_features(work, record.details["features"], record.details["coin"]), walked


def _loss(work: Work, study: Study, spec: ModelSpec, fold: validation.Fold, bars: int) -> float:
    fitted = walkforward.fit(
        study.features, study.targets[bars], spec, fold, task=study.question.task,
        seed=work.assignment.seed, threads=work.settings.omp_num_threads,
    )  # fmt: skip
    part = slice(fold.test_start, fold.test_end)
    actual = study.targets[bars].to_numpy(np.float64)[part]
    return float(np.nanmean((fitted.predict(study.features.iloc[part]) - actual) ** 2))


def _in_a_sentence(judged: "Judged") -> Said:
    """The reason of every coin's verdict, joined."""
    reasons = [
        said("{coin}: {reason}", coin=j.study.coin.upper(), reason=j.verdict.why) for j in judged.judgements
    ]
    whole = reasons[0]
    for reason in reasons[1:]:
        whole = said("{first}; {then}", first=whole, then=reason)
    return whole
