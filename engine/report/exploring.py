"""From a look at the data to the report's findings and charts: what was asked about first, then the rest."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import pandas as pd

from engine.report import pictures
from engine.report.result import Column, Data, Finding, Highlight, Table
from engine.science import charts
from engine.science.charts import Chart, Source, numbers
from engine.science.charts.numbers import basis_points, count, number, p_value, percent, plural, price, rate
from engine.science.eda import Clock, Exploration, Explored, memory, shape

MOST_COINS: Final = 6
UNITS: Final = {"hour": "Hour, UTC", "weekday": "Weekday", "month": "Month"}


@dataclass(frozen=True)
class Section:
    """One thing that was looked at: a statement, its figures, its table and picture."""

    finding: Finding
    highlights: tuple[Highlight, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True)
class Look:
    """Everything the report shows of a look at the data, in reading order."""

    findings: tuple[Finding, ...]
    highlights: tuple[Highlight, ...]
    charts: dict[str, Chart]


@dataclass(frozen=True)
class _Scene:
    """What a section is written from."""

    coin: Explored
    prices: pd.DataFrame
    source: Source
    data: Data
    several: bool
    indicators: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        return self.coin.coin.upper()


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
        _Scene(coin, prices[coin.coin], source, data, several, mark)
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


def _sections(found: Exploration, scenes: list[_Scene]) -> Iterator[Section]:
    what, _, unit = found.topic.partition("_by_")
    lead = _TOPICS.get(what, _overview)
    together = list(_correlation(found, scenes[0]))
    if found.topic == "correlation":
        yield from together
    for scene in scenes if found.topic != "correlation" else ():
        section = _clock(scene, what, unit) if unit else lead(scene)
        if section is not None:
            yield section
    if scenes[0].several:
        yield _side_by_side(found)
        if found.topic != "correlation":
            yield from together
    for write in (_overview, _volatility, _distribution, _memory, _falls, _extremes):
        section = write(scenes[0]) if unit or write is not lead else None
        if section is not None:
            yield section


def _clock(scene: _Scene, what: str, unit: str) -> Section | None:
    found = scene.coin.clock(what, unit)
    if found is None:
        return Section(
            Finding(
                title=f"The bars of {scene.name} are too long to look inside a {unit}",
                text="Ask again with shorter bars, for example 5-minute ones.",
            )
        )
    return _of_clock(scene, found)


def _of_clock(scene: _Scene, found: Clock) -> Section:
    best, worst = found.values[found.top], found.values[found.bottom]
    top, bottom = found.labels[found.top], found.labels[found.bottom]
    unit: Column = Column(label=_MEASURES[found.what], unit="percent" if found.what == "volume" else "bp")

    def write(value: float) -> str:
        return percent(value, digits=1, sign=False) if found.what == "volume" else basis_points(value)

    at = (
        f"at {top} UTC"
        if found.unit == "hour"
        else f"on {_day(top)}"
        if found.unit == "weekday"
        else f"in {top}"
    )
    other = (
        f"at {bottom}"
        if found.unit == "hour"
        else f"on {_day(bottom)}"
        if found.unit == "weekday"
        else f"in {bottom}"
    )
    verb = {"volatility": "moves most", "return": "earned most", "volume": "is traded most"}[found.what]
    chance = (
        ""
        if found.p_value is None
        else (f"Chance alone makes {found.unit}s differ as much in {_chance(found.p_value)} of cases.")
    )
    if not found.is_real:
        title = f"No {found.unit} of {scene.name} stands out beyond chance in {found.what}"
        text = f"The highest is {top} with {write(best.value)}, the lowest {bottom} with {write(worst.value)}. {chance}"
    else:
        times = best.value / worst.value if worst.value > 0 and found.what != "return" else None
        factor = f", {rate(times)} times as much as {other}" if times else f", least {other}"
        title = f"{scene.name} {verb} {at}{factor}"
        text = (
            f"{_MEASURES[found.what]} {write(best.value)} (95\u202f% interval {write(best.low)} to {write(best.high)}) "
            f"{at}, {write(worst.value)} ({write(worst.low)} to {write(worst.high)}) {other}. {chance}"
        )
    table = Table(
        columns=(
            Column(label=UNITS[found.unit]), unit,
            Column(label="95\u202f% from", unit=unit.unit), Column(label="to", unit=unit.unit),
        ),
        rows=tuple((label, e.value, e.low, e.high) for label, e in zip(found.labels, found.values, strict=True)),
        caption=f"{_MEASURES[found.what]} of {scene.name}, over {plural(found.rows, _ROWS[found.unit])}.",
    )  # fmt: skip
    chart = charts.draw_clock(
        scene.source, coin=scene.coin.coin, what=found.what, unit=found.unit, labels=found.labels,
        values=[e.value for e in found.values], low=[e.low for e in found.values],
        high=[e.high for e in found.values], p=found.p_value,
    )  # fmt: skip
    what = {"volatility": "median move of a bar", "return": "mean return", "volume": "of the volume"}[
        found.what
    ]
    return Section(
        Finding(title=title, text=text.strip(), table=table),
        (
            Highlight(
                figure=top, meaning=f"the highest {found.unit}" + (", UTC" if found.unit == "hour" else "")
            ),
            Highlight(figure=write(best.value), meaning=f"{what} then"),
            Highlight(figure=write(worst.value), meaning=f"{other}, the lowest"),
            Highlight(figure=p_value(found.p_value), meaning="p-value: how often chance does as much"),
        ),
        chart,
    )


def _overview(scene: _Scene) -> Section:
    coin = scene.coin
    days = plural(round((coin.end - coin.start).total_seconds() / 86_400), "day")
    table = Table(
        columns=(Column(label=""), Column(label="Close", unit="price"), Column(label="When", unit="time")),
        rows=(
            ("Highest", coin.highest, _when(coin.highest_at)),
            ("Lowest", coin.lowest, _when(coin.lowest_at)),
        ),
    )
    return Section(
        Finding(
            title=f"{scene.name} {'rose' if coin.change >= 0 else 'fell'} {percent(abs(coin.change), sign=False)} in {days}",
            text=f"Between {price(coin.lowest)} and {price(coin.highest)}; one bar usually moves "
            f"{basis_points(coin.distribution.deviation_bps)}.",
            table=table,
        ),
        (
            Highlight(figure=percent(coin.change), meaning=f"in {days}"),
            Highlight(
                figure=percent(coin.falls[0].depth if coin.falls else 0.0), meaning="deepest fall from a peak"
            ),
            Highlight(figure=basis_points(coin.distribution.deviation_bps), meaning="deviation of one bar"),
            Highlight(figure=count(coin.rows), meaning="bars"),
        ),
        pictures.draw_path(scene.source, coin.coin, scene.prices, scene.indicators),
    )


def _volatility(scene: _Scene) -> Section | None:
    found = scene.coin.regimes
    if found is None:
        return _of_clock(scene, scene.coin.clocks[0]) if scene.coin.clocks else None
    calm, usual, wild = found.regimes
    follows = found.wild_follows_wild
    ratio = wild.volatility / calm.volatility if calm.volatility > 0 else float("nan")
    chart = charts.draw_regimes(
        scene.source, coin=scene.coin.coin, days=found.days, volatility=found.volatility, kinds=found.kinds,
        ratio=ratio, follows=(follows.value, follows.low, follows.high),
    )  # fmt: skip
    told = "more often than the quarter that chance gives" if follows.low > 0.25 else "which chance explains"
    table = Table(
        columns=(
            Column(label="Days"), Column(label="Count", unit="count"), Column(label="Volatility a day", unit="percent"),
            Column(label="Mean return", unit="change"), Column(label="Next day alike", unit="percent"),
        ),
        rows=tuple((r.name, r.days, r.volatility, r.daily_return, r.stays) for r in found.regimes),
        caption=f"Calm: the calmest quarter of the days of {scene.name}; wild: the wildest.",
    )  # fmt: skip
    return Section(
        Finding(
            title=f"Wild days of {scene.name} move {rate(ratio)} times as much as calm ones",
            text=f"A wild day follows a wild one in {percent(follows.value, digits=0, sign=False)} of cases "
            f"({percent(follows.low, digits=0, sign=False)} to {percent(follows.high, digits=0, sign=False)}), {told}.",
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


def _distribution(scene: _Scene) -> Section:
    d = scene.coin.distribution
    chart = charts.draw_distribution(
        scene.source, coin=scene.coin.coin, edges=d.edges, counts=d.counts, mean_bps=d.mean_bps,
        deviation_bps=d.deviation_bps, bars=d.bars, far_times=d.far_times,
    )  # fmt: skip
    rows = tuple(
        (f"{percent(share, digits=0, sign=False)} of bars below", value) for share, value in d.quantiles_bps
    )
    fat = d.far_times >= 2
    title = (
        f"Rare moves of {scene.name} come {rate(d.far_times)} times as often as under a normal curve"
        if fat
        else f"Moves of {scene.name} spread about as a normal curve does"
    )
    return Section(
        Finding(
            title=title,
            text=f"{plural(d.far, 'bar')} of {count(d.bars)} moved four deviations ({basis_points(4 * d.deviation_bps)}) or "
            f"more; excess kurtosis {number(d.excess_kurtosis, 1)}, skew {number(d.skew, 1)}.",
            table=Table(
                columns=(Column(label="Returns of a bar"), Column(label="Return", unit="bp")), rows=rows
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


def _memory(scene: _Scene) -> Section:
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
        f"Returns of {scene.name} look like a random walk"
        if walks and not first.is_clear
        else f"Moves of {scene.name} tend to be {'taken back' if first.value < 0 else 'followed'} at once"
        if first.is_clear
        else f"Returns of {scene.name} are no random walk over longer spans"
    )
    hours = f"still remembered after {plural(lasting.minutes / 60, 'hour')}" if lasting else "not remembered"
    unit = next((root for root in m.roots if root.series == "log price"), None)
    stationary = (
        ""
        if unit is None
        else (
            " The price itself wanders (a unit root is not rejected), its returns do not."
            if unit.p_below is None
            else " A unit root in the price is rejected: in this period it stayed near a level."
        )
    )
    return Section(
        Finding(
            title=title,
            text=f"Autocorrelation of neighbouring returns {number(first.value)} (chance: up to {number(first.band)}); the "
            f"size of moves is {hours} ({number(size.value, 2)} after {numbers.interval(size.minutes)}).{stationary}",
            table=Table(
                columns=(Column(label="Span"), Column(label="Variance ratio", unit="number"), Column(label="p", unit="number")),
                rows=tuple((numbers.interval(r.minutes), r.ratio, r.p_value) for r in m.ratios),
                caption="1 is a random walk; below 1 moves are taken back, above 1 they go on.",
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


def _falls(scene: _Scene) -> Section | None:
    found = scene.coin.falls
    if not found:
        return None
    worst = found[0]
    chart = charts.draw_falls(
        scene.source, coin=scene.coin.coin, times=scene.prices.index, close=scene.prices["close"].ffill(),
        under=shape.underwater(scene.prices), peak=worst.peak, trough=worst.trough, recovered=worst.recovered,
    )  # fmt: skip
    back = (
        f"made good on {_when(worst.recovered)}"
        if worst.recovered
        else "not made good by the end of the data"
    )
    return Section(
        Finding(
            title=f"The deepest fall of {scene.name} was {percent(abs(worst.depth), digits=1, sign=False)}",
            text=f"From {_when(worst.peak)} to {_when(worst.trough)} UTC, {back}.",
            table=Table(
                columns=(
                    Column(label="Fall", unit="change"), Column(label="From", unit="time"), Column(label="To", unit="time"),
                    Column(label="Made good", unit="time"),
                ),
                rows=tuple(
                    (f.depth, _when(f.peak), _when(f.trough), _when(f.recovered) if f.recovered else "not yet") for f in found
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


def _extremes(scene: _Scene) -> Section | None:
    found = scene.coin.extremes
    if not found:
        return None
    last = found[-1]
    return Section(
        Finding(
            title=f"The worst {last.length} of {scene.name} was {percent(last.fall)}, the best {percent(last.rise)}",
            text=f"The worst ended {_when(last.fall_at)}, the best {_when(last.rise_at)} UTC.",
            table=Table(
                columns=(
                    Column(label="Within one"), Column(label="Worst", unit="change"), Column(label="Ended", unit="time"),
                    Column(label="Best", unit="change"), Column(label="Ended", unit="time"),
                ),
                rows=tuple((e.length, e.fall, _when(e.fall_at), e.rise, _when(e.rise_at)) for e in found),
            ),
        ),
        tuple(
            Highlight(figure=percent(value), meaning=f"{word} {e.length}, {_when(when)}")
            for e in found[-2:]
            for word, value, when in (("worst", e.fall, e.fall_at), ("best", e.rise, e.rise_at))
        ),
    )  # fmt: skip


def _gaps(scene: _Scene) -> Section:
    health = next((c for c in scene.data.coins if c.coin == scene.coin.coin), None)
    if health is None:
        return _overview(scene)
    expected = health.rows + health.missing_bars
    title = (
        f"No bar of {scene.name} is missing"
        if not health.missing_bars
        else f"{plural(health.missing_bars, 'bar')} of {scene.name} missing of {count(expected)}"
    )
    return Section(
        Finding(
            title=title,
            text=f"{plural(health.duplicates, 'duplicate')}, {plural(health.stale_bars, 'bar')} in runs without any change, "
            f"{plural(health.crossed_quotes, 'crossed quote')}, {plural(health.spikes, 'spike')} that came straight back.",
        ),
        (
            Highlight(figure=count(health.missing_bars), meaning="missing bars"),
            Highlight(
                figure=percent(health.rows / expected, digits=2, sign=False), meaning="of the period covered"
            ),
            Highlight(figure=count(health.duplicates), meaning="duplicates"),
            Highlight(figure=count(health.stale_bars), meaning="bars in runs without change"),
        ),
    )


def _correlation(found: Exploration, scene: _Scene) -> Iterator[Section]:
    both = found.together
    if both is None:
        return
    pairs = [
        (
            both.matrix[i][k],
            both.low[i][k],
            both.high[i][k],
            f"{both.coins[k].upper()} and {both.coins[i].upper()}",
        )
        for i in range(len(both.coins))
        for k in range(i)
    ]
    pairs.sort(reverse=True)
    best = pairs[0]
    lead = next((one for one in both.leads if one.is_clear), None)
    first = (
        f"{lead.first.upper()} moves before {lead.then.upper()}: {number(lead.value)} with its next bar (chance: up to "
        f"{number(lead.band)})."
        if lead
        else "None moves before another: no correlation with the other's next bar is beyond chance."
    )
    matrix = charts.draw_correlation(
        scene.source, coins=[c.upper() for c in both.coins], matrix=both.matrix, low=both.low, high=both.high,
        what=f"returns of {numbers.interval(both.minutes)}",
    )  # fmt: skip
    yield Section(
        Finding(
            title=f"{best[3]} move most alike: a correlation of {number(best[0], 2)}"
            if len(pairs) > 1
            else f"{best[3]} move alike: a correlation of {number(best[0], 2)}",
            text=f"95\u202f% interval {number(best[1], 2)} to {number(best[2], 2)}. {first}",
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


def _side_by_side(found: Exploration) -> Section:
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
            title=f"{wildest.coin.upper()} moves {rate(ratio)} times as much as {calmest.coin.upper()}",
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


_TOPICS: Final[Mapping[str, Callable[[_Scene], Section | None]]] = {
    "overview": _overview,
    "volatility": _volatility,
    "distribution": _distribution,
    "autocorrelation": _memory,
    "drawdown": _falls,
    "extremes": _extremes,
    "gaps": _gaps,
    "volume": lambda scene: _clock(scene, "volume", "hour"),
}
_MEASURES: Final[Mapping[str, str]] = {
    "volatility": "Median volatility of a bar",
    "return": "Mean return",
    "volume": "Share of the volume",
}
_ROWS: Final = {"hour": "day", "weekday": "week", "month": "day"}
_DAYS: Final = dict(
    zip(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
        strict=True,
    )
)


def _day(label: str) -> str:
    return _DAYS.get(label, label)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _chance(p: float) -> str:
    return (
        f"less than 0.1{numbers.THIN}%"
        if p < 0.001
        else percent(p, digits=1 if p < 0.0995 else 0, sign=False)
    )
