"""The price of a coin as a whole, and what is missing of it."""

from engine.report import pictures
from engine.report.exploring.section import Scene, Section, when
from engine.report.result import Column, Finding, Highlight, Table
from engine.science.charts.numbers import basis_points, count, percent, plural, price
from engine.speech import say


def whole(scene: Scene) -> Section:
    """How far the price went, and between which levels."""
    coin = scene.coin
    days = plural(round((coin.end - coin.start).total_seconds() / 86_400), "day")
    table = Table(
        columns=(Column(label=""), Column(label="Close", unit="price"), Column(label="When", unit="time")),
        rows=(
            ("Highest", coin.highest, when(coin.highest_at)),
            ("Lowest", coin.lowest, when(coin.lowest_at)),
        ),
    )
    return Section(
        Finding(
            title=say(
                "{coin} {moved} {amount} in {span}",
                coin=scene.name,
                moved=say("rose") if coin.change >= 0 else say("fell"),
                amount=percent(abs(coin.change), sign=False),
                span=days,
            ),
            text=say(
                "Between {low} and {high}; one bar usually moves {move}.",
                low=price(coin.lowest),
                high=price(coin.highest),
                move=basis_points(coin.distribution.deviation_bps),
            ),
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


def gaps(scene: Scene) -> Section:
    """Which bars are missing, and what else was odd; the whole where nobody counted."""
    health = next((c for c in scene.data.coins if c.coin == scene.coin.coin), None)
    if health is None:
        return whole(scene)
    expected = health.rows + health.missing_bars
    title = (
        say("No bar of {coin} is missing", coin=scene.name)
        if not health.missing_bars
        else say(
            "{bars} of {coin} missing of {expected}",
            bars=plural(health.missing_bars, "bar"),
            coin=scene.name,
            expected=count(expected),
        )
    )
    return Section(
        Finding(
            title=title,
            text=say(
                "{duplicates}, {bars} in runs without any change, {crossed}, {spikes} that came straight back.",
                duplicates=plural(health.duplicates, "duplicate"),
                bars=plural(health.stale_bars, "bar"),
                crossed=plural(health.crossed_quotes, "crossed quote"),
                spikes=plural(health.spikes, "spike"),
            ),
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
