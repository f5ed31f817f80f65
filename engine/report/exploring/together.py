"""How the coins of a goal move together, and which of them moves most."""

from collections.abc import Iterator

from engine.report.exploring.section import Scene, Section
from engine.report.result import Column, Finding, Highlight, Table
from engine.science import charts
from engine.science.charts import numbers
from engine.science.charts.numbers import number, rate
from engine.science.eda import Exploration
from engine.speech import say


def correlation(found: Exploration, scene: Scene) -> Iterator[Section]:
    """Which coins move alike, and whether one moves first; nothing for a single coin."""
    both = found.together
    if both is None:
        return
    pairs = [
        (
            both.matrix[i][k],
            both.low[i][k],
            both.high[i][k],
            say("{first} and {second}", first=both.coins[k].upper(), second=both.coins[i].upper()),
        )
        for i in range(len(both.coins))
        for k in range(i)
    ]
    pairs.sort(reverse=True)
    best = pairs[0]
    lead = next((one for one in both.leads if one.is_clear), None)
    first = (
        say(
            "{first} moves before {then}: {value} with its next bar (chance: up to {band}).",
            first=lead.first.upper(),
            then=lead.then.upper(),
            value=number(lead.value),
            band=number(lead.band),
        )
        if lead
        else say("None moves before another: no correlation with the other's next bar is beyond chance.")
    )
    matrix = charts.draw_correlation(
        scene.source, coins=[c.upper() for c in both.coins], matrix=both.matrix, low=both.low, high=both.high,
        what=f"returns of {numbers.interval(both.minutes)}",
    )  # fmt: skip
    yield Section(
        Finding(
            title=say("{pair} move most alike: a correlation of {value}", pair=best[3], value=number(best[0], 2))
            if len(pairs) > 1
            else say("{pair} move alike: a correlation of {value}", pair=best[3], value=number(best[0], 2)),
            text=say(
                "95\u202f% interval {low} to {high}. {then}",
                low=number(best[1], 2), high=number(best[2], 2), then=first,
            ),
            table=Table(
                columns=(
                    Column(label="Pair"), Column(label="Correlation", unit="number"),
                    Column(label="95\u202f% from", unit="number"), Column(label="to", unit="number"),
                ),
                rows=tuple((name, value, low, high) for value, low, high, name in pairs),
            ),
        ),
        (
            Highlight(figure=number(best[0], 2), meaning=f"{best[3]}, the most alike"),
            Highlight(figure=number(pairs[-1][0], 2), meaning=f"{pairs[-1][3]}, the least"),
        )
        if len(pairs) > 1
        else (
            Highlight(figure=number(best[0], 2), meaning=f"correlation of {best[3]}"),
            Highlight(figure=f"{number(best[1], 2)} to {number(best[2], 2)}", meaning="95\u202f% interval"),
        ),
        matrix,
    )  # fmt: skip


def side_by_side(found: Exploration) -> Section:
    """The main figures of all coins in one table."""
    rows = tuple(
        (
            coin.coin.upper(), coin.change, coin.falls[0].depth if coin.falls else 0.0, coin.distribution.deviation_bps,
            coin.distribution.far_times, coin.memory.returns[0].value,
        )
        for coin in found.coins
    )  # fmt: skip
    wildest = max(found.coins, key=lambda coin: coin.distribution.deviation_bps)
    calmest = min(found.coins, key=lambda coin: coin.distribution.deviation_bps)
    ratio = wildest.distribution.deviation_bps / max(calmest.distribution.deviation_bps, 1e-9)
    return Section(
        Finding(
            title=say(
                "{wildest} moves {times} times as much as {calmest}",
                wildest=wildest.coin.upper(), times=rate(ratio), calmest=calmest.coin.upper(),
            ),
            table=Table(
                columns=(
                    Column(label="Coin"), Column(label="Change", unit="change"), Column(label="Deepest fall", unit="change"),
                    Column(label="Deviation of a bar", unit="bp"), Column(label="Rare moves, × normal", unit="count"),
                    Column(label="Autocorrelation", unit="number"),
                ),
                rows=rows,
            ),
        )
    )  # fmt: skip
