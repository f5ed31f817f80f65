"""`omc data`: prices in and out - import, fetch, collect, export, and what is held."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bots.feed_commands import collect, fetch
from bots.health_command import health
from bots.local_database import open_database
from bots.sample_command import sample

if TYPE_CHECKING:
    from storage.database import Database
    from storage.importing.reading import Options, Reading

# Each command imports what it needs: the group is loaded with the command line, pandas and ccxt are not.


class DataGroup(click.Group):
    """Expected failures of storage end in one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        from storage.errors import StorageError

        try:
            return super().invoke(ctx)
        except StorageError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=DataGroup)
def data() -> None:
    """Bring prices in, look at what is held, take them out."""


@data.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--coin", metavar="BTC", help="The coin, where the file does not name it.")
@click.option("--series", metavar="VENUE:CURRENCY", help="Where the prices are from, such as binance:usdt.")
@click.option("--tz", metavar="ZONE", help="The zone of times without one: UTC, Europe/Berlin, UTC+10.")
@click.option(
    "--stamps", type=click.Choice(["start", "end"]), help="Whether times mark the start of a bar or its end."
)
@click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="What 03/04/2023 means.")
@click.option("--decimal", type=click.Choice(["comma", "point"]), help="What 1,234 means.")
@click.option("--columns", metavar="ROLE=NAME,...", help="Columns by name or place: time=1,close=Kurs.")
@click.option("--dry-run", is_flag=True, help="Show what would be imported and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_files(
    files: tuple[Path, ...],
    coin: str | None,
    series: str | None,
    tz: str | None,
    stamps: str | None,
    dates: str | None,
    decimal: str | None,
    columns: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import price files: CSV, TSV, JSON Lines, JSON, Parquet or Arrow, also in gz, bz2, xz or zip.

    Each file is imported whole or not at all, and importing it again changes nothing.
    """
    from bots import data_tables
    from storage.importing.errors import FileRefused
    from storage.importing.reading import Options

    options = Options(coin, series, tz, dates, decimal, stamps, _read_columns(columns))
    reports, refused = [], 0
    with open_database() as database:
        for path in files:
            try:
                report = _import_one(database, path, options, dry_run=dry_run, quiet=as_json)
            except FileRefused as error:
                refused += 1
                reports.append({"file": path.name, "refused": str(error), "written": False})
                if not as_json:
                    click.echo(
                        f"{data_tables.plain(path.name)}: not imported. {data_tables.plain(str(error))}",
                        err=True,
                    )
                continue
            reports.append(report)
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    if refused:
        raise click.exceptions.Exit(1)


@data.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def coins(as_json: bool) -> None:
    """List what is held: coins, series, spans, rows; `*` marks the series used when none is named."""
    from bots import data_tables
    from storage import prices

    with open_database() as database, database.begin() as session:
        held = prices.coverage(session)
        defaults = {item.coin: prices.default_series(session, item.coin) for item in held}
    if as_json:
        rows = [
            {
                "coin": item.coin,
                "series": item.series,
                "default": defaults[item.coin] == item.series,
                "start": item.start.isoformat(),
                "end": item.end.isoformat(),
                "rows": item.rows,
                "interval_seconds": item.interval_seconds,
                "simulated": item.simulated,
            }
            for item in held
        ]
        click.echo(json.dumps(rows, indent=2))
    elif held:
        data_tables.show_coins(held, defaults)
    else:
        click.echo(data_tables.NOTHING_HELD)


@data.command()
@click.argument("coin")
@click.option("--series", help="Only this series.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(coin: str, series: str | None, as_json: bool) -> None:
    """Judge what is held of a coin: gaps, spikes, stale runs, crossed quotes, the largest move."""
    from bots import data_tables
    from storage import coins as symbols
    from storage import prices
    from storage.errors import PriceError
    from storage.importing.quality import describe_table

    coin = symbols.symbol(coin) or coin.lower()
    with open_database() as database, database.begin() as session:
        held = prices.coverage(session, coin=coin, series=series)
        if not held:
            raise PriceError(f"There are no prices of {coin[:20]}. See `omc data coins` for what is held.")
        reports = [
            describe_table(prices.load(session, item.series, [coin]), item.series, item.interval_seconds)
            for item in held
        ]
    if as_json:
        click.echo(json.dumps([vars(report) for report in reports], indent=2))
    else:
        for report in reports:
            data_tables.show_stats(report)


@data.command()
@click.option("--coins", "names", required=True, metavar="BTC,ETH", help="The coins, or `all`.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="FILE.parquet or FILE.csv.")
@click.option("--series", help="The series; without it the default one that holds all of the coins.")
@click.option("--start", metavar="DATE", help="The first bar's start, UTC: 2023-06-01 or 2023-06-01T12:00.")
@click.option("--end", metavar="DATE", help="The end, not included.")
@click.option("--days", type=click.IntRange(min=1), help="Only the newest days.")
def export(
    names: str, out: Path, series: str | None, start: str | None, end: str | None, days: int | None
) -> None:
    """Write prices to a Parquet or CSV file."""
    from storage import coins as symbols
    from storage import prices
    from storage.errors import PriceError
    from storage.exporting import write

    wanted = [symbols.symbol(name) or name.strip().lower() for name in names.split(",") if name.strip()]
    first, last = _moment(start, "--start"), _moment(end, "--end")
    with open_database() as database, database.begin() as session:
        if wanted == ["all"]:
            held = prices.coverage(session)
            series = series or prices.default_series(session, held[0].coin) if held else series
            wanted = [item.coin for item in held if item.series == series]
        if not wanted:
            raise PriceError("There are no such prices to export. See `omc data coins` for what is held.")
        series = series or prices.default_series(session, wanted)
        if days:
            newest = max(item.end for item in prices.coverage(session, series=series) if item.coin in wanted)
            first = newest - timedelta(days=days)
        described = next((known for known in prices.all_series(session) if known.name == series), None)
        table = prices.load(session, series, wanted, first, last)
    if described is None or not table.num_rows:
        raise PriceError(
            f"{series} holds no prices of {', '.join(wanted)} in that time: nothing was written."
        )
    write(table, described, out)
    note = " SIMULATED prices" if described.simulated else ""
    click.echo(f"{table.num_rows:,} bars of {', '.join(wanted)} from {series}{note} are in {out}.")


data.add_command(health)
data.add_command(sample)
data.add_command(fetch)
data.add_command(collect)


def _import_one(
    database: "Database", path: Path, options: "Options", *, dry_run: bool, quiet: bool
) -> dict[str, Any]:
    from bots import data_tables
    from storage.importing.errors import Unclear
    from storage.importing.storing import store

    while True:
        try:
            reading = _read_asking(path, options, quiet=quiet)
            if not quiet:
                data_tables.show_understood(reading.report)
            if not dry_run:
                with database.begin() as session:
                    store(session, reading)
            break
        except Unclear as error:
            options = _ask(error, options, quiet=quiet)
    if not quiet:
        data_tables.show_import(reading.report)
    return reading.report.to_json()


def _read_asking(path: Path, options: "Options", *, quiet: bool) -> "Reading":
    """Read a file; a person at a terminal is asked where its prices are from if it does not say."""
    from dataclasses import replace

    from storage.importing.reading import UNKNOWN_VENUE, read

    reading = read(path, options)
    series = reading.parts[0].series
    if options.series or series.venue != UNKNOWN_VENUE or not _at_terminal(quiet):
        return reading
    answer = click.prompt(
        f"{path.name} does not say where its prices are from. Series (venue:currency)", default=series.name
    )
    return reading if answer == series.name else read(path, replace(options, series=answer))


def _ask(error: Any, options: "Options", *, quiet: bool) -> "Options":
    """The options with the answer to an open question; without a terminal the question is the refusal."""
    from dataclasses import replace

    if not _at_terminal(quiet):
        raise error
    click.echo(str(error))
    kind = click.Choice(error.choices) if error.choices and error.option != "coin" else str
    answer = click.prompt(f"--{error.option}", type=kind)
    change: dict[str, Any] = {error.option: _read_columns(answer) if error.option == "columns" else answer}
    return replace(options, **change)


def _at_terminal(quiet: bool) -> bool:
    return not quiet and sys.stdin.isatty() and sys.stdout.isatty()


def _read_columns(text: str | None) -> Mapping[str, str]:
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not role.strip() or not name.strip() for role, _, name in pairs):
        raise click.BadParameter("write ROLE=NAME pairs, as in time=1,close=Kurs", param_hint="--columns")
    return {role.strip().lower(): name.strip() for role, _, name in pairs}


def _moment(text: str | None, option: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            "write a date such as 2023-06-01 or 2023-06-01T12:00", param_hint=option
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
