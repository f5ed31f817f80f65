"""`omc data health`: what is held of each coin, where it has gaps, and how old it is, as text and as a picture."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bots.local_database import open_database

if TYPE_CHECKING:
    from storage.database import Database
    from storage.prices import Coverage, Gap

# What it needs is imported by the command alone: the chart brings the engine's look and matplotlib.

_CHART_STRETCHES = 360


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--series", help="Only this series.")
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Draw it as a picture too; with several series FILE-SERIES.png for each.",
)
def health(as_json: bool, series: str | None, chart: Path | None) -> None:
    """Draw what is held of each coin over time, and list the gaps and how old the newest bar is."""
    from bots import data_tables
    from storage import prices
    from storage.errors import PriceError

    if chart is not None and chart.suffix.lower() != ".png":
        raise click.BadParameter(f"{chart.name} is no picture: name a FILE.png.", param_hint="--chart")
    now = datetime.now(UTC)
    with open_database() as database:
        with database.begin() as session:
            held = prices.coverage(session, series=series)
            found = {(item.series, item.coin): prices.gaps(session, item.series, item.coin) for item in held}
        if series and not held:
            raise PriceError(f"There is no series {series[:40]!r}. See `omc data coins` for what is held.")
        drawn = _fullness(database, held, data_tables.CHART_WIDTH)
        pictures = _draw(held, found, _fullness(database, held, _CHART_STRETCHES)) if chart and held else {}
    if as_json:
        click.echo(json.dumps(data_tables.health_json(held, found, now), indent=2))
    elif held:
        data_tables.show_health(held, found, drawn, now)
    else:
        click.echo(data_tables.NOTHING_HELD)
    for path in _write(pictures, chart) if chart else []:
        click.echo(f"The chart is in {path}.", err=as_json)


def _fullness(
    database: "Database", held: "Sequence[Coverage]", stretches: int
) -> dict[tuple[str, str], list[int]]:
    """Bars of each coin in equal stretches of its series' whole span."""
    from storage import prices

    drawn = {}
    with database.begin() as session:
        for item in held:
            members = [other for other in held if other.series == item.series]
            span = min(other.start for other in members), max(other.end for other in members)
            drawn[item.series, item.coin] = prices.fullness(session, item.series, item.coin, *span, stretches)
    return drawn


def _draw(
    held: "Sequence[Coverage]",
    gaps: "Mapping[tuple[str, str], Sequence[Gap]]",
    fullness: Mapping[tuple[str, str], Sequence[int]],
) -> dict[str, bytes]:
    """A picture of each series, by its name."""
    from engine.science.charts import Held, Source, draw_coverage

    pictures = {}
    for series in sorted({item.series for item in held}):
        members = [item for item in held if item.series == series]
        start, end = min(item.start for item in members), max(item.end for item in members)
        first = members[0]
        full = (end - start).total_seconds() / _CHART_STRETCHES / first.interval_seconds
        rows = [
            Held(
                item.coin,
                [count / full for count in fullness[series, item.coin]],
                [(gap.start, gap.end) for gap in gaps[series, item.coin]],
                item.rows,
                sum(gap.missing_bars for gap in gaps[series, item.coin]),
            )
            for item in members
        ]
        source = Source(
            venue=series,
            currency="",
            interval_minutes=first.interval_seconds / 60,
            bars=sum(item.rows for item in members),
            start=start,
            end=end,
            run="",
            simulated=first.simulated,
        )
        pictures[series] = draw_coverage(source, rows).png
    return pictures


def _write(pictures: Mapping[str, bytes], chart: Path) -> list[Path]:
    from storage.errors import PriceError

    written = []
    for series, png in pictures.items():
        plain = "".join(letter if letter.isalnum() else "-" for letter in series)
        path = chart if len(pictures) == 1 else chart.with_stem(f"{chart.stem}-{plain}")
        try:
            path.write_bytes(png)
        except OSError as error:
            raise PriceError(f"{path} cannot be written: {error.strerror or error}.") from error
        written.append(path)
    return written
