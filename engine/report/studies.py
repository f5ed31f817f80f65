"""What a comparison and a weighing of features say: the finding, its figures and its picture."""

from dataclasses import dataclass
from typing import Final

from engine.report.result import Column, Finding, Highlight, Table, Unit
from engine.science import charts
from engine.science.candidates import duration
from engine.science.charts import Chart, Source, numbers
from engine.science.charts.numbers import number, percent, plural, signed
from engine.science.comparing import Contrast, Figure
from engine.science.importance import Importance
from engine.science.metrics import Estimate

NOUNS: Final = {"coins": "coin", "models": "model", "features": "set of features"}


@dataclass(frozen=True)
class Part:
    """Something that stands beside a judgement."""

    finding: Finding
    highlights: tuple[Highlight, ...]
    chart: Chart


def compared(found: Contrast, source: Source) -> Part:
    """Say which is better, by how much, and whether luck explains it."""
    figure = found.comparison.figure
    first, second = found.standings[0], found.standings[1]
    title, values = _answer(found)
    what = f"{', '.join(c.upper() for c in found.coins)}, {_ahead(found.horizon_minutes)} ahead"
    behind = second.behind
    if behind is not None and found.by == "features" and not first.name.startswith("with "):
        behind = Estimate(-behind.value, -behind.high, -behind.low)  # of leaving it in, whichever is ahead
    text = ""
    if behind is not None:
        luck = "beyond chance" if found.comparison.is_clear else "which luck explains"
        each = f"Each is the mean of {plural(found.comparison.same, 'model')}, so that none is picked by its luck. "
        text = (
            f"{values}: a difference of {_points(figure, behind)}, {luck}. "
            + (each if found.by != "models" and found.comparison.same > 1 else "")
            + "The interval draws the same blocks of time for all."
        )
    unit: Unit = "number" if figure == "auc" else "percent"
    label = "AUC" if figure == "auc" else "Skill"
    table = Table(
        columns=(
            Column(label=NOUNS[found.by].capitalize()),
            Column(label=label, unit=unit),
            Column(label="95\u202f% from", unit=unit),
            Column(label="to", unit=unit),
            Column(label="Comes first", unit="percent"),
        ),
        rows=tuple(
            (s.name, s.value.value, s.value.low, s.value.high, s.first_share) for s in found.standings
        ),
        caption="Comes first: in how many redraws of the blocks of time it is the best.",
    )
    chart = charts.draw_comparison(
        source,
        title=title,
        names=[s.name for s in found.standings],
        figure=figure,
        values=[s.value.value for s in found.standings],
        low=[s.value.low for s in found.standings],
        high=[s.value.high for s in found.standings],
        what=what,
    )
    highlights = [
        Highlight(figure=_write(figure, s.value.value), meaning=f"{label} {s.name}") for s in (first, second)
    ]
    if behind is not None:
        highlights.append(
            Highlight(
                figure=_short(behind.value),
                meaning=f"difference; luck: {_short(behind.low)} to {_short(behind.high)}",
            )
        )
    return Part(
        Finding(title=title, text=text, table=table, chart=chart.name),
        tuple(highlights),
        chart,
    )


def weighed(found: Importance, source: Source, *, wide: bool = False) -> Part:
    """Say what the features contribute to the forecasts of the model the verdict speaks of."""
    coin, best = found.coin.upper(), found.groups[0]
    clear = [group for group in found.groups if group.is_clear]
    unit = _unit(found.figure)
    title = (
        f"{best.name[:1].upper()}{best.name[1:]} matter most for {coin}: {_size(best.loss.value)} of {unit} lost "
        "without them"
        if clear
        else f"No group of features helps {coin} beyond chance"
    )
    others = ", ".join(group.name for group in clear[1:])
    text = (
        f"Measured by shuffling in the forecasts of {found.model}. "
        + (
            f"Beyond chance also: {others}. "
            if others
            else "Nothing else counts beyond chance. "
            if clear
            else ""
        )
        + "What one group tells, another may tell as well: shuffling one of two that say the same costs little."
    )
    shown = found.features or found.groups
    chart = charts.draw_importance(
        source,
        model=found.model,
        names=[one.name for one in shown],
        loss=[_scaled(one.loss.value) for one in shown],
        low=[_scaled(one.loss.low) for one in shown],
        high=[_scaled(one.loss.high) for one in shown],
        unit=f"{unit} points" if found.figure == "auc" else "points of skill",
        wide=wide,
    )
    table = Table(
        columns=(
            Column(label="Group"), Column(label="Features", unit="count"),
            Column(label=f"{unit} points lost", unit="points"),
            Column(label="95\u202f% from", unit="points"), Column(label="to", unit="points"),
        ),
        rows=tuple(
            (g.name, len(g.columns), *(_scaled(v) for v in (g.loss.value, g.loss.low, g.loss.high)))
            for g in found.groups
        ),
        caption=f"Lost of {_write(found.figure, found.whole.value)} when a group is shuffled; the intervals hold for all groups "
        "together.",
    )  # fmt: skip
    return Part(
        Finding(title=title, text=text, table=table),
        (
            Highlight(figure=best.name.capitalize(), meaning="the group that matters most"),
            Highlight(figure=_size(best.loss.value), meaning=f"of {unit} lost without it"),
            Highlight(figure=f"{len(clear)} of {len(found.groups)}", meaning="groups matter beyond chance"),
        ),
        chart,
    )


def _answer(found: Contrast) -> tuple[str, str]:
    """The answer as a statement, and the figures it rests on."""
    figure = found.comparison.figure
    first, second = found.standings[0], found.standings[1]
    clear = found.comparison.is_clear
    label = "AUC" if figure == "auc" else "Skill"
    both = f"{label} {_write(figure, first.value.value)} for {first.name}, {_write(figure, second.value.value)} for {second.name}"
    if found.by == "features":
        with_it = next(s for s in found.standings if s.name.startswith("with "))
        without = next(s for s in found.standings if s is not with_it)
        both = f"{label} {_write(figure, with_it.value.value)} with it, {_write(figure, without.value.value)} without"
        coin = found.coins[0].upper()
        if not clear:
            return f"{found.about} makes no difference for {coin} beyond chance", both
        return f"{found.about} {'helps' if first is with_it else 'does not help'} to forecast {coin}", both
    better, best, tail = {"coins": ("easier", "easiest", " to forecast"), "models": ("better", "best", "")}[
        found.by
    ]
    if len(found.standings) > 2:
        if clear:
            return f"{first.name} is the {best}{tail}", both
        return f"No {NOUNS[found.by]} is clearly the {best}{tail}; {first.name} leads", both
    if clear:
        return f"{first.name} is {better}{tail} than {second.name}", both
    return f"Neither {first.name} nor {second.name} is {better}{tail} beyond chance", both


def _ahead(minutes: int) -> str:
    return duration(minutes).replace(" ", numbers.THIN)


def _write(figure: Figure, value: float) -> str:
    return number(value) if figure == "auc" else percent(value, digits=1)


def _points(figure: Figure, of: Estimate) -> str:
    unit = "points of AUC" if figure == "auc" else "points of skill"
    values = [_scaled(v) for v in (of.value, of.low, of.high)]
    return f"{signed(values[0], 1, plus=True)} {unit} (95\u202f% interval {signed(values[1], 1)} to {signed(values[2], 1)})"


def _short(value: float) -> str:
    return signed(_scaled(value), 1, plus=True)


def _size(value: float) -> str:
    return f"{signed(_scaled(value), 1)} points"


def _scaled(value: float) -> float:
    """In points: hundredths of an AUC, percent of skill."""
    return value * 100.0


def _unit(figure: Figure) -> str:
    return "AUC" if figure == "auc" else "skill"
