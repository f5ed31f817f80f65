"""Forecast figures by hand and against scikit-learn, and intervals that hold what they promise."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from engine.science import metrics


def times(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count, freq="5min", tz="UTC")


def test_classification_by_hand() -> None:
    up = np.array([1.0, 1, 1, 0, 0, 0, 0, 1, np.nan])
    chance = np.array([0.9, 0.6, 0.4, 0.7, 0.2, 0.1, 0.3, np.nan, 0.8])
    found = {name: e.value for name, e in metrics.classification(up, chance, times(9), 240, 1).items()}
    # seven bars known; said up: 0.9, 0.6, 0.7, of which two were; three rose
    assert found["accuracy"] == pytest.approx(5 / 7)
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.49 + 0.04 + 0.01 + 0.09) / 7)
    # pairs of one that rose and one that fell, in the right order: 0.9 beats 4, 0.6 beats 3, 0.4 beats 3
    assert found["auc"] == pytest.approx(10 / 12)


def test_classification_agrees_with_scikit_learn() -> None:
    draw = np.random.default_rng(1)
    up = (draw.random(4_000) > 0.45).astype(float)
    chance = np.clip(0.5 + 0.1 * (up - 0.5) + draw.normal(0, 0.1, 4_000), 0, 1).round(2)
    found = {n: e.value for n, e in metrics.classification(up, chance, times(4_000), 240, 1).items()}
    said = chance > 0.5
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(up, said))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(up, said))
    assert found["precision"] == pytest.approx(sk.precision_score(up, said))
    assert found["recall"] == pytest.approx(sk.recall_score(up, said))
    assert found["f1"] == pytest.approx(sk.f1_score(up, said))
    assert found["auc"] == pytest.approx(sk.roc_auc_score(up, chance))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(up, chance))


def test_regression_by_hand() -> None:
    actual, said = np.array([1.0, -2.0, 3.0, 0.5]), np.array([0.5, -1.0, -1.0, 1.5])
    found = {n: e.value for n, e in metrics.regression(actual, said, times(4), 240, 1, 0.0).items()}
    assert found["mae"] == pytest.approx((0.5 + 1 + 4 + 1) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((0.25 + 1 + 16 + 1) / 4))
    assert found["r2"] == pytest.approx(1 - 18.25 / (1 + 4 + 9 + 0.25))
    assert found["hit_rate"] == pytest.approx(3 / 4)


def test_shuffled_answers_show_no_skill_and_answers_from_the_future_do() -> None:
    draw = np.random.default_rng(2)
    up = (draw.random(8_000) > 0.5).astype(float)
    honest = metrics.classification(up, draw.random(8_000), times(8_000), 240, 1)["auc"]
    cheating = metrics.classification(
        up, 0.9 * up + 0.1 * draw.random(8_000), times(8_000), 240, 1
    )["auc"]  # fmt: skip
    assert honest.low < 0.5 < honest.high
    assert cheating.low > 0.99


def test_intervals_hold_the_truth_as_often_as_they_promise_when_neighbours_are_alike() -> None:
    # Answers that come in runs of twelve: bars are not independent, blocks nearly are.
    draw = np.random.default_rng(3)
    held = narrow = 0
    for seed in range(200):
        hit = np.repeat((draw.random(200) < 0.55).astype(float), 12)
        up = np.ones_like(hit)
        found = metrics.classification(up, np.where(hit > 0, 0.9, 0.1), times(len(hit)), 240, seed)[
            "accuracy"
        ]
        held += found.low <= 0.55 <= found.high
        half = 1.96 * np.sqrt(0.55 * 0.45 / len(hit))
        narrow += abs(found.value - 0.55) <= half
    assert held >= 178  # 95 % promised, less a little for 50 blocks
    assert narrow < 120  # as if bars were independent: far too sure


def test_calibration_bins_say_what_was_stated_and_what_happened() -> None:
    chance = np.repeat([0.2, 0.8], 400)
    up = np.concatenate([np.resize([1.0, 0, 0, 0], 400), np.resize([1.0, 1, 1, 0], 400)])
    bins = metrics.calibration(up, chance, times(800), 240, 1, bins=2)
    assert [b.stated for b in bins] == pytest.approx([0.2, 0.8])
    assert [(b.observed.value, b.count) for b in bins] == [(0.25, 400), (0.75, 400)]
    assert metrics.calibration(np.full(3, np.nan), np.ones(3), times(3), 240, 1) == []


def test_results_by_month_and_by_volatility_add_up_to_the_whole() -> None:
    index = pd.date_range("2024-01-30", periods=6, freq="D", tz="UTC")
    net = np.array([0.1, -0.1, 0.05, 0.0, 0.02, 0.01])
    gross, held, hits = net + 0.001, np.full(6, 0.01), np.array([1.0, 0, 1, np.nan, 1, 0])
    months = metrics.by_month(index, net, gross, held, hits)
    assert [m.name for m in months] == ["2024-01", "2024-02"]
    assert months[0].return_after_costs == pytest.approx(1.1 * 0.9 - 1)
    assert months[1].hit_rate == pytest.approx(2 / 3)
    assert np.prod([1 + m.return_after_costs for m in months]) == pytest.approx(np.prod(1 + net))
    level = np.array([1.0, 2, 3, 4, 5, 6])
    regimes = metrics.by_volatility(level, (2.0, 4.0), net, gross, held, hits)
    assert [(r.name, r.bars) for r in regimes] == [("calm", 2), ("usual", 2), ("wild", 2)]
    assert np.prod([1 + r.buy_and_hold for r in regimes]) == pytest.approx(1.01**6)
