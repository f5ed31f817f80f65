"""Fit on the past, predict the next bars, move on: one fit per fold and model, reused by every threshold."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from engine.science import estimators, features
from engine.science.bars import Bools, Floats
from engine.science.errors import TooFewBars
from engine.science.estimators import ModelSpec
from engine.science.targets import Task
from engine.science.validation import Fold, Plan

# Cut-offs are read off the scores of the latest training bars: nearest to the market the fold will meet.
_CUTOFF_BARS = 6_000


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model trained on one fold, with the spread of its own scores there (sorted, for the cut-offs)."""

    spec: ModelSpec
    task: Task
    fold: Fold
    columns: tuple[str, ...]
    estimator: Any
    training_scores: Floats
    training_rows: int
    training_mean: float

    def cutoffs(self, threshold: float) -> tuple[float, float]:
        """Return the scores at and below which to be short, at and above which to be long.

        `threshold` is the share of training bars that lie between the two: 0 takes a side on every bar, 0.8 only on
        the tenth at either end.
        """
        low, high = np.quantile(self.training_scores, [0.5 - threshold / 2, 0.5 + threshold / 2])
        return float(low), float(high)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return the forecast of each row, NaN where a feature is missing: P(up), or the predicted value."""
        result = np.full(len(table), np.nan)
        rows = features.usable(table)
        if rows.any():
            result[rows] = _predict(self.estimator, table.to_numpy()[rows], self.task)
        return result


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """What one model said about bars it had not seen: `predictions` per bar, NaN outside the judged span."""

    spec: ModelSpec
    task: Task
    horizon_bars: int
    predictions: Floats
    folds: tuple[Fitted, ...]

    @property
    def last(self) -> Fitted:
        """The model of the last fold."""
        return self.folds[-1]

    @property
    def has_models(self) -> bool:
        """Whether its models can still forecast: those of a walk that was read from a file cannot."""
        return all(model.estimator is not None for model in self.folds)


OnFold = Callable[[ModelSpec, Fold, int], None]


def fit(
    table: pd.DataFrame,
    target: pd.Series,
    spec: ModelSpec,
    fold: Fold,
    *,
    task: Task,
    seed: int,
    threads: int = 1,
) -> Fitted:
    """Train one model on one fold's training bars: those with every feature and the target known.

    The target of a training bar reaches `horizon` bars further; the fold's gap keeps that before its test bars.
    """
    part = slice(fold.train_start, fold.train_end)
    x, y = table.to_numpy()[part], target.to_numpy(np.float64)[part]
    rows = np.isfinite(x).all(axis=1) & np.isfinite(y)
    if int(rows.sum()) < 100:
        raise TooFewBars(
            "Only {n} bars of the training part have all features; take a longer period or "
            "indicators with shorter windows.",
            n=int(rows.sum()),
        )
    x, y = x[rows], y[rows]
    one_class = task == "classification" and len(np.unique(y)) < 2
    estimator: Any = estimators.constant(seed) if one_class else estimators.make(spec, task, seed, threads)
    with _thread_pools().limit(limits=threads), warnings.catch_warnings():
        # A logistic fit that stops at its iteration limit is still a usable, regularised model.
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")
        estimator.fit(x, y)
        scores = np.sort(_predict(estimator, x[-_CUTOFF_BARS:], task))
    columns = tuple(str(name) for name in table.columns)
    return Fitted(spec, task, fold, columns, estimator, scores, len(y), float(y.mean()))


def run(
    table: pd.DataFrame,
    target: pd.Series,
    spec: ModelSpec,
    plan: Plan,
    *,
    task: Task,
    seed: int,
    threads: int = 1,
    first: Fitted | None = None,
    on_fold: OnFold | None = None,
) -> OutOfSample:
    """Walk one model through the judged span. `first` is the first fold's model where it is already trained."""
    predictions = np.full(len(table), np.nan)
    fitted: list[Fitted] = []
    for fold in plan.folds:
        if first is not None and first.fold == fold and first.spec == spec:
            model = first
        else:
            model = fit(table, target, spec, fold, task=task, seed=seed, threads=threads)
        part = slice(fold.test_start, fold.test_end)
        predictions[part] = model.predict(table.iloc[part])
        fitted.append(model)
        if on_fold is not None:
            on_fold(spec, fold, len(plan.folds))
    return OutOfSample(spec, task, plan.horizon_bars, predictions, tuple(fitted))


def positions(out_of_sample: OutOfSample, threshold: float) -> Floats:
    """Return the position held after each bar (-1, 0, 1), from predictions and each fold's cut-offs.

    A position is taken when the score reaches a cut-off and kept until the other one is reached: entering and leaving
    on every weak forecast would pay costs for nothing. 0 before the first signal. The position carries over gaps and
    refits. Known at the end of the bar; it earns the return of the next one.
    """
    spans = [(model.fold, model.cutoffs(threshold)) for model in out_of_sample.folds]
    return _hold(out_of_sample.predictions, spans)


def sealed_positions(model: Fitted, predictions: Floats, threshold: float) -> Floats:
    """Return the positions of one model on the sealed span (`model.fold` is that span)."""
    return _hold(predictions, [(model.fold, model.cutoffs(threshold))])


@cache
def _thread_pools() -> Any:
    """The thread pools of the libraries that fit: all are loaded by now, and looking for them takes 3 ms."""
    return ThreadpoolController()


def _hold(predictions: Floats, spans: Sequence[tuple[Fold, tuple[float, float]]]) -> Floats:
    signal = np.zeros(len(predictions))
    for fold, (low, high) in spans:
        part = slice(fold.test_start, fold.test_end)
        scores = predictions[part]
        signal[part] = np.where(scores >= high, 1.0, np.where(scores <= low, -1.0, 0.0))
        if low == high:  # a constant model takes no side
            signal[part] = np.where(scores > high, 1.0, np.where(scores < low, -1.0, 0.0))
    spoken = signal != 0
    last = np.maximum.accumulate(np.where(spoken, np.arange(len(signal)), 0))
    held: Floats = np.where(spoken[last], signal[last], 0.0)
    inside: Bools = np.zeros(len(signal), dtype=bool)
    for fold, _ in spans:
        inside[fold.test_start : fold.test_end] = True
    return np.where(inside, held, 0.0)


def _predict(estimator: Any, x: Floats, task: Task) -> Floats:
    # A forest that predicts on several threads adds its trees in another order each time.
    if hasattr(estimator, "estimators_"):
        estimator.n_jobs = 1
    if task == "regression":
        return np.asarray(estimator.predict(x), dtype=np.float64)
    chances = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    if chances.shape[1] == 1:
        return np.full(len(x), float(estimator.classes_[0]))
    return chances[:, 1]
