"""What a model stands beside, on the same bars: majority, persistence, holding, luck of equal turnover, placebo."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.science import backtest, bars, metrics, references
from engine.science.bars import Floats
from engine.science.candidates import Candidate
from engine.science.metrics import Estimate
from engine.science.study import Study

_SHIFTS = 200
_PLACEBO_BLOCK_MINUTES = 240

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


def beside(study: Study, chosen: Candidate, seed: int) -> list[Baseline]:
    """Return the baselines of the chosen rule on the judged span."""
    found = _forecasters(study, chosen, seed)
    held = np.ones(study.judged_bars)
    account = backtest.run(held, study.next_returns[study.judged], study.cost.share, study.bar_minutes)
    found.append(Baseline(HOLD, "buys at the start and holds", {}, _exact(account.return_after_costs)))
    if chosen.positions is not None:
        found.append(luck(chosen.positions, study.next_returns[study.judged], study.cost.share, seed))
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


def placebo_prices(prices: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return prices whose bars are shuffled in blocks of 4 hours: any link from one block to the next is cut.

    Each bar keeps its shape against the close before it; the path starts at the same price.
    """
    grid = bars.regular(prices)
    filled = grid[["open", "high", "low", "close"]].ffill().bfill()
    close = filled["close"].to_numpy(np.float64)
    before = np.concatenate([close[:1], close[:-1]])
    size = max(4, _PLACEBO_BLOCK_MINUTES // bars.bar_minutes(grid))
    order = np.random.default_rng([seed, 31]).permutation(-(-len(close) // size))
    rows = np.concatenate([np.arange(block * size, min((block + 1) * size, len(close))) for block in order])
    path = close[0] * np.cumprod((close / before)[rows])
    start = np.concatenate([close[:1], path[:-1]])
    columns = {name: start * (filled[name].to_numpy(np.float64) / before)[rows] for name in filled.columns}
    columns["close"] = path
    columns["volume"] = grid["volume"].fillna(0.0).to_numpy(np.float64)[rows]
    return pd.DataFrame(columns, index=grid.index)


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
