"""What a trade costs: the stated cost, the spread that prices show, and the cap on it."""

import numpy as np
import pandas as pd
import pytest

from engine.science import costs, simulate
from engine.science.errors import BadSetting


def test_the_usual_cost_is_ten_and_two() -> None:
    cost = costs.effective(simulate.gbm(3_000, 1))
    assert (cost.bps, cost.is_default, cost.half_spread_bps) == (12.0, True, 0.0)
    assert cost.share == 0.0012


def test_rolls_spread_by_hand_and_from_a_bounce() -> None:
    # Prices that jump between bid and ask without moving: cov = -s^2/4 x ..., half spread = sqrt(-cov).
    sides = np.random.default_rng(2).choice([-1.0, 1.0], 40_000) * 0.0006
    returns = np.diff(sides)
    assert costs.roll_half_spread_bps(returns) == pytest.approx(
        np.sqrt(-np.mean((returns[1:] - returns.mean()) * (returns[:-1] - returns.mean()))) * 10_000
    )
    assert costs.roll_half_spread_bps(returns) == pytest.approx(6.0, abs=0.15)
    bouncing = costs.effective(simulate.bounce(25_920, 3), 0.0)
    assert bouncing.bps == pytest.approx(6.0, abs=1.5)


def test_a_spread_that_could_be_chance_is_none() -> None:
    assert costs.roll_half_spread_bps(np.random.default_rng(4).normal(0, 0.002, 20_000)) == 0.0
    assert costs.roll_half_spread_bps(np.array([0.01, -0.01] * 20)) == 0.0  # too few bars to tell


def test_one_wild_week_does_not_set_the_price_of_the_year() -> None:
    returns = np.diff(np.log(simulate.gbm(25_920, 5)["close"].to_numpy()))
    wild = returns.copy()
    wild[1_000:1_400] = np.resize([0.06, -0.06], 400)
    unclipped = np.sqrt(-np.mean(wild[1:] * wild[:-1])) * 10_000
    assert unclipped > 70
    assert costs.roll_half_spread_bps(wild) < 0.3 * unclipped
    prices = simulate.frame(wild, 1)
    capped = costs.effective(prices)
    assert capped.is_capped
    assert capped.bps == costs.FEE_BPS + costs.HALF_SPREAD_CAP_BPS
    assert "counted up to 10 bp" in capped.note


def test_quotes_tell_the_spread_where_there_are_any() -> None:
    prices = simulate.gbm(1_000, 6)
    quoted = prices.assign(bid=prices["close"] * 0.9985, ask=prices["close"] * 1.0015)
    cost = costs.effective(quoted)
    assert cost.is_quoted
    assert cost.half_spread_bps == pytest.approx(15.0, abs=0.01)
    assert cost.bps == pytest.approx(25.0, abs=0.01)
    assert "quoted half spread" in cost.note
    crossed = prices.assign(bid=prices["close"] * 1.01, ask=prices["close"] * 0.99)
    assert costs.effective(crossed).bps == 12.0
    sparse = quoted.copy()
    sparse.loc[sparse.index[:900], ["bid", "ask"]] = np.nan
    assert not costs.effective(sparse).is_quoted


def test_a_stated_cost_is_kept_unless_the_prices_show_more() -> None:
    prices: pd.DataFrame = simulate.gbm(3_000, 1)
    assert costs.effective(prices, 6.0).bps == 6.0
    assert costs.effective(prices, 0.0).bps == 0.0
    assert costs.effective(prices, 40.0).bps == 40.0
    for wrong in (-1.0, 5_000.0, float("nan")):
        with pytest.raises(BadSetting):
            costs.effective(prices, wrong)
