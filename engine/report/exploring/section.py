"""One part of a look at the data: what it is written from, and what comes of it."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from engine import speech
from engine.report.result import Data, Finding, Highlight
from engine.science.charts import Chart, Source
from engine.science.eda import Explored


@dataclass(frozen=True)
class Section:
    """One thing that was looked at: a statement, its figures, its table and picture."""

    finding: Finding
    highlights: tuple[Highlight, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True)
class Scene:
    """What a section is written from: one coin as it was explored, its prices on the grid, and their health."""

    coin: Explored
    prices: pd.DataFrame
    source: Source
    data: Data
    several: bool
    indicators: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """The coin as people write it."""
        return self.coin.coin.upper()


def when(moment: datetime) -> str:
    """A moment to the minute, UTC understood."""
    return speech.minute(moment)
