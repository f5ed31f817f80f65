"""The rhythm of a coin: volatility, return or volume by hour, weekday or month."""

from collections.abc import Mapping
from typing import Final

from engine.report.exploring.section import Scene, Section
from engine.report.result import Column, Finding, Highlight, Table, Unit
from engine.report.wording.phrases import chance
from engine.science import charts
from engine.science.charts.numbers import basis_points, p_value, percent, plural, rate
from engine.science.eda import Clock
from engine.speech import say

UNITS: Final = {"hour": "Hour, UTC", "weekday": "Weekday", "month": "Month"}
_MEASURES: Final[Mapping[str, str]] = {
    "volatility": "Median volatility of a bar",
    "return": "Mean return",
    "volume": "Share of the volume",
}
_SHORT: Final[Mapping[str, str]] = {
    "volatility": "median move of a bar",
    "return": "mean return",
    "volume": "of the volume",
}
_VERBS: Final[Mapping[str, str]] = {
    "volatility": "moves most",
    "return": "earned most",
    "volume": "is traded most",
}
_ROWS: Final = {"hour": "day", "weekday": "week", "month": "day"}
_DAYS: Final = {
    "Mon": "Mondays", "Tue": "Tuesdays", "Wed": "Wednesdays", "Thu": "Thursdays", "Fri": "Fridays", "Sat": "Saturdays",
    "Sun": "Sundays",
}  # fmt: skip


def by_clock(scene: Scene, what: str, unit: str) -> Section:
    """A measure by hour, weekday or month; where the bars are too long for it, it says so."""
    found = scene.coin.clock(what, unit)
    if found is None:
        return Section(
            Finding(
                title=say(
                    "The bars of {coin} are too long to look inside a {unit}", coin=scene.name, unit=say(unit)
                ),
                text=say("Ask again with shorter bars, for example 5-minute ones."),
            )
        )
    return of_clock(scene, found)


def of_clock(scene: Scene, found: Clock) -> Section:
    """A clock in words: when it is highest and lowest, and whether chance makes as much of a difference."""
    best, worst = found.values[found.top], found.values[found.bottom]
    top, bottom = found.labels[found.top], found.labels[found.bottom]
    at = _at(found, top) + (" UTC" if found.unit == "hour" else "")
    other = _at(found, bottom)
    unit: Unit = "percent" if found.what == "volume" else "bp"

    def write(value: float) -> str:
        return percent(value, digits=1, sign=False) if unit == "percent" else basis_points(value)

    by_chance = (
        say(
            "Chance alone makes {units} differ as much in {share} of cases.",
            units=say(f"{found.unit}s"),
            share=chance(found.p_value),
        )
        if found.p_value is not None
        else ""
    )
    if not found.is_real:
        title = say(
            "No {unit} of {coin} stands out beyond chance in {what}",
            unit=say(found.unit),
            coin=scene.name,
            what=say(found.what),
        )
        text = say(
            "The highest is {top} with {best}, the lowest {bottom} with {worst}.",
            top=say(top),
            best=write(best.value),
            bottom=say(bottom),
            worst=write(worst.value),
        )
    else:
        times = best.value / worst.value if worst.value > 0 and found.what != "return" else None
        factor = (
            say(", {times} times as much as {other}", times=rate(times), other=other)
            if times
            else say(", least {other}", other=other)
        )
        title = say(
            "{coin} {moves} {at}{factor}",
            coin=scene.name,
            moves=say(_VERBS[found.what]),
            at=at,
            factor=factor,
        )
        text = say(
            "{measure} {best} (95\u202f% interval {low} to {high}) {at}, {worst} ({worst_low} to {worst_high}) {other}.",
            measure=say(_MEASURES[found.what]),
            best=write(best.value),
            low=write(best.low),
            high=write(best.high),
            at=at,
            worst=write(worst.value),
            worst_low=write(worst.low),
            worst_high=write(worst.high),
            other=other,
        )
    table = Table(
        columns=(
            Column(label=UNITS[found.unit]), Column(label=_MEASURES[found.what], unit=unit),
            Column(label="95\u202f% from", unit=unit), Column(label="to", unit=unit),
        ),
        rows=tuple((label, e.value, e.low, e.high) for label, e in zip(found.labels, found.values, strict=True)),
        caption=say(
            "{measure} of {coin}, over {span}.",
            measure=say(_MEASURES[found.what]), coin=scene.name, span=plural(found.rows, _ROWS[found.unit]),
        ),
    )  # fmt: skip
    chart = charts.draw_clock(
        scene.source, coin=scene.coin.coin, what=found.what, unit=found.unit, labels=found.labels,
        values=[e.value for e in found.values], low=[e.low for e in found.values],
        high=[e.high for e in found.values], p=found.p_value,
    )  # fmt: skip
    return Section(
        Finding(title=title, text=f"{text} {by_chance}".strip(), table=table),
        (
            Highlight(
                figure=top, meaning=f"the highest {found.unit}" + (", UTC" if found.unit == "hour" else "")
            ),
            Highlight(figure=write(best.value), meaning=f"{_SHORT[found.what]} then"),
            Highlight(figure=write(worst.value), meaning=f"{other}, the lowest"),
            Highlight(figure=p_value(found.p_value), meaning="p-value: how often chance does as much"),
        ),
        chart,
    )


def _at(found: Clock, label: str) -> str:
    match found.unit:
        case "hour":
            return say("at {hour}", hour=label)
        case "weekday":
            return say("on {weekdays}", weekdays=say(_DAYS[label]))
        case _:
            return say("in {month}", month=say(label))
