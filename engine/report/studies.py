"""What a comparison and a weighing of features say: the finding, its figures and its picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.report.result import Column, Finding, Highlight, Table, Unit
from engine.science import charts
from engine.science.candidates import duration
from engine.science.charts import Chart, Source, numbers
from engine.science.charts.numbers import number, percent, plural, signed
from engine.science.comparing import Contrast, Figure, Standing
from engine.science.importance import Contribution, Importance
from engine.science.metrics import Estimate
from engine.speech import say

MOST_LISTED: Final = 10
_PLURAL: Final = ("past returns", "BBANDS")
NOUNS: Final = {"coins": "coin", "models": "model", "features": "set of features"}


@dataclass(frozen=True)
class Part:
    """Something that stands beside a judgement."""

    finding: Finding
    highlights: tuple[Highlight, ...]
    chart: Chart
    more: Finding | None = None


def compared(found: Contrast, source: Source) -> Part:
    """Say which is better, by how much, and whether luck explains it."""
    figure, apart = found.comparison.figure, _apart(found)
    title, values = _answer(found)
    what = f"{', '.join(c.upper() for c in found.coins)}, {_ahead(found.horizon_minutes)} ahead"
    text = ""
    if apart:
        each = say(
            "Each is the mean of {models}, so that none is picked by its luck. ",
            models=plural(found.comparison.same, "model"),
        )
        text = say(
            "{values}: a difference of {points}, {luck}. {each}The interval draws the same blocks of time for all.",
            values=values,
            points=_points(figure, next(iter(apart.values()))),
            luck=say("beyond chance") if found.comparison.is_clear else say("which luck explains"),
            each=each if found.by != "models" and found.comparison.same > 1 else "",
        )
    unit: Unit = "number" if figure == "auc" else "percent"
    label = _label(figure)
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
        caption=say("Comes first: in how many redraws of the blocks of time it is the best."),
    )
    chart = charts.draw_comparison(
        source,
        title=title,
        names=[s.name for s in found.standings],
        figure=figure,
        values=[s.value.value for s in found.standings],
        low=[s.value.low for s in found.standings],
        high=[s.value.high for s in found.standings],
        differences={name: (one.value, one.low, one.high) for name, one in apart.items()},
        what=what,
    )
    against = "a coin toss has 0.5" if figure == "auc" else "0 is the simplest forecast"
    highlights = [
        Highlight(figure=_write(figure, s.value.value), meaning=f"{label} {_of(found, s)}; {against}")
        for s in found.standings[:2]
    ]
    highlights += [
        Highlight(
            figure=_short(one.value),
            meaning=f"points between them; 95\u202f% interval {_short(one.low)} to {_short(one.high)}",
        )
        for one in list(apart.values())[:1]
    ]
    return Part(Finding(title=title, text=text, table=table, chart=chart.name), tuple(highlights), chart)


def weighed(found: Importance, source: Source, *, lead: bool = False, wide: bool = False) -> Part:
    """Say what the features contribute to the forecasts of the model the verdict speaks of.

    `lead`: it is what was asked, so the features come one by one; `wide`: the chart stands alone in its row.
    """
    coin, unit = found.coin.upper(), _unit(found.figure)
    clear = [group for group in found.groups if group.is_clear]
    best = (clear or found.groups)[0]
    matter = (
        "{group} matter most for {coin}: {size} of {unit} lost without them"
        if best.name in _PLURAL
        else "{group} matters most for {coin}: {size} of {unit} lost without it"
    )
    title = (
        say(matter, group=_capital(say(best.name)), coin=coin, size=_size(best.loss.value), unit=unit)
        if clear
        else say("No group of features helps {coin} beyond chance", coin=coin)
    )
    others = ", ".join(say(group.name) for group in clear[1:])
    text = say(
        "Measured by shuffling in the forecasts of {model}. {also}What one group tells, another may tell as well: "
        "shuffling one of two that say the same costs little.",
        model=found.model,
        also=say("Beyond chance also: {groups}. ", groups=others)
        if others
        else say("Nothing else counts beyond chance. ")
        if clear
        else "",
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
        wide=wide or lead,
    )
    groups = _table_of("Group", found, found.groups)
    listed = _table_of("Feature", found, found.features[:MOST_LISTED]) if lead and found.features else None
    toss = "; a coin toss has 0.5" if found.figure == "auc" else ""
    return Part(
        Finding(title=title, text=text, table=listed or groups, chart=chart.name if lead else None),
        (
            Highlight(
                figure=_capital(best.name),
                meaning="the group that matters most" if clear else "comes first, but within chance",
            ),
            Highlight(
                figure=_size(best.loss.value),
                meaning=f"of {unit} lost without it" + ("" if clear else ", which luck explains"),
            ),
            Highlight(figure=f"{len(clear)} of {len(found.groups)}", meaning="groups matter beyond chance"),
            Highlight(
                figure=_write(found.figure, found.whole.value),
                meaning=f"{_label(found.figure)} of the forecasts{toss}",
            ),
        ),
        chart,
        Finding(title=say("Group by group"), table=groups) if listed else None,
    )


def _table_of(noun: str, found: Importance, listed: Sequence[Contribution]) -> Table:
    unit, many, whole = _unit(found.figure), noun == "Group", _write(found.figure, found.whole.value)
    caption = (
        say(
            "Lost of {whole} when a group is shuffled; the intervals hold for all groups together.",
            whole=whole,
        )
        if many
        else say(
            "Lost of {whole} when a feature is shuffled; the intervals hold for all features together.",
            whole=whole,
        )
    )
    return Table(
        columns=(
            Column(label=noun),
            *((Column(label="Features", unit="count"),) if many else ()),
            Column(label=say("{unit} points lost", unit=unit), unit="points"),
            Column(label="95\u202f% from", unit="points"),
            Column(label="to", unit="points"),
            Column(label="Beyond chance"),
        ),
        rows=tuple(
            (
                one.name,
                *((len(one.columns),) if many else ()),
                *(_scaled(v) for v in (one.loss.value, one.loss.low, one.loss.high)),
                "yes" if one.is_clear else "no",
            )
            for one in listed
        ),
        caption=caption,
    )


def _apart(found: Contrast) -> dict[str, Estimate]:
    """How far the others are from the best; of two sets of features, what putting the doubted one in adds."""
    first = found.standings[0]
    apart = {
        f"{first.name} − {one.name}": one.behind for one in found.standings[1:] if one.behind is not None
    }
    if found.by != "features":
        return apart
    (one,) = apart.values()
    is_ahead = first.name.startswith("with ")
    return {"with − without": one if is_ahead else Estimate(-one.value, -one.high, -one.low)}


def _of(found: Contrast, standing: Standing) -> str:
    return standing.name if found.by == "features" else f"of {standing.name}"


def _answer(found: Contrast) -> tuple[str, str]:
    """The answer as a statement, and the figures it rests on."""
    figure = found.comparison.figure
    first, second = found.standings[0], found.standings[1]
    clear = found.comparison.is_clear
    label = "AUC" if figure == "auc" else say("Skill")
    both = say(
        "{figure} {one} for {first}, {other} for {second}",
        figure=label,
        one=_write(figure, first.value.value),
        first=first.name,
        other=_write(figure, second.value.value),
        second=second.name,
    )
    if found.by == "features":
        with_it = next(s for s in found.standings if s.name.startswith("with "))
        without = next(s for s in found.standings if s is not with_it)
        both = say(
            "{figure} {one} with it, {other} without",
            figure=label,
            one=_write(figure, with_it.value.value),
            other=_write(figure, without.value.value),
        )
        coin, name = found.coins[0].upper(), found.about
        if not clear:
            return say("{name} makes no difference for {coin} beyond chance", name=name, coin=coin), both
        if first is with_it:
            return say("{name} helps to forecast {coin}", name=name, coin=coin), both
        return say("{name} does not help to forecast {coin}", name=name, coin=coin), both
    of_coins, names = found.by == "coins", {"first": first.name, "second": second.name}
    if len(found.standings) > 2:
        if clear:
            said = "{first} is the easiest to forecast" if of_coins else "{first} is the best"
        else:
            said = (
                "No coin is clearly the easiest to forecast; {first} leads"
                if of_coins
                else "No model is clearly the best; {first} leads"
            )
    elif clear:
        said = (
            "{first} is easier to forecast than {second}" if of_coins else "{first} is better than {second}"
        )
    else:
        said = (
            "Neither {first} nor {second} is easier to forecast beyond chance"
            if of_coins
            else "Neither {first} nor {second} is better beyond chance"
        )
    return say(said, **names), both


def _ahead(minutes: int) -> str:
    return duration(minutes).replace(" ", numbers.THIN)


def _write(figure: Figure, value: float) -> str:
    return number(value) if figure == "auc" else percent(value, digits=1)


def _points(figure: Figure, of: Estimate) -> str:
    values = [_scaled(v) for v in (of.value, of.low, of.high)]
    return say(
        "{value} {unit} (95\u202f% interval {low} to {high})",
        value=signed(values[0], 1, plus=True),
        unit=say("points of AUC") if figure == "auc" else say("points of skill"),
        low=signed(values[1], 1),
        high=signed(values[2], 1),
    )


def _short(value: float) -> str:
    return signed(_scaled(value), 1, plus=True)


def _size(value: float) -> str:
    return say("{n} points", n=signed(_scaled(value), 1))


def _scaled(value: float) -> float:
    """In points: hundredths of an AUC, percent of skill."""
    return value * 100.0


def _unit(figure: Figure) -> str:
    return "AUC" if figure == "auc" else say("skill")


def _label(figure: Figure) -> str:
    return "AUC" if figure == "auc" else "Skill"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
