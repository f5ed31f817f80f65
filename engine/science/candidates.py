"""Candidates: every rule that is tried, with the per-bar results its tests are made of and its entry in the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.science import backtest, blocks, ledger, references, walkforward
from engine.science.bars import Floats
from engine.science.estimators import ModelSpec
from engine.science.ledger import Trial
from engine.science.study import Study
from engine.science.walkforward import OutOfSample
from engine.speech import Said, said, speaking

NET, SIGNAL, LATE = "net", "signal", "late"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One rule on the judged span of its study. `threshold` and `positions` are None for a volatility, which is not traded.

    `tests` maps each test to its results per bar of the judged span; `results` is what the verdict rests on: net of
    costs for a direction or a return, the gain over the references for a volatility.
    """

    study: Study
    coin: str
    model: ModelSpec
    horizon_bars: int
    horizon_minutes: int
    threshold: float | None
    is_scout: bool
    positions: Floats | None
    tests: Mapping[str, Floats]
    out_of_sample: OutOfSample
    trial: Trial

    @property
    def name(self) -> str:
        """The rule in words: `XGBoost, 1 h ahead, middle 40 % left out`."""
        with speaking("en"):
            return str(self.in_words)

    @property
    def in_words(self) -> Said:
        """The same, to be worded where it is read."""
        values = {"model": self.model.label, "horizon": duration(self.horizon_minutes)}
        if not self.threshold:
            return said("{model}, {horizon} ahead", **values)
        return said("{model}, {horizon} ahead, middle {share:.0%} left out", **values, share=self.threshold)


def evaluate(study: Study, out_of_sample: OutOfSample, seed: int) -> list[Candidate]:
    """Return the candidates that one model's forecasts at one horizon give: one for each threshold.

    `seed` is the one the models were trained with: another seed is another trial.
    """
    skill = _skill(study, out_of_sample) if study.question.task == "regression" else {}
    if study.question.target == "volatility":
        return [_candidate(study, out_of_sample, None, None, skill, seed)]
    found = []
    judged = study.judged
    for threshold in study.question.thresholds:
        positions = walkforward.positions(out_of_sample, threshold)[judged]
        series = backtest.test_series(positions, study.next_returns[judged], study.cost.share)
        tests = {SIGNAL: series.signal, LATE: series.late, NET: series.net, **skill}
        found.append(_candidate(study, out_of_sample, threshold, positions, tests, seed))
    return found


def skill_tests(study: Study) -> tuple[str, ...]:
    """Return the names of the tests against the references, none for a direction."""
    if study.question.task == "classification":
        return ()
    return tuple(f"against_{name}" for name in references.names(study.question.target))


def fold_sums(study: Study, values: Floats) -> list[float]:
    """Return the sum of a judged series in each fold."""
    plan = next(iter(study.plans.values()))
    start = plan.judged.start
    return [float(values[fold.test_start - start : fold.test_end - start].sum()) for fold in plan.folds]


def duration(minutes: int) -> str:
    """Write a number of minutes as people do: 45 min, 1 h, 1.5 h, 2 d."""
    if minutes < 60:
        return f"{minutes} min"
    size, unit = (minutes / 1_440, "d") if minutes % 1_440 == 0 else (minutes / 60, "h")
    return f"{size:g} {unit}"


def _skill(study: Study, out_of_sample: OutOfSample) -> dict[str, Floats]:
    """Return, per reference, its squared error minus the model's on each bar of the judged span (0 where unknown)."""
    h = out_of_sample.horizon_bars
    actual = study.targets[h]
    given = references.forecasts(study.prices, actual, study.question.target, h, study.plans[h].folds)
    y = actual.to_numpy(np.float64)
    error = (out_of_sample.predictions - y) ** 2
    gains = {name: np.nan_to_num((forecast - y) ** 2 - error) for name, forecast in given.items()}
    return {f"against_{name}": gain[study.judged] for name, gain in gains.items()}


def _candidate(
    study: Study,
    out_of_sample: OutOfSample,
    threshold: float | None,
    positions: Floats | None,
    tests: Mapping[str, Floats],
    seed: int,
) -> Candidate:
    h = out_of_sample.horizon_bars
    facts = study.facts() | {
        "horizon_bars": h,
        "model": out_of_sample.spec.name,
        "params": list(out_of_sample.spec.params),
        "threshold": threshold,
        "seed": seed,
    }
    index = study.times(study.judged)
    base = blocks.base_minutes(study.bar_minutes)
    sums = {name: blocks.sums(values, index, base) for name, values in tests.items()}
    start, end = study.span(study.judged)
    trial = Trial(
        key=ledger.key(facts),
        coin=study.coin,
        series=study.series,
        target=study.question.target,
        horizon_minutes=h * study.bar_minutes,
        start=start,
        end=end,
        block_minutes=base,
        first_block=next(iter(sums.values()))[0],
        sums={name: values for name, (_, values) in sums.items()},
    )
    return Candidate(
        study=study,
        coin=study.coin,
        model=out_of_sample.spec,
        horizon_bars=h,
        horizon_minutes=h * study.bar_minutes,
        threshold=threshold,
        is_scout=h not in study.question.horizons,
        positions=positions,
        tests=tests,
        out_of_sample=out_of_sample,
        trial=trial,
    )


def trials(found: Sequence[Candidate]) -> list[Trial]:
    """Return the ledger entries of candidates, in their order."""
    return [candidate.trial for candidate in found]
