"""Whether forecasts of what came later hold what was promised: hits by the binomial law, losses by their mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ALPHA = 0.05
SMALLEST = 20


@dataclass(frozen=True)
class Promise:
    """What the judged span showed: the share of right sides, and the mean squared error (of a chance: Brier)."""

    hit_rate: float
    loss: float


@dataclass(frozen=True)
class Drift:
    """How far forecasts fall short, over `independent` ones that do not share their time.

    `chance` is how likely so few hits, or so large a loss, would be if the promise held; None with too few to tell.
    """

    independent: int
    chance: float | None

    @property
    def is_there(self) -> bool:
        """Say whether to warn. By luck alone this happens one time in twenty."""
        return self.chance is not None and self.chance <= ALPHA


def check(
    hits: Sequence[bool],
    losses: Sequence[float],
    starts: Sequence[float],
    ends: Sequence[float],
    promise: Promise,
) -> Drift:
    """Compare outcomes, in order of time, with the promise; `starts` and `ends` are the seconds each one spans.

    Forecasts that share time share their luck: only those that begin after the last counted one ended are counted.
    The smaller of both chances is doubled, for there are two.
    """
    kept: list[int] = []
    for number, start in enumerate(starts):
        if not kept or start >= ends[kept[-1]]:
            kept.append(number)
    if len(kept) < SMALLEST:
        return Drift(len(kept), None)
    right = int(sum(hits[number] for number in kept))
    few_hits = float(stats.binom.cdf(right, len(kept), promise.hit_rate))
    worse = np.asarray([losses[number] for number in kept]) - promise.loss
    error = float(worse.std(ddof=1)) / np.sqrt(len(worse))
    large_loss = float(stats.t.sf(worse.mean() / error, len(worse) - 1)) if error > 0 else 1.0
    return Drift(len(kept), min(1.0, 2 * min(few_hits, large_loss)))
