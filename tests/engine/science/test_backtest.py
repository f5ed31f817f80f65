"""Money by hand: every figure of an account on four or five bars that can be checked with a pencil."""

import numpy as np
import pytest
from scipy import stats

from engine.science import backtest

POSITIONS = np.array([1.0, 1.0, -1.0, 0.0])
RETURNS = np.array([0.02, -0.01, -0.03, 0.05])
COST = 0.001


def test_the_test_series_takes_out_the_mean_position_and_pays_for_every_change() -> None:
    # mean position 0.25; (position - 0.25) x return, bar by bar
    series = backtest.test_series(POSITIONS, RETURNS, COST)
    assert series.signal == pytest.approx([0.75 * 0.02, 0.75 * -0.01, -1.25 * -0.03, -0.25 * 0.05])
    # entered with 1, held, turned round (2), closed (1)
    assert backtest.changes(POSITIONS) == pytest.approx([1, 0, 2, 1])
    assert series.net == pytest.approx(series.signal - 0.001 * np.array([1, 0, 2, 1]))
    # one bar late: positions 0, 1, 1, -1 with mean 0.25
    assert series.late == pytest.approx([-0.25 * 0.02, 0.75 * -0.01, 0.75 * -0.03, -1.25 * 0.05])


def test_holding_earns_nothing_in_the_test_series_whatever_the_market_does() -> None:
    series = backtest.test_series(np.ones(50), np.full(50, 0.01), 0.0)
    assert series.signal == pytest.approx(np.zeros(50))


def test_a_position_earns_the_return_of_the_next_bar_and_never_its_own() -> None:
    # Knowing the bar that has just ended is worth nothing if the next one is independent of it.
    draw = np.random.default_rng(1)
    returns = draw.normal(0, 0.01, 20_000)
    known, following = np.sign(returns[:-1]), returns[1:]
    honest = backtest.test_series(known, following, 0.0).signal
    cheating = backtest.test_series(known, returns[:-1], 0.0).signal
    assert abs(honest.mean()) < 3 * honest.std() / np.sqrt(len(honest))
    assert cheating.mean() > 50 * cheating.std() / np.sqrt(len(cheating))


def test_the_account_compounds_and_pays_before_the_bar_moves_it() -> None:
    account = backtest.run(POSITIONS, RETURNS, COST, bar_minutes=360)
    steps = [0.999 * 1.02, 0.99, 0.998 * 1.03, 0.999]
    assert account.equity_after_costs == pytest.approx(np.cumprod(steps))
    assert account.return_after_costs == pytest.approx(np.prod(steps) - 1)
    assert account.return_before_costs == pytest.approx(1.02 * 0.99 * 1.03 - 1)
    assert account.trades == 3
    assert account.turnover_per_day == pytest.approx(4.0)  # four bars of six hours are a day
    assert account.max_drawdown == pytest.approx(-0.01)
    daily = np.array(steps) - 1
    assert account.sharpe == pytest.approx(daily.mean() / daily.std() * np.sqrt(365 * 4))


def test_drawdown_counts_the_start_as_a_high() -> None:
    assert backtest.max_drawdown(np.array([0.9, 1.2, 0.6, 0.9])) == pytest.approx(-0.5)
    assert backtest.max_drawdown(np.array([0.8, 0.9])) == pytest.approx(-0.2)


def test_an_account_that_lost_everything_stays_at_nil() -> None:
    assert backtest.compound(np.array([0.1, -1.5, 0.3])) == pytest.approx([1.1, 0.0, 0.0])


def test_the_break_even_cost_makes_the_compounded_result_nil() -> None:
    account = backtest.run(POSITIONS, RETURNS, 0.0, 360)
    assert account.break_even_cost_bps is not None
    again = backtest.run(POSITIONS, RETURNS, account.break_even_cost_bps / 10_000, 360)
    assert again.return_after_costs == pytest.approx(0.0, abs=1e-12)
    # One trade in, one out, 2 % earned: (1 - c)^2 x 1.02 = 1.
    one = backtest.run(np.array([1.0, 0.0]), np.array([0.02, 0.0]), 0.0, 5)
    assert one.break_even_cost_bps == pytest.approx((1 - 1.02**-0.5) * 10_000)
    losing = backtest.run(np.array([1.0, 0.0]), np.array([-0.02, 0.0]), 0.0, 5)
    assert losing.break_even_cost_bps is not None
    assert losing.break_even_cost_bps < 0
    assert backtest.run(np.zeros(5), np.zeros(5), 0.0, 5).break_even_cost_bps is None


def test_a_bar_without_a_price_earns_nothing() -> None:
    account = backtest.run(np.ones(3), np.array([0.01, np.nan, 0.01]), 0.0, 5)
    assert account.return_before_costs == pytest.approx(1.01**2 - 1)


def test_the_deflated_sharpe_ratio_by_the_formula_of_its_authors() -> None:
    draw = np.random.default_rng(3)
    returns = draw.normal(0.1, 1.0, 250)
    tried = np.array([0.02, -0.03, 0.10, 0.05])
    ratio = returns.mean() / returns.std(ddof=1)
    luck = tried.std(ddof=1) * (
        (1 - np.euler_gamma) * stats.norm.ppf(1 - 1 / 4) + np.euler_gamma * stats.norm.ppf(1 - 1 / (4 * np.e))
    )
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    z = (ratio - luck) * np.sqrt(249) / np.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert backtest.deflated_sharpe(returns, tried) == pytest.approx(stats.norm.cdf(z))
    # More tries, less left of it; with a single try it is the chance that the ratio is above nil.
    assert backtest.deflated_sharpe(returns, tried) < backtest.deflated_sharpe(returns, tried[:1])
    assert backtest.deflated_sharpe(np.zeros(20), tried) == 0.0
