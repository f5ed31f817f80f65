"""A stretch of the past, and stretches of a length back from a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.goals.amounts import Length
from engine.goals.when import add_months


@dataclass(frozen=True)
class Period:
    """Start and end in UTC, half-open, None where it is open; `words` are those of the goal."""

    start: datetime | None
    end: datetime | None
    words: str
    whole: bool = False  # "all the data"
    either_order: tuple[str, str] | None = None  # two readings of a date in figures
    joined: bool = False  # follows another period with "and"


def last(length: Length, now: datetime, words: str) -> Period:
    """The stretch of this length that ends now."""
    return Period(back(now, length), now, words)


def back(moment: datetime, length: Length) -> datetime:
    """The moment a length earlier; months are calendar months."""
    length = length.as_history()
    if length.months and length.months == int(length.months):
        return add_months(moment, -int(min(length.months, 1_200)))
    return moment - timedelta(days=min(length.days, 36_500))


def forward(moment: datetime, length: Length) -> datetime:
    """The moment a length later; months are calendar months."""
    length = length.as_history()
    if length.months and length.months == int(length.months):
        return add_months(moment, int(min(length.months, 1_200)))
    return moment + timedelta(days=min(length.days, 36_500))
