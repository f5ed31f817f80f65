"""From positions to money: net result per bar, equity, drawdown, turnover, Sharpe.

Two measures, never mixed: the *test series* (position minus its mean, so that merely holding earns nothing) decides
about an edge; the *equity* (the position itself, compounded) is what an account would have shown.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from engine.science.bars import Floats


@dataclass(frozen=True, eq=False)
class TestSeries:
    """Per-bar results whose sums are tested: before costs, entered one bar late, after costs."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    signal: Floats
    late: Floats
    net: Floats


@dataclass(frozen=True, eq=False)
class Backtest:
    """An account that follows the positions. Returns are compounded shares (0.1 is 10 %), per bar or in all."""

    net_returns: Floats
    equity_after_costs: Floats
    equity_before_costs: Floats
    return_after_costs: float
    return_before_costs: float
    max_drawdown: float
    turnover_per_day: float
    trades: int
    break_even_cost_bps: float | None
    sharpe: float


def changes(positions: Floats) -> Floats:
    """Return |change of position| per bar, the entry from flat included."""
    return np.abs(np.diff(positions, prepend=0.0))


def test_series(positions: Floats, next_returns: Floats, cost: float) -> TestSeries:
    """Return (position - mean position) x next return, before and after `cost` x |change of position|.

    `positions[t]` is taken at the end of bar t, `next_returns[t]` is the return of bar t + 1 (NaN counts as 0). The
    late series takes every position one bar later: what is gone then was never to be had.
    """
    earned = np.nan_to_num(next_returns)
    signal = (positions - positions.mean()) * earned
    late_positions = np.concatenate([[0.0], positions[:-1]])
    late = (late_positions - late_positions.mean()) * earned
    return TestSeries(signal, late, signal - cost * changes(positions))


test_series.__test__ = False  # type: ignore[attr-defined]


def run(positions: Floats, next_returns: Floats, cost: float, bar_minutes: int) -> Backtest:
    """Follow the positions with an account that pays `cost` (a share) per side of every change."""
    earned = np.nan_to_num(next_returns)
    gross = positions * earned
    traded = changes(positions)
    # A side costs its share of what the account is worth when it trades, before the next bar moves it.
    net = (1.0 - cost * traded) * (1.0 + gross) - 1.0
    after, before = compound(net), compound(gross)
    days = len(positions) * bar_minutes / 1_440
    turnover = float(traded.sum())
    return Backtest(
        net_returns=net,
        equity_after_costs=after,
        equity_before_costs=before,
        return_after_costs=float(after[-1] - 1.0),
        return_before_costs=float(before[-1] - 1.0),
        max_drawdown=max_drawdown(after),
        turnover_per_day=turnover / days,
        trades=int((traded > 0).sum()),
        break_even_cost_bps=break_even_cost_bps(gross, traded),
        sharpe=sharpe(net, bar_minutes),
    )


def compound(returns: Floats) -> Floats:
    """Return the value of an account that starts with 1; an account that loses everything stays at 0."""
    growth = np.maximum(1.0 + returns, 0.0)
    return np.cumprod(growth).astype(np.float64)


def max_drawdown(equity: Floats) -> float:
    """Return the deepest fall from an earlier high as a negative share; the start of 1 counts as a high."""
    peak = np.maximum.accumulate(np.concatenate([[1.0], equity]))[1:]
    return float((equity / peak - 1.0).min())


def break_even_cost_bps(gross: Floats, traded: Floats) -> float | None:
    """Return the cost per side in bp at which the compounded result is nil, None without a trade.

    Negative where the positions lose before costs. Solves sum(log(1 + gross)) + sum(log(1 - c x traded)) = 0.
    """
    if not traded.any():
        return None
    with np.errstate(divide="ignore"):
        earned = float(np.log(np.maximum(1.0 + gross, 0.0)).sum())
    if not np.isfinite(earned):
        return None
    sizes, counts = np.unique(traded[traded > 0], return_counts=True)
    cost = earned / float(traded.sum())
    for _ in range(60):  # Newton's steps on a smooth, monotone function
        step = np.maximum(1.0 - cost * sizes, 1e-9)
        value = earned + float((counts * np.log(step)).sum())
        cost += value / float((counts * sizes / step).sum())
        if abs(value) < 1e-14:
            break
    return cost * 10_000


def sharpe(returns: Floats, bar_minutes: int) -> float:
    """Return the yearly Sharpe ratio of per-bar returns (365 days a year), 0 where nothing moved."""
    deviation = float(returns.std())
    if deviation < 1e-15:
        return 0.0
    return float(returns.mean() / deviation * np.sqrt(365 * 1_440 / bar_minutes))


def deflated_sharpe(returns: Floats, sharpes_tried: Floats) -> float:
    """Return the chance that the true Sharpe ratio is above what the best of so many tries shows by luck.

    Bailey and Lopez de Prado (2014). `returns` should be nearly independent (block sums); `sharpes_tried` are the
    Sharpe ratios per observation of every candidate, the chosen one included. Shown, never a gate.
    """
    n, deviation = len(returns), float(returns.std(ddof=1)) if len(returns) > 2 else 0.0
    if deviation < 1e-15:
        return 0.0
    ratio = float(returns.mean()) / deviation
    tries = len(sharpes_tried)
    spread = float(sharpes_tried.std(ddof=1)) if tries > 1 else 0.0
    euler = float(np.euler_gamma)
    luck = (
        spread
        * ((1 - euler) * stats.norm.ppf(1 - 1 / tries) + euler * stats.norm.ppf(1 - 1 / (tries * np.e)))
        if tries > 1
        else 0.0
    )
    skew, kurtosis = float(stats.skew(returns)), float(stats.kurtosis(returns, fisher=False))
    variance = max(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2, 1e-12)
    return float(stats.norm.cdf((ratio - luck) * np.sqrt((n - 1) / variance)))
