"""What an import understood, found and did, as plain values a command can show or write as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

from storage.importing.raw import Reject


@dataclass
class CoinReport:
    """One coin of one series. Rows are those of the file, bars what they became. Times are ISO 8601, UTC."""

    coin: str
    series: str
    rows: int = 0
    bars: int = 0
    start: str = ""
    end: str = ""
    new: int = 0
    updated: int = 0
    same: int = 0
    duplicates: int = 0
    conflicts: list[str] = field(default_factory=list)
    merged: int = 0  # finer bars or several quotes that went into one bar
    incomplete: int = 0  # bars at the ends made of too few finer ones, set aside
    gaps: int = 0
    missing_bars: int = 0
    longest_gap: str = ""
    spikes: list[str] = field(default_factory=list)
    largest_move: float = 0.0
    largest_move_at: str = ""
    stale_runs: int = 0
    longest_stale_bars: int = 0
    crossed_quotes: int = 0
    shifted: str = ""


@dataclass
class Report:
    """One file. `understood` says in words how it was read."""

    file: str
    understood: dict[str, str] = field(default_factory=dict)
    coins: list[CoinReport] = field(default_factory=list)
    rows_in: int = 0
    rejects: list[Reject] = field(default_factory=list)
    written: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
