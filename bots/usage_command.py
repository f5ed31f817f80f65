"""`omc usage`: what language models have cost, by day, person, model, agent or run."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast, get_args

import click

from storage.usage import Grouping

if TYPE_CHECKING:
    from storage.usage import Line


@click.command()
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far back.")
@click.option(
    "--by",
    "grouping",
    type=click.Choice(get_args(Grouping)),
    default="day",
    show_default=True,
    help="Summed by.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def usage(days: int, grouping: str, as_json: bool) -> None:
    """Show what language models have cost, in tokens and dollars. Days are UTC."""
    from bots.composition import open_house
    from storage import usage as spent

    since = datetime.now(UTC) - timedelta(days=days)
    with open_house() as house, house.database.begin() as db:
        found = spent.report(db, cast("Grouping", grouping), since)
    if as_json:
        click.echo(json.dumps([asdict(line) for line in found], indent=2))
    elif not found:
        click.echo(f"No language model was asked in the last {days} days.")
    else:
        click.echo("\n".join(table(found, grouping)))


def table(found: "list[Line]", head: str) -> list[str]:
    """Aligned lines, with a sum below."""
    from storage.usage import Line

    total = Line(
        "sum",
        sum(line.calls for line in found),
        sum(line.input_tokens for line in found),
        sum(line.output_tokens for line in found),
        sum(line.usd for line in found),
    )
    rows = [(head, "calls", "read", "written", "dollars")]
    rows += [
        (line.name, f"{line.calls:,}", f"{line.input_tokens:,}", f"{line.output_tokens:,}", f"{line.usd:.4f}")
        for line in (*found, total)
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(row[at].rjust(widths[at]) for at in range(1, 5))])
        for row in rows
    ]
