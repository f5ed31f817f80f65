"""The data gate: what is odd in the bars, counted and shown, and whether enough is left to say anything."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from engine.science import bars

# Half of the bars missing is no series any more; a hole of a week splits it.
MOST_MISSING = 0.5
LONGEST_HOLE_DAYS = 7
_STALE_RUN = 12
_SPIKE = 0.05


@dataclass(frozen=True)
class DataReport:
    """Counts over one coin's bars; `start` is moved forward where an old hole made the data before it unusable."""

    decision: Literal["ok", "shorten", "refuse"]
    reason: str
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int
    missing_bars: int
    duplicates: int
    stale_bars: int
    crossed_quotes: int
    spikes: int
    largest_move: float

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; times as ISO UTC."""
        return {**asdict(self), "start": self.start.isoformat(), "end": self.end.isoformat()}


def check(prices: pd.DataFrame) -> DataReport:
    """Look at one coin's raw bars (UTC starts). Nothing is changed."""
    bars.require(prices)
    minutes = bars.bar_minutes(prices)
    index = pd.DatetimeIndex(prices.index)
    step = pd.Timedelta(minutes=minutes)
    ordered = prices[~index.duplicated(keep="last")].sort_index()
    gaps = pd.Series(ordered.index).diff()
    hole = gaps > pd.Timedelta(days=LONGEST_HOLE_DAYS)
    start = ordered.index[int(np.flatnonzero(hole)[-1])] if hole.any() else ordered.index[0]
    kept = ordered.loc[start:]
    expected = int((kept.index[-1] - start) / step) + 1
    missing = expected - len(kept)
    decision: Literal["ok", "shorten", "refuse"] = "shorten" if hole.any() else "ok"
    reason = (
        f"Only the data since {start:%Y-%m-%d} are used: before that there is a hole." if hole.any() else ""
    )
    close = kept["close"]
    if missing > MOST_MISSING * expected:
        decision, reason = (
            "refuse",
            "More than half of the bars are missing; choose another period or series.",
        )
    elif close.nunique() < 2:
        decision, reason = "refuse", "The price never changes in this period; choose another period or coin."
    move = close.pct_change()
    back = (move.abs() > _SPIKE) & ((close.shift(-1) / close.shift(1) - 1).abs() < _SPIKE / 5)
    runs = close.ne(close.shift()).cumsum()
    lengths = runs.groupby(runs).transform("size")
    crossed = (kept["bid"] > kept["ask"]).sum() if {"bid", "ask"} <= set(kept.columns) else 0
    return DataReport(
        decision=decision,
        reason=reason,
        start=start,
        end=kept.index[-1] + step,
        rows=len(kept),
        missing_bars=missing,
        duplicates=len(prices) - len(ordered),
        stale_bars=int((lengths >= _STALE_RUN).sum()),
        crossed_quotes=int(crossed),
        spikes=int(back.sum()),
        largest_move=float(move.iloc[int(np.nanargmax(move.abs().to_numpy(np.float64)))])
        if move.notna().any()
        else 0.0,
    )


def clean(prices: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    """Bars in order, each stamp once (the later row wins), from the report's start, on the full grid."""
    index = pd.DatetimeIndex(prices.index)
    ordered = prices[~index.duplicated(keep="last")].sort_index().loc[report.start :]
    filled = ordered.assign(
        **{name: ordered[name].fillna(ordered["close"]) for name in ("open", "high", "low")},
        volume=ordered["volume"].fillna(0.0),
    )
    return bars.regular(filled)
