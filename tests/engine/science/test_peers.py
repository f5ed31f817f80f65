"""Where arch and skfolio compute the same, ours is held against theirs.

arch is installed with the tests. skfolio brings a convex solver and a plotting library with it: its figures stand here as
its version 1.12.2 printed them for the same draws.
"""

import numpy as np
import pandas as pd
import pytest

from engine.science import backtest, maxt, metrics


@pytest.mark.parametrize(
    ("seed", "observations", "mean", "deflated", "alone"),
    [
        (3, 250, 0.1, 0.6551415243190764, 0.9727398404068959),
        (4, 600, 0.05, 0.4071575091927898, 0.9728615150637934),
        (5, 90, -0.02, 0.0033710609990878085, 0.0336107758608111),
    ],
)
def test_the_deflated_sharpe_ratio_is_that_of_skfolio(
    seed: int, observations: int, mean: float, deflated: float, alone: float
) -> None:
    draw = np.random.default_rng(seed)
    returns = draw.standard_t(5, observations) * 0.8 + mean
    tried = draw.normal(0, 0.05, 24)
    assert backtest.deflated_sharpe(returns, tried) == pytest.approx(deflated, rel=1e-9)
    # With a single try it is the probabilistic Sharpe ratio.
    assert backtest.deflated_sharpe(returns, tried[:1]) == pytest.approx(alone, rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_block_intervals_are_those_of_archs_bootstraps() -> None:
    from arch.bootstrap import CircularBlockBootstrap, IIDBootstrap

    days, per_block = 60, 48
    bars = days * 288
    draw = np.random.default_rng(8)
    # A forecast that is right in spells: neighbours are alike, and an interval from single bars would be far too narrow.
    spell = np.repeat(draw.random(bars // 12) < 0.53, 12)
    up = (draw.random(bars) < 0.5).astype(np.float64)
    said = np.where(spell, up, 1 - up)
    index = pd.date_range("2024-01-01", periods=bars, freq="5min", tz="UTC")
    ours = metrics.classification(up, 0.4 + 0.2 * said, index, 5 * per_block, seed=1)["accuracy"]
    hits = (said == up).astype(np.float64)
    assert ours.value == hits.mean()
    of_blocks = IIDBootstrap(hits.reshape(-1, per_block).mean(axis=1), seed=2)
    of_bars = CircularBlockBootstrap(per_block, hits, seed=2)
    single = IIDBootstrap(hits, seed=2)
    wide = ours.high - ours.low
    for theirs in (of_blocks, of_bars):
        low, high = theirs.conf_int(np.mean, reps=1_000, method="percentile").ravel()
        assert ours.low == pytest.approx(low, abs=0.15 * wide)
        assert ours.high == pytest.approx(high, abs=0.15 * wide)
    low, high = single.conf_int(np.mean, reps=1_000, method="percentile").ravel()
    assert high - low < 0.5 * wide


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
