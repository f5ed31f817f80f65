"""How time is cut: training only, walk-forward, sealed.

ONE definition, used by the verdict, the tables, the charts and the message:

    |---- training only, 40 % ----|---- walk-forward, 48 %: the judged span ----|---- sealed, 12 % ----|

The walk-forward part is cut into as many test folds as there are refits. Every figure speaks of the judged span. The
sealed part, the last fifth of what comes after the first training, is opened for the chosen rule alone and has figures
of its own. (A fifth of the whole period was tried: it found 10 of 24 weak planted edges, this one 15 of 24.) Shares
are of the bars that remain after the features' warm-up. Nothing is ever shuffled.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.science.errors import BadSetting, TooFewBars

TRAIN_SHARE = 0.4
SEALED_SHARE = 0.12
REFITS = 3
EMBARGO_BARS = 12
SMALLEST_TRAINING = 200


@dataclass(frozen=True)
class Fold:
    """One refit: positions on the grid of bars, ends exclusive.

    The label of a training bar t is known at the end of bar t + h. Training ends `purge` + embargo bars before the
    test begins, so no training label reaches into it.
    """

    number: int
    train_start: int
    train_end: int
    test_start: int
    test_end: int


@dataclass(frozen=True)
class Plan:
    """The cut of one coin's bars for one horizon; `folds` make up the judged span, `sealed` follows it."""

    bars: int
    first: int
    horizon_bars: int
    embargo_bars: int
    folds: tuple[Fold, ...]
    sealed: Fold

    @property
    def judged(self) -> slice:
        """Positions of the judged span."""
        return slice(self.folds[0].test_start, self.folds[-1].test_end)

    @property
    def judged_bars(self) -> int:
        """Number of bars of the judged span."""
        return self.folds[-1].test_end - self.folds[0].test_start


def plan(
    bars: int,
    horizon_bars: int,
    *,
    first: int = 0,
    refits: int = REFITS,
    train_share: float = TRAIN_SHARE,
    sealed_share: float = SEALED_SHARE,
    embargo_bars: int = EMBARGO_BARS,
    rolling: bool = False,
) -> Plan:
    """Cut `bars` bars, of which the first `first` are warm-up, for a label that looks `horizon_bars` ahead.

    Plans of other horizons on the same bars have the same test folds, so that all candidates are judged on the same
    bars. `rolling` keeps the training part at its first length; otherwise it grows. Raises TooFewBars.
    """
    _require(horizon_bars, refits, train_share, sealed_share, embargo_bars)
    span = bars - first
    start, end = first + round(span * train_share), bars - round(span * sealed_share)
    gap = horizon_bars + embargo_bars
    length = start - gap - first
    if length < SMALLEST_TRAINING or end - start < max(refits * 2, horizon_bars):
        raise TooFewBars(
            "{n} usable bars are too few to train on and to test a forecast {ahead} bars ahead; "
            "take a longer period or a shorter horizon.",
            n=max(span, 0),
            ahead=horizon_bars,
        )
    edges = [start + round((end - start) * number / refits) for number in range(refits + 1)]
    folds = [
        _fold(number, edges[number], edges[number + 1], first, gap, length, rolling)
        for number in range(refits)
    ]
    sealed = _fold(refits, end, bars, first, gap, length, rolling)
    return Plan(bars, first, horizon_bars, embargo_bars, tuple(folds), sealed)


def inner_folds(
    fold: Fold, horizon_bars: int, splits: int = 2, embargo_bars: int = EMBARGO_BARS
) -> Iterator[Fold]:
    """Cut the training part of a fold again with the same purge, for tuning: the last half is tested in pieces."""
    span = fold.train_end - fold.train_start
    start, gap = fold.train_start + span // 2, horizon_bars + embargo_bars
    if start - gap - fold.train_start < SMALLEST_TRAINING:
        raise TooFewBars(
            "The training part is too short to tune on; take a longer period or leave tuning out."
        )
    edges = [start + round((fold.train_end - start) * number / splits) for number in range(splits + 1)]
    for number in range(splits):
        yield _fold(number, edges[number], edges[number + 1], fold.train_start, gap, 0, False)


def _fold(
    number: int, test_start: int, test_end: int, first: int, gap: int, length: int, rolling: bool
) -> Fold:
    train_end = test_start - gap
    return Fold(number, max(first, train_end - length) if rolling else first, train_end, test_start, test_end)


def _require(horizon: int, refits: int, train_share: float, sealed_share: float, embargo: int) -> None:
    if horizon < 1 or embargo < 0:
        raise BadSetting("The horizon must be at least one bar and the embargo cannot be negative.")
    if not 1 <= refits <= 50:
        raise BadSetting("The number of refits must lie between 1 and 50.")
    if not (0.1 <= train_share <= 0.8 and 0.05 <= sealed_share <= 0.4 and train_share + sealed_share <= 0.9):
        raise BadSetting("The shares for training and for the sealed span leave no room for a walk-forward.")
