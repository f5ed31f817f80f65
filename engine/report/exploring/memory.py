"""Whether the past of a coin tells of its future: autocorrelation, variance ratios, unit roots."""

from engine.report.exploring.section import Scene, Section
from engine.report.result import Column, Finding, Highlight, Table
from engine.science import charts
from engine.science.charts import numbers
from engine.science.charts.numbers import number, plural
from engine.science.eda import memory
from engine.speech import say


def autocorrelation(scene: Scene) -> Section:
    """Whether returns follow from returns, and sizes from sizes."""
    m = scene.coin.memory
    first, size = m.returns[0], m.sizes[0]
    lasting = memory.persistence(m)
    chart = charts.draw_memory(
        scene.source, coin=scene.coin.coin,
        return_minutes=[x.minutes for x in m.returns], returns=[x.value for x in m.returns],
        return_band=[x.band for x in m.returns],
        size_minutes=[x.minutes for x in m.sizes], sizes=[x.value for x in m.sizes], size_band=[x.band for x in m.sizes],
    )  # fmt: skip
    walks = memory.is_random_walk(m)
    title = (
        say("Returns of {coin} look like a random walk", coin=scene.name)
        if walks and not first.is_clear
        else say("Returns of {coin} are no random walk over longer spans", coin=scene.name)
        if not first.is_clear
        else say("Moves of {coin} tend to be taken back at once", coin=scene.name)
        if first.value < 0
        else say("Moves of {coin} tend to be followed at once", coin=scene.name)
    )
    hours = (
        say("still remembered after {span}", span=plural(lasting.minutes / 60, "hour"))
        if lasting
        else say("not remembered")
    )
    unit = next((root for root in m.roots if root.series == "log price"), None)
    stationary = (
        ""
        if unit is None
        else (
            say(" The price itself wanders (a unit root is not rejected), its returns do not.")
            if unit.p_below is None
            else say(" A unit root in the price is rejected: in this period it stayed near a level.")
        )
    )
    return Section(
        Finding(
            title=title,
            text=say(
                "Autocorrelation of neighbouring returns {first} (chance: up to {band}); the size of moves is {remembered} "
                "({size} after {span}).{stationary}",
                first=number(first.value), band=number(first.band), remembered=hours, size=number(size.value, 2),
                span=numbers.interval(size.minutes), stationary=stationary,
            ),
            table=Table(
                columns=(Column(label="Span"), Column(label="Variance ratio", unit="number"), Column(label="p", unit="number")),
                rows=tuple((numbers.interval(r.minutes), r.ratio, r.p_value) for r in m.ratios),
                caption=say("1 is a random walk; below 1 moves are taken back, above 1 they go on."),
            ),
        ),
        (
            Highlight(figure=number(first.value), meaning="autocorrelation of neighbouring returns"),
            Highlight(figure=number(size.value, 2), meaning=f"of their size, {numbers.interval(size.minutes)} apart"),
            Highlight(figure=number(m.ratios[-1].ratio, 2) if m.ratios else numbers.MISSING, meaning=(
                f"variance ratio over {numbers.interval(m.ratios[-1].minutes)}; a random walk has 1" if m.ratios else "variance ratio"
            )),
        ),
        chart,
    )  # fmt: skip
