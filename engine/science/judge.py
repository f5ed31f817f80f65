"""From prices to a verdict with every number the report, the charts and the message need, each computed once.

The steps are public because an agent takes them one at a time: study.prepare -> walk -> compare -> conclude; `judge`
takes them in a row and says the same. `decide` is the part of `conclude` that comes to the verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.science import (
    backtest,
    baselines,
    candidates,
    estimators,
    ledger,
    metrics,
    sealed,
    study,
    targets,
    verdict,
    walkforward,
)
from engine.science.backtest import Backtest
from engine.science.bars import Floats
from engine.science.baselines import Baseline
from engine.science.candidates import Candidate
from engine.science.estimators import ModelSpec
from engine.science.ledger import Family, Trial
from engine.science.metrics import CalibrationBin, Estimate, Slice
from engine.science.study import Question, Study
from engine.science.verdict import Verdict
from engine.science.walkforward import Fitted, OnFold, OutOfSample


@dataclass(frozen=True, eq=False)
class ModelResult:
    """One model at the horizon asked for, by its best rule: forecast metrics and, where it trades, its account.

    `tests` are the rule's results per bar of the judged span, as the verdict weighs them.
    """

    name: str
    rule: str
    horizon_minutes: int
    threshold: float | None
    metrics: Mapping[str, Estimate]
    account: Backtest | None
    p_value: float
    folds: int
    is_chosen: bool
    tests: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Decided:
    """The chosen rule, the model with which it met the sealed span, its account there, and the verdict that follows."""

    chosen: Candidate
    model: Fitted
    sealed_account: Backtest | None
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Judgement:
    """Everything about one coin. All figures speak of the judged span and of `study.cost`; `sealed_*` say so.

    `equity` has a row per bar of the judged span, stamped with the END of the bar in which the value was reached,
    columns after_costs, before_costs, buy_and_hold (compounded, 1 at the start); None for a volatility.
    """

    study: Study
    verdict: Verdict
    chosen: Candidate
    models: tuple[ModelResult, ...]
    baselines: tuple[Baseline, ...]
    account: Backtest | None
    equity: pd.DataFrame | None
    sealed_equity: pd.DataFrame | None
    deflated_sharpe: float | None
    calibration: tuple[CalibrationBin, ...]
    months: tuple[Slice, ...]
    regimes: tuple[Slice, ...]
    trials: tuple[Trial, ...]
    model: Fitted

    @property
    def best(self) -> ModelResult:
        """The model whose rule the verdict speaks of."""
        return next(result for result in self.models if result.is_chosen)


def walk(
    prepared: Study,
    models: Sequence[ModelSpec],
    *,
    seed: int,
    threads: int = 1,
    horizons: Iterable[int] | None = None,
    first: Iterable[Fitted] = (),
    on_fold: OnFold | None = None,
) -> list[Candidate]:
    """Fit every model at every horizon through the judged span and return the candidates.

    `horizons` (in bars) are those of the question unless given; `first` holds first-fold models that are already trained; they are taken instead of fitting them again.
    """
    trained = {(model.spec, model.fold): model for model in first}
    found: list[Candidate] = []
    for h in prepared.question.all_horizons if horizons is None else horizons:
        plan = prepared.plans[h]
        for spec in models:
            outcome = walkforward.run(
                prepared.features,
                prepared.targets[h],
                spec,
                plan,
                task=prepared.question.task,
                seed=seed,
                threads=threads,
                first=trained.get((spec, plan.folds[0])),
                on_fold=on_fold,
            )
            found += candidates.evaluate(prepared, outcome, seed)
    return found


def compare(studies: Sequence[Study], found: Sequence[Candidate], earlier: Iterable[Trial] = ()) -> Family:
    """Join all candidates of a goal, those of all its coins, with the earlier trials they must be counted with."""
    wanted = max(prepared.test_minutes for prepared in studies)
    return ledger.family(candidates.trials(found), earlier, wanted)


def decide(
    prepared: Study, family: Family, own: Sequence[Candidate], *, seed: int, threads: int = 1
) -> Decided:
    """Choose the rule, open the sealed span for it, and decide.

    `own` are the coin's candidates. Those of other features than `prepared` count and can be chosen as well.
    """
    chosen = verdict.choose(prepared, family, own)
    model = sealed.train(chosen.study, chosen, seed, threads)
    opened, account = sealed.open_once(chosen.study, chosen, model)
    said = verdict.decide(chosen.study, family, own, chosen, opened, seed)
    return Decided(chosen, model, account, said)


def conclude(
    prepared: Study, family: Family, own: Sequence[Candidate], *, seed: int, threads: int = 1
) -> Judgement:
    """Decide, and compute what is shown beside the decision, on the bars and features of the chosen rule."""
    decided = decide(prepared, family, own, seed=seed, threads=threads)
    chosen, prepared = decided.chosen, decided.chosen.study
    account = _account(prepared, chosen)
    models = _models(prepared, family, own, chosen, seed)
    right = next(model.metrics for model in models if model.is_chosen)
    months, regimes = _slices(prepared, chosen, account)
    return Judgement(
        study=prepared,
        verdict=verdict.explain(decided.verdict, right),
        chosen=chosen,
        models=models,
        baselines=tuple(baselines.beside(prepared, chosen, seed, threads)),
        account=account,
        equity=_equity(prepared, account, prepared.judged),
        sealed_equity=_equity(prepared, decided.sealed_account, prepared.sealed),
        deflated_sharpe=_deflated_sharpe(family, own, chosen),
        calibration=_calibration(prepared, chosen, seed),
        months=months,
        regimes=regimes,
        trials=family.own,
        model=decided.model,
    )


def judge(
    coin: str,
    series: str,
    prices: pd.DataFrame,
    question: Question,
    *,
    seed: int,
    models: Sequence[ModelSpec] | None = None,
    drivers: Mapping[str, pd.DataFrame] | None = None,
    earlier: Iterable[Trial] = (),
    threads: int = 1,
    on_fold: OnFold | None = None,
) -> Judgement:
    """Judge one coin from its prices alone: the steps above in a row."""
    prepared = study.prepare(coin, series, prices, question, drivers=drivers)
    chosen_models = models or default_models(question)
    own = walk(prepared, chosen_models, seed=seed, threads=threads, on_fold=on_fold)
    family = compare([prepared], own, earlier)
    return conclude(prepared, family, own, seed=seed, threads=threads)


def default_models(question: Question) -> list[ModelSpec]:
    """Return the four model types tried where the goal names none."""
    names = [name for name in estimators.names(question.task) if name != "LinearRegression"]
    return [ModelSpec.of(name, question.task) for name in names]


def _account(prepared: Study, candidate: Candidate) -> Backtest | None:
    if candidate.positions is None:
        return None
    earned = prepared.next_returns[prepared.judged]
    return backtest.run(candidate.positions, earned, prepared.cost.share, prepared.bar_minutes)


def _models(
    prepared: Study, family: Family, own: Sequence[Candidate], chosen: Candidate, seed: int
) -> tuple[ModelResult, ...]:
    place = {id(trial): number for number, trial in enumerate(family.own)}
    tests = candidates.skill_tests(prepared) if chosen.threshold is None else (candidates.NET,)
    corrected = np.max([family.p_values(test, seed) for test in tests], axis=0)
    strength = np.min([family.statistics(test) for test in tests], axis=0)
    results: list[ModelResult] = []
    beside = [c for c in own if c.study is prepared and c.horizon_bars == chosen.horizon_bars]
    for spec in dict.fromkeys(candidate.model for candidate in beside):
        rules = [c for c in beside if c.model == spec]
        best = chosen if chosen in rules else max(rules, key=lambda c: float(strength[place[id(c.trial)]]))
        results.append(
            ModelResult(
                name=_unlike(spec.label, [result.name for result in results]),
                rule=best.name,
                horizon_minutes=best.horizon_minutes,
                threshold=best.threshold,
                metrics=forecast_metrics(prepared, best.out_of_sample, seed),
                account=_account(prepared, best),
                p_value=float(corrected[place[id(best.trial)]]),
                folds=len(best.out_of_sample.folds),
                is_chosen=best is chosen,
                tests=best.tests,
            )
        )
    return tuple(results)


def _unlike(label: str, taken: Sequence[str]) -> str:
    """Return `label`, numbered where models before it are called the same."""
    same = sum(name == label or name.startswith(f"{label} #") for name in taken)
    return f"{label} #{same + 1}" if same else label


def forecast_metrics(prepared: Study, outcome: OutOfSample, seed: int) -> dict[str, Estimate]:
    """Return how good one model's forecasts are on the judged span."""
    judged = prepared.judged
    y = prepared.targets[outcome.horizon_bars].to_numpy(np.float64)[judged]
    said, index, minutes = outcome.predictions[judged], prepared.times(judged), prepared.test_minutes
    if prepared.question.task == "classification":
        return metrics.classification(y, said, index, minutes, seed)
    return metrics.regression(y, said, index, minutes, seed, outcome.last.training_mean)


def _equity(prepared: Study, account: Backtest | None, part: slice) -> pd.DataFrame | None:
    if account is None:
        return None
    # The position of bar t earns the return of bar t + 1, which is reached at the end of that bar.
    ends = prepared.times(part) + pd.Timedelta(minutes=2 * prepared.bar_minutes)
    held = backtest.run(
        np.ones(part.stop - part.start),
        prepared.next_returns[part],
        prepared.cost.share,
        prepared.bar_minutes,
    )
    columns = {
        "after_costs": account.equity_after_costs,
        "before_costs": account.equity_before_costs,
        "buy_and_hold": held.equity_after_costs,
    }
    return pd.DataFrame(columns, index=ends)


def _deflated_sharpe(family: Family, own: Sequence[Candidate], chosen: Candidate) -> float | None:
    if chosen.threshold is None:
        return None
    place = {id(trial): number for number, trial in enumerate(family.own)}
    tries = [family.block_sums(place[id(candidate.trial)], candidates.NET) for candidate in own]
    ratios = [float(sums.mean() / sums.std(ddof=1)) for sums in tries if len(sums) > 2 and sums.std() > 0]
    mine = family.block_sums(place[id(chosen.trial)], candidates.NET)
    return backtest.deflated_sharpe(mine, np.asarray(ratios))


def _calibration(prepared: Study, chosen: Candidate, seed: int) -> tuple[CalibrationBin, ...]:
    if prepared.question.task != "classification":
        return ()
    judged = prepared.judged
    up = prepared.targets[chosen.horizon_bars].to_numpy(np.float64)[judged]
    said = chosen.out_of_sample.predictions[judged]
    bins = metrics.calibration(up, said, prepared.times(judged), prepared.test_minutes, seed)
    return tuple(bins)


def _slices(
    prepared: Study, chosen: Candidate, account: Backtest | None
) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    if account is None or chosen.positions is None:
        return (), ()
    judged = prepared.judged
    held = np.nan_to_num(prepared.next_returns[judged])
    gross = chosen.positions * held
    hits = _hits(prepared, chosen)
    index = prepared.times(judged)
    recent = targets.realised_log_volatility(prepared.prices, max(2, 1_440 // prepared.bar_minutes))
    values = recent.ffill().to_numpy(np.float64)
    plan = prepared.plans[chosen.horizon_bars]
    training = values[plan.first : plan.folds[0].train_end]
    low, high = np.nanquantile(training, [1 / 3, 2 / 3]) if np.isfinite(training).any() else (0.0, 0.0)
    months = metrics.by_month(index, account.net_returns, gross, held, hits)
    regimes = metrics.by_volatility(
        values[judged], (float(low), float(high)), account.net_returns, gross, held, hits
    )
    return tuple(months), tuple(regimes)


def _hits(prepared: Study, chosen: Candidate) -> Floats:
    """Return per judged bar 1 where the forecast had the right side, 0 where not, NaN where unknown."""
    judged = prepared.judged
    y = prepared.targets[chosen.horizon_bars].to_numpy(np.float64)[judged]
    said = chosen.out_of_sample.predictions[judged]
    border = 0.5 if prepared.question.task == "classification" else 0.0
    return np.where(np.isfinite(y) & np.isfinite(said), (said > border) == (y > border), np.nan)
