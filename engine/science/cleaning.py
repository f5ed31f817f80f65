"""What cleaning changed, cell by cell, and the moves that stand out; nothing is altered here."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.datagate import DataReport

# Robust deviations from which on a move of one bar is an outlier; a normal curve has none in a million years.
FAR = 10.0
_SHOWN = 5


@dataclass(frozen=True)
class Changes:
    """Rows and cells between raw bars and the regular grid. Closes are never changed."""

    rows_before: int
    rows_after: int
    duplicates_dropped: int
    invalid_dropped: int
    dropped_before_a_hole: int
    missing_marked: int
    ranges_filled: int
    volumes_filled: int
    joined_into_minutes: int | None


@dataclass(frozen=True)
class Outlier:
    """A bar that moved far: its start (ISO, UTC) and its return as a share."""

    at: str
    move: float


def changes(raw: pd.DataFrame, report: DataReport, cleaned: pd.DataFrame, joined: pd.DataFrame) -> Changes:
    """Count what became of the bars: `cleaned` is the grid at the stored length, `joined` what is worked on."""
    kept = raw[~pd.DatetimeIndex(raw.index).duplicated(keep="last")]
    inside = kept.loc[kept.index >= report.start]
    priced = np.isfinite(inside["close"].to_numpy(np.float64)) & (inside["close"].to_numpy(np.float64) > 0)
    ranges = inside.loc[priced, ["open", "high", "low"]].isna().to_numpy()
    longer = bars.bar_minutes(joined) if len(joined) != len(cleaned) else None
    return Changes(
        rows_before=len(raw),
        rows_after=len(joined),
        duplicates_dropped=report.duplicates,
        invalid_dropped=report.invalid,
        dropped_before_a_hole=len(kept) - len(inside),
        missing_marked=int(cleaned["close"].isna().sum()),
        ranges_filled=int(ranges.sum()),
        volumes_filled=int(inside.loc[priced, "volume"].isna().sum()),
        joined_into_minutes=longer,
    )


def outliers(prices: pd.DataFrame) -> tuple[int, tuple[Outlier, ...]]:
    """Return how many bars moved `FAR` robust deviations or more, and the farthest of them. They stay in the data."""
    moves = bars.returns(prices)
    known = moves[np.isfinite(moves)]
    if not len(known):
        return 0, ()
    usual = 1.4826 * float(np.median(np.abs(known - np.median(known))))
    far = (
        np.flatnonzero(np.abs(np.nan_to_num(moves)) > FAR * usual)
        if usual > 0
        else np.array([], dtype=np.int64)
    )
    top = sorted(far, key=lambda at: -abs(moves[at]))[:_SHOWN]
    return len(far), tuple(Outlier(prices.index[at].isoformat(), round(float(moves[at]), 5)) for at in top)
