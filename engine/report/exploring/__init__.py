"""From a look at the data to the report's findings and charts: what was asked about first, then the rest.

A topic is a function from a `Scene` to a `Section`, in the file of its subject.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from engine.report import pictures
from engine.report.exploring import clock, memory, moves, overview, regimes, together
from engine.report.exploring.section import Scene, Section
from engine.report.result import Data, Finding, Highlight
from engine.science.charts import Chart, Source
from engine.science.eda import Exploration

MOST_COINS: Final = 6
_TOPICS: Final[Mapping[str, Callable[[Scene], Section | None]]] = {
    "overview": overview.whole,
    "volatility": regimes.volatility,
    "distribution": moves.distribution,
    "autocorrelation": memory.autocorrelation,
    "drawdown": moves.drawdown,
    "extremes": moves.extremes,
    "gaps": overview.gaps,
    "volume": lambda scene: clock.by_clock(scene, "volume", "hour"),
}
# What follows what was asked about, of the first coin.
_THE_REST: Final = ("overview", "volatility", "distribution", "autocorrelation", "drawdown", "extremes")


@dataclass(frozen=True)
class Look:
    """Everything the report shows of a look at the data, in reading order."""

    findings: tuple[Finding, ...]
    highlights: tuple[Highlight, ...]
    charts: dict[str, Chart]


def look(
    found: Exploration,
    prices: Mapping[str, pd.DataFrame],
    source: Source,
    data: Data,
    *,
    indicators: pd.DataFrame | None = None,
) -> Look:
    """Write and draw a look at the data; `prices` are those that were looked at, on the regular grid."""
    several = len(found.coins) > 1
    marks = [indicators, *(None for _ in found.coins[1:])]
    scenes = [
        Scene(coin, prices[coin.coin], source, data, several, mark)
        for coin, mark in zip(found.coins[:MOST_COINS], marks, strict=False)
    ]
    sections = list(_sections(found, scenes))
    drawn: dict[str, Chart] = {}
    findings = []
    for section in sections:
        chart = section.chart
        if chart is not None:
            if chart.name in drawn:
                chart = replace(chart, name=f"{chart.name}_{len(drawn) + 1}")
            drawn[chart.name] = chart
        findings.append(section.finding.model_copy(update={"chart": chart.name if chart else None}))
    first = scenes[0]
    rhythm = pictures.draw_rhythm(source, first.coin.coin, first.prices, wide=True)
    if rhythm is not None:
        drawn.setdefault(rhythm.name, rhythm)
    return Look(tuple(findings), sections[0].highlights, drawn)


def _sections(found: Exploration, scenes: list[Scene]) -> Iterator[Section]:
    what, _, unit = found.topic.partition("_by_")
    lead = _TOPICS.get(what, overview.whole)
    both = list(together.correlation(found, scenes[0]))
    if found.topic == "correlation":
        yield from both
    for scene in scenes if found.topic != "correlation" else ():
        section = clock.by_clock(scene, what, unit) if unit else lead(scene)
        if section is not None:
            yield section
    if scenes[0].several:
        yield together.side_by_side(found)
        if found.topic != "correlation":
            yield from both
    for topic in _THE_REST:
        section = _TOPICS[topic](scenes[0]) if unit or _TOPICS[topic] is not lead else None
        if section is not None:
            yield section
