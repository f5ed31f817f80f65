"""What a model stands beside, on the same bars: majority, persistence, holding, luck of equal turnover, placebo."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.science import backtest, bars, metrics, references, walkforward
from engine.science.bars import Floats, Ints
from engine.science.candidates import Candidate
from engine.science.metrics import Estimate
from engine.science.study import Study

_SHIFTS = 200

MAJORITY, PERSISTENCE, HOLD, LUCK, PLACEBO = "majority", "persistence", "buy_and_hold", "random", "placebo"


@dataclass(frozen=True)
class Baseline:
    """One baseline: its forecast metrics where it forecasts, and its compounded result where it trades.

    For luck `return_after_costs` is the median of the shifts with the range of nine in ten.
    """

    name: str
    meaning: str
    metrics: Mapping[str, Estimate]
    return_after_costs: Estimate | None


def beside(study: Study, chosen: Candidate, seed: int, threads: int = 1) -> list[Baseline]:
    """Return the baselines of the chosen rule on the judged span."""
    found = _forecasters(study, chosen, seed)
    held = np.ones(study.judged_bars)
    account = backtest.run(held, study.next_returns[study.judged], study.cost.share, study.bar_minutes)
    found.append(Baseline(HOLD, "buys at the start and holds", {}, _exact(account.return_after_costs)))
    if chosen.positions is not None:
        found.append(luck(chosen.positions, study.next_returns[study.judged], study.cost.share, seed))
    found.append(placebo(study, chosen, seed, threads))
    return found


def luck(positions: Floats, next_returns: Floats, cost: float, seed: int) -> Baseline:
    """Return what the rule's own positions earn when they are shifted in a circle against the prices.

    The shifts keep the number of trades and the time in each position; only the timing is lost.
    """
    earned = np.nan_to_num(next_returns)
    n = len(positions)
    random = np.random.default_rng([seed, 21])
    shifts = random.integers(n // 20 + 1, max(n - n // 20, n // 20 + 2), _SHIFTS if n < 100_000 else 50)
    paid = float(np.log(np.maximum(1.0 - cost * backtest.changes(positions), 1e-9)).sum())
    grown = [float(np.log(np.maximum(1.0 + np.roll(positions, s) * earned, 1e-9)).sum()) for s in shifts]
    low, middle, high = np.quantile(np.expm1(np.asarray(grown) + paid), [0.05, 0.5, 0.95])
    result = Estimate(float(middle), float(low), float(high))
    return Baseline(LUCK, "trades as often, at random times", {}, result)


def placebo(study: Study, chosen: Candidate, seed: int, threads: int = 1) -> Baseline:
    """Return what the chosen model's whole pipeline finds where nothing can be found.

    Outcomes and returns change places in whole blocks of time, together, while the features stay: volatility, labels
    and folds are as they were, only the link between what is known and what comes is cut.
    """
    h, judged = chosen.horizon_bars, study.judged
    order = _shuffled_blocks(len(study.prices), max(1, study.test_minutes // study.bar_minutes), seed)
    actual = pd.Series(study.targets[h].to_numpy(np.float64)[order], index=study.targets[h].index)
    walked = walkforward.run(
        study.features,
        actual,
        chosen.model,
        study.plans[h],
        task=study.question.task,
        seed=seed,
        threads=threads,
    )
    y, said = actual.to_numpy(np.float64)[judged], walked.predictions[judged]
    index, minutes = study.times(judged), study.test_minutes
    if study.question.task == "classification":
        found = metrics.classification(y, said, index, minutes, seed)
    else:
        found = metrics.regression(y, said, index, minutes, seed, walked.last.training_mean)
    made = None
    if chosen.threshold is not None:
        held = walkforward.positions(walked, chosen.threshold)[judged]
        account = backtest.run(held, study.next_returns[order][judged], study.cost.share, study.bar_minutes)
        made = _exact(account.return_after_costs)
    return Baseline(PLACEBO, "the same model where outcomes are shuffled in blocks", found, made)


def _shuffled_blocks(bars: int, size: int, seed: int) -> Ints:
    """Return the positions 0 ... bars - 1 with whole blocks of `size` in another order."""
    blocks = np.random.default_rng([seed, 31]).permutation(-(-bars // size))
    return np.concatenate([np.arange(block * size, min((block + 1) * size, bars)) for block in blocks])


def _forecasters(study: Study, chosen: Candidate, seed: int) -> list[Baseline]:
    h, judged = chosen.horizon_bars, study.judged
    y = study.targets[h].to_numpy(np.float64)
    index, minutes = study.times(judged), study.test_minutes
    if study.question.task == "regression":
        given = references.forecasts(
            study.prices, study.targets[h], study.question.target, h, study.plans[h].folds
        )
        centre = chosen.out_of_sample.last.training_mean
        return [
            Baseline(
                name,
                _MEANING[name],
                metrics.regression(y[judged], forecast[judged], index, minutes, seed, centre),
                None,
            )
            for name, forecast in given.items()
        ]
    majority = np.full(len(y), np.nan)
    for fold in study.plans[h].folds:
        majority[fold.test_start : fold.test_end] = float(np.nanmean(y[: fold.train_end]) > 0.5)
    close = bars.known_close(study.prices)
    last = np.full(len(y), np.nan)
    last[h:] = (close[h:] > close[:-h]).astype(np.float64)
    return [
        Baseline(
            name, _MEANING[name], metrics.classification(y[judged], said[judged], index, minutes, seed), None
        )
        for name, said in ((MAJORITY, majority), (PERSISTENCE, last))
    ]


_MEANING = {
    MAJORITY: "always says what was commoner in training",
    PERSISTENCE: "says what the last stretch of the same length did",
    "no_change": "always says: no change",
    "mean": "always says the mean of the training part",
    "ewma": "exponentially weighted moving average",
}


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)
