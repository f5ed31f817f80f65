"""Calm, usual and wild days of a coin, and whether one follows another of its kind."""

from engine.report.exploring.clock import of_clock
from engine.report.exploring.section import Scene, Section
from engine.report.result import Column, Finding, Highlight, Table
from engine.science import charts
from engine.science.charts.numbers import percent, rate
from engine.speech import say


def volatility(scene: Scene) -> Section | None:
    """How much wilder the wild days are, and whether they come in runs; the first clock where days are too few."""
    found = scene.coin.regimes
    if found is None:
        return of_clock(scene, scene.coin.clocks[0]) if scene.coin.clocks else None
    calm, usual, wild = found.regimes
    follows = found.wild_follows_wild
    ratio = wild.volatility / calm.volatility if calm.volatility > 0 else float("nan")
    chart = charts.draw_regimes(
        scene.source, coin=scene.coin.coin, days=found.days, volatility=found.volatility, kinds=found.kinds,
        ratio=ratio, follows=(follows.value, follows.low, follows.high),
    )  # fmt: skip
    told = (
        say("more often than the quarter that chance gives")
        if follows.low > 0.25
        else say("which chance explains")
    )
    table = Table(
        columns=(
            Column(label="Days"), Column(label="Count", unit="count"), Column(label="Volatility a day", unit="percent"),
            Column(label="Mean return", unit="change"), Column(label="Next day alike", unit="percent"),
        ),
        rows=tuple((r.name, r.days, r.volatility, r.daily_return, r.stays) for r in found.regimes),
        caption=say("Calm: the calmest quarter of the days of {coin}; wild: the wildest.", coin=scene.name),
    )  # fmt: skip
    return Section(
        Finding(
            title=say(
                "Wild days of {coin} move {times} times as much as calm ones",
                coin=scene.name,
                times=rate(ratio),
            ),
            text=say(
                "A wild day follows a wild one in {share} of cases ({low} to {high}), {told}.",
                share=percent(follows.value, digits=0, sign=False),
                low=percent(follows.low, digits=0, sign=False),
                high=percent(follows.high, digits=0, sign=False),
                told=told,
            ),
            table=table,
        ),
        (
            Highlight(
                figure=percent(usual.volatility, digits=1, sign=False), meaning="volatility of a usual day"
            ),
            Highlight(figure=percent(wild.volatility, digits=1, sign=False), meaning="of a wild day"),
            Highlight(figure=percent(calm.volatility, digits=1, sign=False), meaning="of a calm day"),
            Highlight(
                figure=percent(follows.value, digits=0, sign=False),
                meaning="of wild days are followed by another",
            ),
        ),
        chart,
    )
