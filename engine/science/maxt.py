"""One-sided max-t over everything tried: the signs of whole blocks of time are flipped, together for all candidates.

Under "no edge" a block's result is as likely negative as positive. Flipping the same blocks of all candidates at once
keeps their likeness to one another, so a thousand near-copies cost little and twenty different ideas cost what they
should (single-step Westfall-Young; the statistic is sum / root of the sum of squares).
"""

import numpy as np

from engine.science.bars import Floats

FLIPS = 1_999
_PIECE = 500


def statistics(sums: Floats) -> Floats:
    """Return the t-like statistic of each candidate from its block sums (candidates x blocks); NaN is no block."""
    filled = np.nan_to_num(sums)
    scale = np.sqrt((filled**2).sum(axis=1))
    ratio: Floats = np.divide(filled.sum(axis=1), scale, out=np.zeros(len(filled)), where=scale > 0)
    return ratio


def p_values(sums: Floats, seed: int, flips: int = FLIPS) -> Floats:
    """Return for each candidate the share of sign patterns whose best candidate does at least as well.

    `sums` is (candidates, blocks), NaN where a candidate has no such block. The observed pattern counts itself, so no
    p-value is below 1 / (flips + 1). The same seed gives the same answer.
    """
    observed = statistics(sums)
    best = best_under_flips(sums, seed, flips)
    # Ties of floating point must count against a claim.
    reached = (best[None, :] >= observed[:, None] - 1e-12).sum(axis=1)
    corrected: Floats = (1.0 + reached) / (flips + 1.0)
    return corrected


def best_under_flips(sums: Floats, seed: int, flips: int = FLIPS) -> Floats:
    """Return the best statistic of all candidates under each of `flips` random sign patterns."""
    filled = np.nan_to_num(sums)
    scale = np.sqrt((filled**2).sum(axis=1))
    unit = np.divide(filled, scale[:, None], out=np.zeros_like(filled), where=scale[:, None] > 0)
    random = np.random.default_rng(seed)
    best = np.empty(flips)
    for start in range(0, flips, _PIECE):
        size = min(_PIECE, flips - start)
        signs = random.integers(0, 2, (size, filled.shape[1])) * 2.0 - 1.0
        best[start : start + size] = (signs @ unit.T).max(axis=1)
    return best
