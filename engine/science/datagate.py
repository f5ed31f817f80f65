"""The data gate: what is odd in the bars, counted and shown, and whether enough is left to say anything."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.errors import TooFewBars
from engine.speech import Said, said

# Half of the bars missing or standing still is no series any more; a hole of a week splits it.
MOST_MISSING = 0.5
MOST_STALE = 0.5
LONGEST_HOLE_DAYS = 7
_STALE_RUN = 12
_SPIKE = 0.05


@dataclass(frozen=True)
class DataReport:
    """Counts over one coin's bars; `start` is moved forward where an old hole made the data before it unusable.

    `invalid` bars have a close that is no price (NaN, infinite, zero or less): they are treated as missing.
    """

    decision: Literal["ok", "shorten", "refuse"]
    why: Said
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int
    missing_bars: int
    invalid: int
    duplicates: int
    stale_bars: int
    crossed_quotes: int
    spikes: int
    largest_move: float
    largest_move_at: pd.Timestamp

    @property
    def reason(self) -> str:
        return str(self.why)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; times as ISO UTC."""
        counts = {name: value for name, value in asdict(self).items() if name != "why"}
        times = {name: value.isoformat() for name, value in counts.items() if isinstance(value, pd.Timestamp)}
        return {**counts, **times, "reason": self.reason}


def check(prices: pd.DataFrame) -> DataReport:
    """Look at one coin's raw bars (UTC starts). Nothing is changed."""
    bars.require(prices)
    minutes = bars.bar_minutes(prices)
    index = pd.DatetimeIndex(prices.index)
    step = pd.Timedelta(minutes=minutes)
    once = prices[~index.duplicated(keep="last")]
    ordered = priced(once)
    gaps = pd.Series(ordered.index).diff()
    hole = gaps > pd.Timedelta(days=LONGEST_HOLE_DAYS)
    start = ordered.index[int(np.flatnonzero(hole)[-1])] if hole.any() else ordered.index[0]
    kept = ordered.loc[start:]
    expected = int((kept.index[-1] - start) / step) + 1
    missing = expected - len(kept)
    decision: Literal["ok", "shorten", "refuse"] = "shorten" if hole.any() else "ok"
    why = (
        said("Only the data since {day} are used: before that there is a hole.", day=f"{start:%Y-%m-%d}")
        if hole.any()
        else said("")
    )
    close = kept["close"]
    if missing > MOST_MISSING * expected:
        decision = "refuse"
        why = said("More than half of the bars are missing; choose another period or series.")
    elif close.nunique() < 2:
        decision = "refuse"
        why = said("The price never changes in this period; choose another period or coin.")
    move = close.pct_change()
    runs = close.ne(close.shift()).cumsum()
    stale = int((runs.groupby(runs).transform("size") >= _STALE_RUN).sum())
    if decision != "refuse" and stale > MOST_STALE * expected:
        decision = "refuse"
        why = said(
            "The price stands still in {share:.0f}\N{NARROW NO-BREAK SPACE}% of the bars, as when a venue is down or hardly "
            "anybody trades; choose another period, coin or series.",
            share=100 * stale / expected,
        )
    back = (move.abs() > _SPIKE) & ((close.shift(-1) / close.shift(1) - 1).abs() < _SPIKE / 5)
    crossed = (kept["bid"] > kept["ask"]).sum() if {"bid", "ask"} <= set(kept.columns) else 0
    largest = int(np.nan_to_num(move.abs().to_numpy(np.float64)).argmax())
    return DataReport(
        decision=decision,
        why=why,
        start=start,
        end=kept.index[-1] + step,
        rows=len(kept),
        missing_bars=missing,
        invalid=len(once) - len(ordered),
        duplicates=len(prices) - len(once),
        stale_bars=stale,
        crossed_quotes=int(crossed),
        spikes=int(back.sum()),
        largest_move=float(move.iloc[largest]) if move.notna().any() else 0.0,
        largest_move_at=kept.index[largest],
    )


def clean(prices: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    """Bars in order, each stamp once (the later row wins), from the report's start, on the full grid."""
    index = pd.DatetimeIndex(prices.index)
    ordered = priced(prices[~index.duplicated(keep="last")]).loc[report.start :]
    ordered = ordered.replace([np.inf, -np.inf], np.nan)
    filled = ordered.assign(
        **{name: ordered[name].fillna(ordered["close"]) for name in ("open", "high", "low")},
        volume=ordered["volume"].fillna(0.0),
    )
    return bars.regular(filled)


def priced(prices: pd.DataFrame) -> pd.DataFrame:
    """The bars whose close is a price (finite and above zero), in order. Raises TooFewBars where none is."""
    close = prices["close"].to_numpy(np.float64)
    found: pd.DataFrame = prices[np.isfinite(close) & (close > 0)].sort_index()
    if found.empty:
        raise TooFewBars("None of the bars of this period has a price; choose another period or series.")
    return found
