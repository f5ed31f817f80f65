"""Which of several sets of forecasts is better, and by how much: the same blocks of time are drawn for all of them.

Coins, models or feature sets are compared by one figure: the area under the ROC curve for a direction, the skill
(1 - squared error / that of the hardest reference) for a number. An item of several models has the mean of theirs, so
that no model is picked by its luck. Shared shocks hit all items of a draw, hence the difference has its own interval.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import TypeAdapter
from scipy import stats

from engine.science import blocks, references
from engine.science.bars import Floats
from engine.science.errors import BadSetting
from engine.science.metrics import Estimate
from engine.science.study import Study
from engine.science.walkforward import OutOfSample

Figure = Literal["auc", "skill"]
# A figure, and its value in each resample.
Drawn = tuple[float, Floats]
RESAMPLES = 400
_BINS = 100


@dataclass(frozen=True, eq=False)
class Scored:
    """What was said and what came, bar by bar where both are known; `reference` is its squared error, None for chances."""

    actual: Floats
    said: Floats
    index: pd.DatetimeIndex
    reference: Floats | None


@dataclass(frozen=True)
class Standing:
    """One item: its figure, how far it is behind the best (None for the best itself), how often it comes first."""

    name: str
    value: Estimate
    behind: Estimate | None
    first_share: float


@dataclass(frozen=True)
class Comparison:
    """Items, the best first. `behind` holds for all of them together (Bonferroni); `is_clear` where the second's does.

    `same` says how many models each item has the mean of.
    """

    figure: Figure
    standings: tuple[Standing, ...]
    same: int

    @property
    def is_clear(self) -> bool:
        """Whether the best is ahead of the second beyond chance."""
        second = self.standings[1].behind
        return second is not None and second.low > 0


@dataclass(frozen=True)
class Contrast:
    """A comparison and what it is of: `about` is the feature in question where feature sets are compared."""

    by: str
    about: str
    coins: tuple[str, ...]
    horizon_minutes: int
    comparison: Comparison

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The items, the best first."""
        return self.comparison.standings


def score(study: Study, walked: OutOfSample, said: Floats | None = None) -> Scored:
    """Return forecasts on the judged span beside what came; `said` replaces the predictions (as long as the grid)."""
    part = study.judged
    y = study.targets[walked.horizon_bars].to_numpy(np.float64)
    forecast = walked.predictions if said is None else said
    reference = _reference(study, walked, y) if study.question.task == "regression" else None
    known = np.isfinite(y) & np.isfinite(forecast)
    if reference is not None:
        known &= np.isfinite(reference)
    rows = np.flatnonzero(known[part]) + part.start
    index = pd.DatetimeIndex(study.prices.index[rows])
    return Scored(y[rows], forecast[rows], index, None if reference is None else reference[rows])


def compare(items: Mapping[str, Sequence[Scored]], block_minutes: int, seed: int) -> Comparison:
    """Return how the items stand. Raises BadSetting for fewer than two."""
    if len(items) < 2:
        raise BadSetting("A comparison needs two items or more.")
    draws = Draws([one for scored in items.values() for one in scored], block_minutes, seed)
    figures = {name: draws.of(scored) for name, scored in items.items()}
    order = sorted(figures, key=lambda name: -figures[name][0])
    best = order[0]
    table = np.stack([figures[name][1] for name in order])
    firsts = np.bincount(table.argmax(axis=0), minlength=len(order)) / table.shape[1]
    tail = 0.025 / max(len(order) - 1, 1)
    standings = [
        Standing(
            name,
            _estimate(*figures[name]),
            None if name == best else _difference(figures[best], figures[name], tail),
            float(share),
        )
        for name, share in zip(order, firsts, strict=True)
    ]
    figure: Figure = "auc" if draws.is_auc else "skill"
    return Comparison(figure, tuple(standings), max(len(scored) for scored in items.values()))


def standing(scored: Sequence[Scored], block_minutes: int, seed: int) -> tuple[Figure, Estimate]:
    """Return the figure of some forecasts, the mean of theirs, with its 95 % interval."""
    draws = Draws(scored, block_minutes, seed)
    return "auc" if draws.is_auc else "skill", _estimate(*draws.of(scored))


def differences(whole: Drawn, others: Mapping[str, Drawn]) -> dict[str, Estimate]:
    """Return, for each other set of forecasts, how much better `whole` is; 95 % hold for all of them together."""
    tail = 0.025 / max(len(others), 1)
    return {name: _difference(whole, other, tail) for name, other in others.items()}


class Draws:
    """Resamples of blocks of time, shared by all forecasts of a comparison."""

    def __init__(self, scored: Sequence[Scored], block_minutes: int, seed: int) -> None:
        self.is_auc = scored[0].reference is None
        self._minutes = block_minutes
        self._first = min(int(blocks.numbers(one.index[:1], block_minutes)[0]) for one in scored)
        last = max(int(blocks.numbers(one.index[-1:], block_minutes)[0]) for one in scored)
        self._size = last - self._first + 1
        draw = np.random.default_rng([seed, 53])
        self._weights = draw.multinomial(self._size, np.full(self._size, 1 / self._size), RESAMPLES).astype(
            np.float64
        )

    def of(self, scored: Iterable[Scored]) -> Drawn:
        """The mean figure of some forecasts, and its value in each resample. They are looked at one by one."""
        found = [self._auc(one) if self.is_auc else self._skill(one) for one in scored]
        return float(np.mean([value for value, _ in found])), np.mean([drawn for _, drawn in found], axis=0)

    def _auc(self, one: Scored) -> tuple[float, Floats]:
        order = np.argsort(one.said, kind="stable")
        ranks = np.empty(len(order))
        ranks[order] = _tied(one.said[order])
        bins = np.minimum((ranks / len(ranks) * _BINS).astype(np.int64), _BINS - 1)
        cell = self._block(one) * _BINS + bins
        shape = (self._size, _BINS)
        ups = np.bincount(cell, weights=one.actual, minlength=self._size * _BINS).reshape(shape)
        downs = np.bincount(cell, weights=1 - one.actual, minlength=self._size * _BINS).reshape(shape)
        positives = float(one.actual.sum())
        negatives = len(one.actual) - positives
        if not positives or not negatives:
            return 0.5, np.full(RESAMPLES, 0.5)
        exact = ((ranks + 1)[one.actual == 1].sum() - positives * (positives + 1) / 2) / (
            positives * negatives
        )
        drawn = _area(self._weights @ ups, self._weights @ downs)
        # Bins blur the curve a little, the same in every draw: moved so that the draws speak of the exact figure.
        blurred = float(_area(ups.sum(axis=0)[None], downs.sum(axis=0)[None])[0])
        return float(exact), drawn + (float(exact) - blurred)

    def _skill(self, one: Scored) -> tuple[float, Floats]:
        assert one.reference is not None
        block = self._block(one)
        own = np.bincount(block, weights=(one.said - one.actual) ** 2, minlength=self._size)
        other = np.bincount(block, weights=one.reference, minlength=self._size)
        drawn = 1.0 - (self._weights @ own) / np.maximum(self._weights @ other, 1e-300)
        return float(1.0 - own.sum() / max(float(other.sum()), 1e-300)), drawn

    def _block(self, one: Scored) -> "np.typing.NDArray[np.int64]":
        return blocks.numbers(one.index, self._minutes) - self._first


def _area(ups: Floats, downs: Floats) -> Floats:
    below = np.cumsum(downs, axis=1) - downs / 2
    pairs = np.maximum(ups.sum(axis=1) * downs.sum(axis=1), 1.0)
    area: Floats = (ups * below).sum(axis=1) / pairs
    return area


def _tied(ordered: Floats) -> Floats:
    """The ranks of ordered forecasts. Equal ones share their mean: a model that always says the same tells nothing."""
    ranks = np.arange(len(ordered), dtype=np.float64)
    begins = np.append(True, ordered[1:] != ordered[:-1])
    if begins.all():
        return ranks
    place = np.cumsum(begins) - 1
    shared: Floats = (np.bincount(place, weights=ranks) / np.bincount(place))[place]
    return shared


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _difference(a: tuple[float, Floats], b: tuple[float, Floats], tail: float) -> Estimate:
    value = a[0] - b[0]
    half = float(stats.norm.isf(tail) * (a[1] - b[1]).std())
    return Estimate(value, value - half, value + half)


def _reference(study: Study, walked: OutOfSample, y: Floats) -> Floats:
    """The squared error per bar of the reference that is hardest to beat on the judged span."""
    h = walked.horizon_bars
    given = references.forecasts(
        study.prices, study.targets[h], study.question.target, h, study.plans[h].folds
    )
    errors = [(forecast - y) ** 2 for forecast in given.values()]
    return min(errors, key=lambda error: float(np.nanmean(error[study.judged])))


def to_json(found: Contrast) -> bytes:
    """Plain JSON, as `from_json` reads it."""
    return _ADAPTER.dump_json(found)


def from_json(content: bytes) -> Contrast:
    """Read back what `to_json` wrote."""
    return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(Contrast)
