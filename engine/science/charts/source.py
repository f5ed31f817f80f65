"""The values around a chart: where its prices come from, and the finished picture with its words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from engine.science.charts import numbers, style

SIMULATED: Final = "Simulated prices, not a market"


@dataclass(frozen=True)
class Source:
    """Where the prices of a chart come from; written at its foot. Times are aware UTC, half-open."""

    venue: str
    currency: str
    interval_minutes: float
    bars: int
    start: datetime
    end: datetime
    run: str
    simulated: bool = False

    def line(self) -> str:
        """The source in one line: venue, currency, bars, span, run."""
        where = " ".join(part for part in (self.venue, self.currency) if part)
        bars = f"{numbers.count(self.bars)} {numbers.bar_name(self.interval_minutes)} bars"
        span = f"{self.start.astimezone(UTC):%Y-%m-%d} to {self.end.astimezone(UTC):%Y-%m-%d} UTC"
        return style.legible(" · ".join(part for part in (where, bars, span, self.run) if part))


@dataclass(frozen=True)
class Chart:
    """A finished picture: PNG for a chat, SVG for the report, and its words.

    `wide` pictures take the report's full width, others share a row. `alt` says what the picture shows, with
    its figures, for those who do not see it.
    """

    name: str
    title: str
    subtitle: str
    alt: str
    png: bytes
    svg: str | None
    wide: bool
