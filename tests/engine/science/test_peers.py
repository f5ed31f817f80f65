"""The correction for everything tried beside the one that econometricians use, Hansen's SPA as arch computes it.

skfolio has a deflated Sharpe ratio too; it is not asked here, because it brings a convex solver and a plotting library
with it: ours is held to its authors' formula in `test_backtest`.
"""

import numpy as np
import pytest

from engine.science import maxt


@pytest.mark.filterwarnings("ignore")
def test_max_t_and_spa_come_to_the_same_decisions() -> None:
    from arch.bootstrap import SPA

    ours, theirs = [], []
    for seed in range(24):
        draw = np.random.default_rng(seed)
        gains = draw.standard_t(5, (8, 150)) * 0.8
        gains[0] += seed % 4 * 0.12  # from nothing at all to plain to see
        ours.append(maxt.p_values(gains, seed).min())
        test = SPA(np.zeros(150), -gains.T, block_size=1, reps=500, seed=seed)
        test.compute()
        theirs.append(test.pvalues["consistent"])
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
    near = np.abs(np.asarray(theirs) - 0.05) < 0.02  # too near to the line for 500 resamples
    agree = (np.asarray(ours) <= 0.05) == (np.asarray(theirs) <= 0.05)
    assert agree[~near].all()
    assert 6 <= sum(p <= 0.05 for p in ours) <= 18
