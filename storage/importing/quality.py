"""What a person should know about bars before trusting them: gaps, spikes, stale runs, crossed quotes.

Everything is counted and shown, nothing is changed: large moves are real more often than not.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from storage import coins
from storage.importing.bars import SECOND, Bars, time_text
from storage.importing.report import CoinReport
from storage.importing.rows import VALUES

STALE_BARS = 12  # an hour of five-minute bars without any change
_SPIKE_SIGMAS = 15.0
_SPIKE_LEAST = 0.03


def describe(bars: Bars) -> None:
    """Fill the coin's report with what its bars show."""
    report, micros = bars.report, bars.micros
    step = bars.interval_seconds * SECOND
    report.bars = len(micros)
    report.start, report.end = time_text(int(micros[0])), time_text(int(micros[-1]) + step)
    missing = np.round(np.diff(micros) / step).astype(np.int64) - 1
    holes = np.flatnonzero(missing > 0)
    report.gaps, report.missing_bars = len(holes), int(missing[holes].sum())
    if len(holes):
        worst = holes[np.argmax(missing[holes])]
        minutes = int(missing[worst]) * bars.interval_seconds // 60
        report.longest_gap = (
            f"{minutes // 60} h {minutes % 60:02d} min from {time_text(int(micros[worst]) + step)}"
        )
    _moves(bars, missing)
    _stale(bars, missing)
    with np.errstate(invalid="ignore"):
        report.crossed_quotes = int((bars.values["bid"] > bars.values["ask"]).sum())


def describe_table(table: pa.Table, series: str, interval_seconds: int) -> CoinReport:
    """The same for held bars of one coin, as `prices.load` returns them."""
    coin = table["coin"][0].as_py()
    values = {name: table[name].cast(pa.float64()).fill_null(float("nan")).to_numpy() for name in VALUES}
    report = CoinReport(coin, series, rows=table.num_rows)
    bars = Bars(
        coins.Market(coin), interval_seconds, table["timestamp"].cast(pa.int64()).to_numpy(), values, report
    )
    describe(bars)
    return report


def _moves(bars: Bars, missing: np.ndarray[Any, Any]) -> None:
    """The largest move, and the bars that leap far and come straight back, as a slip of a digit does."""
    report, close = bars.report, bars.values["close"]
    if len(close) < 3:
        return
    returns = np.diff(np.log(close))
    adjacent = missing == 0
    moves = np.where(adjacent, np.abs(returns), 0.0)
    at = int(np.argmax(moves))
    report.largest_move = float(np.expm1(returns[at])) if moves[at] else 0.0
    report.largest_move_at = time_text(int(bars.micros[at + 1])) if moves[at] else ""
    usual = float(np.median(np.abs(returns[returns != 0]))) * 1.4826 if (returns != 0).any() else 0.0
    least = max(_SPIKE_SIGMAS * usual, _SPIKE_LEAST)
    there, back = returns[:-1], returns[1:]
    leaps = (
        (np.abs(there) > least) & (np.abs(there + back) < 0.3 * np.abs(there)) & adjacent[1:] & adjacent[:-1]
    )
    report.spikes = [time_text(int(micros)) for micros in bars.micros[1:-1][leaps]]


def _stale(bars: Bars, missing: np.ndarray[Any, Any]) -> None:
    """Runs of bars in which nothing moved: the feed stood still, or the venue did."""
    if len(bars.micros) < STALE_BARS:
        return
    still = (np.diff(bars.values["close"]) == 0) & (missing == 0)
    for name in ("high", "low"):
        column = bars.values[name]
        with np.errstate(invalid="ignore"):
            still &= ~(column[1:] != bars.values["close"][1:]) | np.isnan(column[1:])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], still.astype(np.int8), [0]))))
    lengths = edges[1::2] - edges[::2] + 1
    long = lengths[lengths >= STALE_BARS]
    bars.report.stale_runs = len(long)
    bars.report.longest_stale_bars = int(long.max()) if len(long) else 0
