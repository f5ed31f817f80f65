"""Where time is cut: training labels end before the test begins, and the last span is nobody's but the chosen rule's."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from engine.science import simulate, targets, validation, walkforward
from engine.science.errors import BadSetting, TooFewBars
from engine.science.estimators import ModelSpec


def test_the_spans_by_hand() -> None:
    plan = validation.plan(1_000, 12)
    # 40 % trains only, the last 12 % (a fifth of the rest) is sealed, what lies between is cut in three.
    assert [(f.test_start, f.test_end) for f in plan.folds] == [(400, 560), (560, 720), (720, 880)]
    assert (plan.sealed.test_start, plan.sealed.test_end) == (880, 1_000)
    # 12 bars of label and 12 of embargo are left out before each.
    assert [f.train_end for f in (*plan.folds, plan.sealed)] == [376, 536, 696, 856]
    assert {f.train_start for f in plan.folds} == {0}
    assert plan.judged == slice(400, 880)


@pytest.mark.parametrize("horizon", [1, 12, 48])
@pytest.mark.parametrize("rolling", [False, True])
def test_no_training_label_reaches_into_its_test_bars(horizon: int, rolling: bool) -> None:
    plan = validation.plan(5_000, horizon, first=300, rolling=rolling)
    for fold in (*plan.folds, plan.sealed):
        last_label_known_at = fold.train_end - 1 + horizon
        assert last_label_known_at + validation.EMBARGO_BARS < fold.test_start
        assert fold.train_start >= 300
    if rolling:
        lengths = {fold.train_end - fold.train_start for fold in plan.folds}
        assert len(lengths) == 1


@pytest.mark.parametrize("horizon", [1, 12, 48])
def test_tuning_splits_keep_the_same_purge_and_stay_in_the_training_part(horizon: int) -> None:
    fold = validation.plan(5_000, horizon).folds[0]
    inner = list(validation.inner_folds(fold, horizon))
    assert len(inner) == 2
    for part in inner:
        assert part.train_end - 1 + horizon + validation.EMBARGO_BARS < part.test_start
        assert part.test_end <= fold.train_end


def test_a_change_after_the_training_part_changes_no_fit() -> None:
    draw = np.random.default_rng(1)
    index = pd.date_range("2024-01-01", periods=2_000, freq="5min", tz="UTC")
    table = pd.DataFrame(draw.normal(size=(2_000, 4)), index=index, columns=list("abcd"))
    target = pd.Series((draw.random(2_000) > 0.5).astype(float), index=index)
    fold = validation.plan(2_000, 12).folds[0]
    spec = ModelSpec.of("LogisticRegression", "classification")
    honest = walkforward.fit(table, target, spec, fold, task="classification", seed=1)
    other_table, other_target = table.copy(), target.copy()
    other_table.iloc[fold.train_end :] = draw.normal(size=(2_000 - fold.train_end, 4))
    other_target.iloc[fold.train_end :] = 1.0
    again = walkforward.fit(other_table, other_target, spec, fold, task="classification", seed=1)
    assert np.array_equal(honest.training_scores, again.training_scores)
    assert honest.cutoffs(0.4) == again.cutoffs(0.4)


def test_without_a_purge_an_overlapping_label_leaks_and_with_it_noise_stays_noise() -> None:
    # The measured failure of the obvious way: shuffled split and 12-bar labels on pure noise.
    from sklearn.ensemble import RandomForestClassifier

    prices = simulate.gbm(6_000, 2)
    y = targets.build(prices, "direction", 12).to_numpy()
    x = np.column_stack([np.log(prices["close"].to_numpy()), np.arange(6_000.0)])
    known = np.isfinite(y)
    x, y = x[known], y[known]
    order = np.random.default_rng(1).permutation(len(y))
    cut = int(0.8 * len(y))
    forest = RandomForestClassifier(30, random_state=1, n_jobs=1)
    shuffled = forest.fit(x[order[:cut]], y[order[:cut]]).score(x[order[cut:]], y[order[cut:]])
    fold = validation.plan(len(y), 12).folds[-1]
    forest.fit(x[fold.train_start : fold.train_end], y[fold.train_start : fold.train_end])
    purged = forest.score(x[fold.test_start : fold.test_end], y[fold.test_start : fold.test_end])
    assert shuffled > 0.75
    assert purged < 0.60


def test_too_few_bars_and_senseless_settings_are_refused_in_words() -> None:
    with pytest.raises(TooFewBars, match="longer period or a shorter horizon"):
        validation.plan(500, 12)
    with pytest.raises(TooFewBars, match="longer period or a shorter horizon"):
        validation.plan(5_000, 4_000)
    with pytest.raises(TooFewBars, match="too short to tune"):
        list(validation.inner_folds(validation.plan(700, 1).folds[0], 1))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: validation.plan(5_000, 0),
        lambda: validation.plan(5_000, 1, refits=0),
        lambda: validation.plan(5_000, 1, train_share=0.9),
        lambda: validation.plan(5_000, 1, embargo_bars=-1),
    )
    for wrong in attempts:
        with pytest.raises(BadSetting):
            wrong()
