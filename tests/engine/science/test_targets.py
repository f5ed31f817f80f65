"""What is predicted, by hand; and that nothing else of the table looks ahead."""

import numpy as np
import pandas as pd
import pytest

from engine.science import bars, features, references, simulate, targets, validation


def frame(close: list[float]) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=len(close), freq="5min", tz="UTC")
    values = np.array(close)
    return pd.DataFrame(
        {"open": values, "high": values, "low": values, "close": values, "volume": 1.0}, index=index
    )


def test_direction_and_return_two_bars_ahead_by_hand() -> None:
    prices = frame([100, 110, 100, 121, 100])
    assert targets.build(prices, "direction", 2).tolist()[:3] == [0.0, 1.0, 0.0]  # unchanged is not above
    assert targets.build(prices, "return", 2).tolist()[:3] == pytest.approx([0.0, 0.1, 0.0])
    for target in ("direction", "return", "volatility"):
        assert targets.build(prices, target, 2).isna().tolist()[3:] == [True, True]


def test_volatility_is_the_log_of_the_root_mean_square_return_to_come() -> None:
    prices = frame([100, 101, 99, 100, 102])
    logs = np.diff(np.log([100, 101, 99, 100, 102]))
    found = targets.build(prices, "volatility", 2)
    assert found.iloc[1] == pytest.approx(0.5 * np.log((logs[1] ** 2 + logs[2] ** 2) / 2))


def test_a_gap_has_no_target_and_the_next_bar_earns_the_jump() -> None:
    prices = frame([100, 101, np.nan, 103, 104])
    assert targets.build(prices, "return", 1).isna().tolist() == [False, True, True, False, True]
    assert bars.next_returns(prices)[1:4] == pytest.approx([0.0, 103 / 101 - 1, 104 / 103 - 1])


def test_features_at_a_bar_do_not_change_when_the_future_does() -> None:
    prices = simulate.garch(1_500, 1)
    other = prices.copy()
    other.iloc[1_000:, :4] *= 1.5
    for target in ("direction", "volatility"):
        spec = features.default_spec(5, target)
        one, two = features.build(prices, spec), features.build(other, spec)
        pd.testing.assert_frame_equal(one.iloc[:1_000], two.iloc[:1_000])
        assert not one.iloc[1_000:1_100].equals(two.iloc[1_000:1_100])


@pytest.mark.parametrize("target", ["return", "volatility"])
def test_references_know_only_what_is_past(target: targets.Target) -> None:
    prices = simulate.garch(2_000, 2)
    plan = validation.plan(2_000, 6)
    fold = plan.folds[0]
    middle = (fold.test_start + fold.test_end) // 2
    changed = prices.copy()
    changed.iloc[middle + 1 :, :4] *= np.linspace(1, 2, 2_000 - middle - 1)[:, None]
    said = []
    for each in (prices, changed):
        y = targets.build(each, target, 6)
        said.append(references.forecasts(each, y, target, 6, (fold,)))
    assert set(said[0]) == set(references.names(target))
    for name in said[0]:
        part = slice(fold.test_start, middle + 1)
        assert np.array_equal(said[0][name][part], said[1][name][part]), name
        assert np.isfinite(said[0][name][part]).all(), name


def test_the_references_of_a_return_by_hand() -> None:
    prices = simulate.gbm(1_000, 3)
    plan = validation.plan(1_000, 4)
    y = targets.build(prices, "return", 4)
    said = references.forecasts(prices, y, "return", 4, plan.folds[:1])
    fold, close = plan.folds[0], prices["close"].to_numpy()
    at = fold.test_start + 5
    assert said["no_change"][at] == 0.0
    assert said["mean"][at] == pytest.approx(np.nanmean(y.to_numpy()[: fold.train_end]))
    assert said["persistence"][at] == pytest.approx(close[at] / close[at - 4] - 1)
