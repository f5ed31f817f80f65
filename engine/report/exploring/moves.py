"""How a coin moves: the spread of its returns, its deepest falls, its best and worst stretches."""

from engine.report.exploring.section import Scene, Section, when
from engine.report.result import Column, Finding, Highlight, Table
from engine.science import charts
from engine.science.charts import numbers
from engine.science.charts.numbers import basis_points, count, number, percent, plural, rate
from engine.science.eda import shape
from engine.speech import say


def distribution(scene: Scene) -> Section:
    """How often the rare moves come, beside a normal curve."""
    d = scene.coin.distribution
    chart = charts.draw_distribution(
        scene.source, coin=scene.coin.coin, edges=d.edges, counts=d.counts, mean_bps=d.mean_bps,
        deviation_bps=d.deviation_bps, bars=d.bars, far_times=d.far_times,
    )  # fmt: skip
    rows = tuple(
        (say("{share} of bars below", share=percent(share, digits=0, sign=False)), value)
        for share, value in d.quantiles_bps
    )
    fat = d.far_times >= 2
    title = (
        say(
            "Rare moves of {coin} come {times} times as often as under a normal curve",
            coin=scene.name,
            times=rate(d.far_times),
        )
        if fat
        else say("Moves of {coin} spread about as a normal curve does", coin=scene.name)
    )
    return Section(
        Finding(
            title=title,
            text=say(
                "{bars} of {n} moved four deviations ({size}) or more.",
                bars=plural(d.far, "bar"),
                n=count(d.bars),
                size=basis_points(4 * d.deviation_bps),
            ),
            table=Table(
                columns=(Column(label="Returns of a bar"), Column(label="Return", unit="bp")),
                rows=rows,
                caption=say(
                    "Excess kurtosis {kurtosis}, skew {skew}; a normal curve has 0 and 0.",
                    kurtosis=number(d.excess_kurtosis, 1),
                    skew=number(d.skew, 1),
                ),
            ),
        ),
        (
            Highlight(figure=f"{rate(d.far_times)} times", meaning="as many rare moves as normal"),
            Highlight(figure=basis_points(d.deviation_bps), meaning="deviation of one bar"),
            Highlight(figure=number(d.excess_kurtosis, 1), meaning="excess kurtosis; normal is 0"),
            Highlight(figure=number(d.skew, 1), meaning="skew; even is 0"),
        ),
        chart,
    )


def drawdown(scene: Scene) -> Section | None:
    """The deepest falls from a peak, and whether they were made good; None for a price that never fell."""
    found = scene.coin.falls
    if not found:
        return None
    worst = found[0]
    chart = charts.draw_falls(
        scene.source, coin=scene.coin.coin, times=scene.prices.index, close=scene.prices["close"].ffill(),
        under=shape.underwater(scene.prices), peak=worst.peak, trough=worst.trough, recovered=worst.recovered,
    )  # fmt: skip
    back = (
        say("made good on {day}", day=when(worst.recovered))
        if worst.recovered
        else say("not made good by the end of the data")
    )
    return Section(
        Finding(
            title=say(
                "The deepest fall of {coin} was {depth}",
                coin=scene.name, depth=percent(abs(worst.depth), digits=1, sign=False),
            ),
            text=say("From {peak} to {trough} UTC, {back}.", peak=when(worst.peak), trough=when(worst.trough), back=back),
            table=Table(
                columns=(
                    Column(label="Fall", unit="change"), Column(label="From", unit="time"), Column(label="To", unit="time"),
                    Column(label="Made good", unit="time"),
                ),
                rows=tuple(
                    (f.depth, when(f.peak), when(f.trough), when(f.recovered) if f.recovered else "not yet") for f in found
                ),
            ),
        ),
        (
            Highlight(figure=percent(worst.depth, digits=1), meaning="deepest fall from a peak"),
            Highlight(figure=f"{numbers.day(worst.peak)} to {numbers.day(worst.trough)}", meaning="from peak to bottom"),
            Highlight(
                figure=plural(max(1, round((worst.trough - worst.peak).total_seconds() / 86_400)), "day"), meaning="long"
            ),
            Highlight(figure="yes" if worst.recovered else "no", meaning="made good within the data"),
        ),
        chart,
    )  # fmt: skip


def extremes(scene: Scene) -> Section | None:
    """The best and worst hour, day and so on; None where the prices are too short for any."""
    found = scene.coin.extremes
    if not found:
        return None
    last = found[-1]
    return Section(
        Finding(
            title=say(
                "The worst {length} of {coin} was {worst}, the best {best}",
                length=say(last.length), coin=scene.name, worst=percent(last.fall), best=percent(last.rise),
            ),
            text=say(
                "The worst ended {worst}, the best {best} UTC.", worst=when(last.fall_at), best=when(last.rise_at)
            ),
            table=Table(
                columns=(
                    Column(label="Within one"), Column(label="Worst", unit="change"), Column(label="Ended", unit="time"),
                    Column(label="Best", unit="change"), Column(label="Ended", unit="time"),
                ),
                rows=tuple((e.length, e.fall, when(e.fall_at), e.rise, when(e.rise_at)) for e in found),
            ),
        ),
        tuple(
            Highlight(figure=percent(value), meaning=f"{word} {e.length}, {when(at)}")
            for e in found[-2:]
            for word, value, at in (("worst", e.fall, e.fall_at), ("best", e.rise, e.rise_at))
        ),
    )  # fmt: skip
