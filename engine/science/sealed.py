"""The sealed span: the chosen rule, trained on everything before it, meets it once."""

import numpy as np

from engine.science import backtest, references, walkforward
from engine.science.backtest import Backtest
from engine.science.bars import Floats
from engine.science.candidates import Candidate
from engine.science.study import Study
from engine.science.verdict import Sealed
from engine.science.walkforward import Fitted


def train(study: Study, chosen: Candidate, seed: int, threads: int = 1) -> Fitted:
    """Train the chosen model on all bars before the sealed span: the model that is opened there and kept."""
    h = chosen.horizon_bars
    fold = study.plans[h].sealed
    task = study.question.task
    return walkforward.fit(
        study.features, study.targets[h], chosen.model, fold, task=task, seed=seed, threads=threads
    )


def open_once(study: Study, chosen: Candidate, model: Fitted) -> tuple[Sealed, Backtest | None]:
    """Return what the chosen rule does on the sealed span, and its account there (None for a volatility)."""
    part = study.sealed
    predictions = np.full(len(study.prices), np.nan)
    predictions[part] = model.predict(study.features.iloc[part])
    earned = study.next_returns[part]
    held = float(backtest.compound(np.nan_to_num(earned))[-1] - 1.0)
    start, end = study.span(part)
    bars = part.stop - part.start
    skill = _skill(study, chosen, model, predictions) if study.question.task == "regression" else None
    if chosen.threshold is None:
        result = skill if skill is not None else 0.0
        return Sealed(start, end, bars, result, None, held, skill), None
    positions = walkforward.sealed_positions(model, predictions, chosen.threshold)[part]
    net = backtest.test_series(positions, earned, study.cost.share).net
    account = backtest.run(positions, earned, study.cost.share, study.bar_minutes)
    return Sealed(start, end, bars, float(net.sum()), account.return_after_costs, held, skill), account


def _skill(study: Study, chosen: Candidate, model: Fitted, predictions: Floats) -> float:
    """Return 1 - squared error of the model / that of the best reference, on the sealed span."""
    h = chosen.horizon_bars
    actual = study.targets[h]
    given = references.forecasts(study.prices, actual, study.question.target, h, (model.fold,))
    y = actual.to_numpy(np.float64)
    known = np.isfinite(y) & np.isfinite(predictions)
    if not known.any():
        return 0.0
    own = float(((predictions - y)[known] ** 2).mean())
    hardest = min(float(np.nanmean((forecast - y)[known] ** 2)) for forecast in given.values())
    return 1.0 - own / hardest if hardest > 0 else 0.0
