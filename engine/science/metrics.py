"""How good forecasts are, with intervals from resampled blocks of time (neighbouring bars are not independent)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from engine.science import blocks
from engine.science.bars import Floats

RESAMPLES = 400
_LEVEL = 0.95
_SCORE_BINS = 200


@dataclass(frozen=True)
class Estimate:
    """A figure with the 95 % interval that resampling whole blocks gives it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationBin:
    """One of the equally wide bins of stated chances: how often it really went up there."""

    low: float
    high: float
    stated: float
    observed: Estimate
    count: int


@dataclass(frozen=True)
class Slice:
    """Results of a part of the judged span (a month, a regime): compounded returns as shares."""

    name: str
    bars: int
    return_after_costs: float
    return_before_costs: float
    buy_and_hold: float
    hit_rate: float | None


Totals = Mapping[str, Floats]


def classification(
    up: Floats, chance: Floats, index: pd.DatetimeIndex, block_minutes: int, seed: int
) -> dict[str, Estimate]:
    """Return accuracy, balanced accuracy, precision, recall, F1, AUC and Brier of P(up) against what happened.

    Bars where either is NaN are left out. "Up" is said where the chance is above one half.
    """
    known = np.isfinite(up) & np.isfinite(chance)
    up, chance, index = up[known], chance[known], index[known]
    said = (chance > 0.5).astype(np.float64)
    parts = {
        "n": np.ones(len(up)),
        "hit": (said == up).astype(np.float64),
        "true_up": said * up,
        "said_up": said,
        "up": up,
        "square": (chance - up) ** 2,
    }
    result = _bootstrap(parts, index, block_minutes, seed, _CLASSIFICATION)
    result["auc"] = auc(up, chance, index, block_minutes, seed)
    return result


def regression(
    actual: Floats, predicted: Floats, index: pd.DatetimeIndex, block_minutes: int, seed: int, centre: float
) -> dict[str, Estimate]:
    """Return MAE, RMSE, R2 (against always saying `centre`, the training mean) and the hit rate of the side.

    The side of a return is its sign; the side of a volatility is whether it lies above `centre`.
    """
    known = np.isfinite(actual) & np.isfinite(predicted)
    actual, predicted, index = actual[known], predicted[known], index[known]
    error = predicted - actual
    parts = {
        "n": np.ones(len(actual)),
        "absolute": np.abs(error),
        "square": error**2,
        "reference": (actual - centre) ** 2,
        "hit": (np.sign(predicted - centre) == np.sign(actual - centre)).astype(np.float64),
    }
    return _bootstrap(parts, index, block_minutes, seed, _REGRESSION)


def auc(up: Floats, chance: Floats, index: pd.DatetimeIndex, block_minutes: int, seed: int) -> Estimate:
    """Return the area under the ROC curve; one half where only one class occurs."""
    positives = up.sum()
    negatives = len(up) - positives
    if not positives or not negatives:
        return Estimate(0.5, 0.5, 0.5)
    ranks = cast("Floats", stats.rankdata(chance))
    value = float((ranks[up == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
    # For the interval scores are binned by rank: counts per block and bin are all that resampling needs.
    bins = np.minimum((ranks - 1) / len(ranks) * _SCORE_BINS, _SCORE_BINS - 1).astype(np.int64)
    block = blocks.numbers(index, block_minutes)
    block = np.unique(block, return_inverse=True)[1]
    size = int(block.max()) + 1
    cell = block * _SCORE_BINS + bins
    ups = np.bincount(cell, weights=up, minlength=size * _SCORE_BINS).reshape(size, _SCORE_BINS)
    downs = np.bincount(cell, weights=1 - up, minlength=size * _SCORE_BINS).reshape(size, _SCORE_BINS)
    weights = _weights(size, seed)
    drawn_ups, drawn_downs = weights @ ups, weights @ downs
    below = np.cumsum(drawn_downs, axis=1) - drawn_downs / 2
    pairs = np.maximum(drawn_ups.sum(axis=1) * drawn_downs.sum(axis=1), 1.0)
    return _estimate(value, (drawn_ups * below).sum(axis=1) / pairs)


def calibration(
    up: Floats, chance: Floats, index: pd.DatetimeIndex, block_minutes: int, seed: int, bins: int = 8
) -> list[CalibrationBin]:
    """Return the bins of equal width between the lowest and the highest stated chance that hold any bar."""
    known = np.isfinite(up) & np.isfinite(chance)
    up, chance, index = up[known], chance[known], index[known]
    if not len(up):
        return []
    low, high = float(chance.min()), float(chance.max())
    edges = np.linspace(low, high, bins + 1)
    place = np.clip(np.searchsorted(edges, chance, side="right") - 1, 0, bins - 1)
    found: list[CalibrationBin] = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            parts = {"n": np.ones(int(inside.sum())), "hit": up[inside]}
            observed = _bootstrap(
                parts, index[inside], block_minutes, seed, {"rate": lambda t: t["hit"] / t["n"]}
            )
            stated = float(chance[inside].mean())
            span = (float(edges[number]), float(edges[number + 1]))
            found.append(CalibrationBin(*span, stated, observed["rate"], int(inside.sum())))
    return found


def by_month(index: pd.DatetimeIndex, net: Floats, gross: Floats, held: Floats, hits: Floats) -> list[Slice]:
    """Return the results of each calendar month (UTC) of the judged span; `hits` is 1, 0 or NaN per bar."""
    names = np.asarray(index.strftime("%Y-%m"))
    return [_slice(str(name), names == name, net, gross, held, hits) for name in dict.fromkeys(names)]


def by_volatility(
    recent_volatility: Floats,
    limits: tuple[float, float],
    net: Floats,
    gross: Floats,
    held: Floats,
    hits: Floats,
) -> list[Slice]:
    """Return the results in calm, usual and wild hours; `limits` come from the training part, known beforehand."""
    low, high = limits
    calm, wild = recent_volatility <= low, recent_volatility > high
    parts = {"calm": calm, "usual": ~calm & ~wild, "wild": wild}
    return [_slice(name, rows, net, gross, held, hits) for name, rows in parts.items() if rows.any()]


def _slice(
    name: str, rows: npt.NDArray[np.bool_], net: Floats, gross: Floats, held: Floats, hits: Floats
) -> Slice:
    grown = [float(np.prod(np.maximum(1.0 + part[rows], 0.0)) - 1.0) for part in (net, gross, held)]
    known = hits[rows][np.isfinite(hits[rows])]
    hit_rate = float(known.mean()) if len(known) else None
    return Slice(name, int(rows.sum()), grown[0], grown[1], grown[2], hit_rate)


def _ratio(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _balanced(t: Totals) -> Floats:
    downs, true_down = t["n"] - t["up"], t["hit"] - t["true_up"]
    return (_ratio(t["true_up"], t["up"]) + _ratio(true_down, downs)) / 2


_CLASSIFICATION: Mapping[str, Callable[[Totals], Floats]] = {
    "accuracy": lambda t: _ratio(t["hit"], t["n"]),
    "balanced_accuracy": _balanced,
    "precision": lambda t: _ratio(t["true_up"], t["said_up"]),
    "recall": lambda t: _ratio(t["true_up"], t["up"]),
    "f1": lambda t: _ratio(2 * t["true_up"], t["said_up"] + t["up"]),
    "brier": lambda t: _ratio(t["square"], t["n"]),
}
_REGRESSION: Mapping[str, Callable[[Totals], Floats]] = {
    "mae": lambda t: _ratio(t["absolute"], t["n"]),
    "rmse": lambda t: np.sqrt(_ratio(t["square"], t["n"])),
    "r2": lambda t: 1 - _ratio(t["square"], t["reference"]),
    "hit_rate": lambda t: _ratio(t["hit"], t["n"]),
}


def _bootstrap(
    parts: Mapping[str, Floats],
    index: pd.DatetimeIndex,
    block_minutes: int,
    seed: int,
    figures: Mapping[str, Callable[[Totals], Floats]],
) -> dict[str, Estimate]:
    block = np.unique(blocks.numbers(index, block_minutes), return_inverse=True)[1]
    size = int(block.max()) + 1 if len(block) else 1
    totals = {name: np.bincount(block, weights=part, minlength=size) for name, part in parts.items()}
    weights = _weights(size, seed)
    whole = {name: np.atleast_1d(total.sum()) for name, total in totals.items()}
    drawn = {name: weights @ total for name, total in totals.items()}
    return {name: _estimate(float(figure(whole)[0]), figure(drawn)) for name, figure in figures.items()}


@lru_cache(maxsize=2)
def _weights(size: int, seed: int) -> Floats:
    """Return how often each block is drawn in each resample; the same for every figure of a judged span."""
    random = np.random.default_rng([seed, 11])
    weights = random.multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(np.float64)
    weights.flags.writeable = False
    return weights


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(value, float(low), float(high))
