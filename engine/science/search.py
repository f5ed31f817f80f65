"""AutoML in small: models, settings and feature sets tried inside the first training part, until the time is spent.

Nothing after the training part is seen, so what is tried here needs no correction; what is chosen is walked forward
like any other model and counts there. The order is fixed (every model on all features, then feature sets for the best
model, then settings), only where it stops depends on the machine; what was chosen is what the report names.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from engine.science import estimators, features, validation, walkforward
from engine.science.errors import BadSetting
from engine.science.estimators import ModelSpec
from engine.science.study import Study

KEPT = 3  # models that are handed on
_CORE = ("past returns", "past volatility")
_LEAST_GAIN = 0.001  # a smaller set or other settings must be better by this share of the loss of a constant


@dataclass(frozen=True)
class Tried:
    """One combination with its loss as a share of that of a constant forecast: below 1 it knows something."""

    model: ModelSpec
    leave_out: tuple[str, ...]
    loss: float


@dataclass(frozen=True)
class Found:
    """What a search chose: the groups to leave out, the best models on the rest, and everything that was tried.

    `is_complete` says that all there was to try was tried before the time was spent.
    """

    leave_out: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    tried: tuple[Tried, ...]
    is_complete: bool


def search(
    studies: Sequence[Study],
    horizon_bars: int,
    model_types: Sequence[str],
    *,
    seconds: float,
    seed: int,
    threads: int = 1,
    clock: Callable[[], float] = time.monotonic,
    on_try: Callable[[int], None] | None = None,
) -> Found:
    """Search for all coins of `studies` together. At least one combination is tried, whatever the time."""
    if not studies or not model_types:
        raise BadSetting("A search needs at least one coin and one model type.")
    task = studies[0].question.task
    names = list(dict.fromkeys(estimators.find(name, task).name for name in model_types))
    end = clock() + seconds
    tried: dict[tuple[ModelSpec, tuple[str, ...]], float] = {}

    def loss(spec: ModelSpec, leave_out: tuple[str, ...]) -> float:
        if (spec, leave_out) not in tried:
            losses = [_loss(study, horizon_bars, spec, leave_out, seed, threads) for study in studies]
            tried[spec, leave_out] = float(np.mean(losses))
            if on_try is not None:
                on_try(len(tried))
        return tried[spec, leave_out]

    is_complete = True
    for spec, leave_out in _plan(studies[0], names, lambda: tried):
        if tried and clock() >= end:
            is_complete = False
            break
        loss(spec, leave_out)
    chosen = _best_set(tried)
    on_it = sorted(
        ((value, spec) for (spec, left), value in tried.items() if left == chosen), key=lambda one: one[0]
    )
    models: dict[str, ModelSpec] = {}
    for _, spec in on_it:
        models.setdefault(spec.name, spec)
    everything = tuple(Tried(spec, left, value) for (spec, left), value in tried.items())
    return Found(chosen, tuple(models.values())[:KEPT], everything, is_complete)


Losses = dict[tuple[ModelSpec, tuple[str, ...]], float]


def _plan(
    study: Study, names: Sequence[str], tried: Callable[[], Losses]
) -> Iterator[tuple[ModelSpec, tuple[str, ...]]]:
    """What to try, in order; each part looks at what the one before it found."""
    task = study.question.task
    for name in names:
        yield ModelSpec.of(name, task), ()
    best = min(tried().items(), key=lambda item: item[1])[0][0]
    for leave_out in _feature_sets(study):
        yield best, leave_out
    leave_out = _best_set(tried())
    order = sorted(
        names, key=lambda name: min((v for (s, _), v in tried().items() if s.name == name), default=1.0)
    )
    for name in order:
        grid = estimators.find(name, task).grid
        for values in product(*grid.values()):
            yield ModelSpec.of(name, task, dict(zip(grid, values, strict=True))), leave_out


def _feature_sets(study: Study) -> Iterator[tuple[str, ...]]:
    """Without one group each, without all indicators, and past returns and volatility alone."""
    groups = list(features.groups([str(name) for name in study.features.columns]))
    indicators = tuple(
        group for group in groups if group.isupper() and group.lower() not in study.question.features.drivers
    )
    rest = tuple(group for group in groups if group not in _CORE)
    wanted = [*((group,) for group in groups), indicators, rest]
    yield from (one for one in dict.fromkeys(wanted) if one and len(one) < len(groups))


def _best_set(tried: Losses) -> tuple[str, ...]:
    """All features unless another set was clearly better with the same model."""
    whole = min((value for (_, left), value in tried.items() if not left), default=np.inf)
    (_, left), value = min(tried.items(), key=lambda item: item[1])
    return left if value < whole - _LEAST_GAIN else ()


def _loss(
    study: Study, horizon_bars: int, spec: ModelSpec, leave_out: tuple[str, ...], seed: int, threads: int
) -> float:
    """Mean squared error on purged splits of the first training part, over that of the split's training mean."""
    table = _kept(study.features, leave_out)
    target = study.targets[horizon_bars]
    y = target.to_numpy(np.float64)
    own = constant = 0.0
    for fold in validation.inner_folds(study.plans[horizon_bars].folds[0], horizon_bars):
        fitted = walkforward.fit(
            table, target, spec, fold, task=study.question.task, seed=seed, threads=threads
        )
        part = slice(fold.test_start, fold.test_end)
        said = fitted.predict(table.iloc[part])
        known = np.isfinite(said) & np.isfinite(y[part])
        own += float(((said - y[part])[known] ** 2).sum())
        constant += float(((fitted.training_mean - y[part])[known] ** 2).sum())
    return own / constant if constant > 0 else 1.0


def _kept(table: pd.DataFrame, leave_out: tuple[str, ...]) -> pd.DataFrame:
    return features.left(table, leave_out) if leave_out else table
