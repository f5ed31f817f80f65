"""The simple forecasts a regression has to beat: no change, the mean, persistence, a moving average (EWMA)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.science import bars, targets
from engine.science.bars import Floats
from engine.science.targets import Target
from engine.science.validation import Fold

_EWMA_SPANS = (1, 3, 12, 48)


def names(target: Target) -> tuple[str, ...]:
    """Return the references a model of this target must beat, all of them."""
    return ("no_change", "mean", "persistence") if target == "return" else ("mean", "persistence", "ewma")


def forecasts(
    prices: pd.DataFrame, actual: pd.Series, target: Target, horizon_bars: int, folds: tuple[Fold, ...]
) -> Mapping[str, Floats]:
    """Return each reference's forecast per bar, NaN outside the folds' test bars.

    All use what is known at the end of the bar. Of a volatility persistence and EWMA are shifted by their mean error
    in the fold's training part, and the EWMA takes the span that was best there: a model gets no credit for beating a
    reference that is merely off by a constant.
    """
    y = actual.to_numpy(np.float64)
    if target == "return":
        close = bars.known_close(prices)
        last = np.full(len(close), np.nan)
        last[horizon_bars:] = close[horizon_bars:] / close[:-horizon_bars] - 1.0
        return {
            "no_change": _on_folds(np.zeros(len(y)), folds),
            "mean": _mean(y, folds),
            "persistence": _on_folds(last, folds),
        }
    recent = targets.realised_log_volatility(prices, horizon_bars).ffill().to_numpy(np.float64)
    return {
        "mean": _mean(y, folds),
        "persistence": _shifted([recent], y, folds),
        "ewma": _shifted([_ewma(prices, span * horizon_bars) for span in _EWMA_SPANS], y, folds),
    }


def _ewma(prices: pd.DataFrame, span: int) -> Floats:
    squares = pd.Series(bars.returns(prices) ** 2).fillna(0.0)
    mean_square = squares.ewm(span=max(span, 2), adjust=True).mean().to_numpy(np.float64)
    logs: Floats = 0.5 * np.log(np.maximum(mean_square, targets.SMALLEST_VOLATILITY**2))
    return logs


def _on_folds(values: Floats, folds: tuple[Fold, ...]) -> Floats:
    result = np.full(len(values), np.nan)
    for fold in folds:
        result[fold.test_start : fold.test_end] = values[fold.test_start : fold.test_end]
    return result


def _mean(y: Floats, folds: tuple[Fold, ...]) -> Floats:
    result = np.full(len(y), np.nan)
    for fold in folds:
        result[fold.test_start : fold.test_end] = np.nanmean(y[fold.train_start : fold.train_end])
    return result


def _shifted(choices: list[Floats], y: Floats, folds: tuple[Fold, ...]) -> Floats:
    result = np.full(len(y), np.nan)
    for fold in folds:
        train, test = slice(fold.train_start, fold.train_end), slice(fold.test_start, fold.test_end)
        errors = [y[train] - choice[train] for choice in choices]
        best = int(np.argmin([np.nanvar(error) for error in errors]))
        result[test] = choices[best][test] + np.nanmean(errors[best])
    return result
