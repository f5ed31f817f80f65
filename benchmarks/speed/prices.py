"""Prices: import beside pandas and COPY, loading beside COPY and Arrow, and a read from a table of 24 million rows.

    uv run python -m benchmarks.speed.prices [--rows 1000000] [--table-rows 24000000] [--folder /dev/shm]

Both sides of a ratio are measured in one run, on the same servers (built in, fresh, gone afterwards) and the same
made-up prices. With 24 million rows it needs 6 GB in the folder and a few minutes. Targets on two quiet cores:
a million rows in under 20 s and 600 MB; loading within 1.5 times COPY and Arrow; a read that 24 million other rows
do not slow.
"""

import csv
import io
import math
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psycopg
import pyarrow as pa
import pyarrow.csv

from benchmarks.speed.measured import in_child, medians
from storage import prices
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect
from storage.series import parse

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "LINK")
START = datetime(2019, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
READ_DAYS = 90


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the file to import.")
@click.option("--table-rows", default=24_000_000, show_default=True, help="Other rows in the table; 0: skip.")
@click.option("--folder", type=click.Path(path_type=Path, exists=True), help="Where the servers live.")
def main(rows: int, table_rows: int, folder: Path | None) -> None:
    """Measure the way of prices in and out, and print the ratios."""
    with fresh_database(folder) as (url, home):
        path = home / "binance_usdt_5m.csv"
        _write_file(path, rows)
        click.echo(f"import of {rows:,} rows ({path.stat().st_size / 1e6:.0f} MB of CSV)")
        plain = in_child("benchmarks.speed.price_work", "plain", str(path), url)
        ours = in_child("benchmarks.speed.price_work", "import", str(path), url)
        click.echo(f"  omc data import      {ours}")
        click.echo(f"  pandas and COPY      {plain}")
        click.echo(
            f"  ratio                {ours.seconds / plain.seconds:6.2f}     {ours.cpu_seconds / plain.cpu_seconds:6.2f}"
            f"         {ours.peak_mb / plain.peak_mb:5.2f}"
        )
        database = Database(url)
        _measure_loading(database)
        if table_rows:
            _measure_large_table(database, table_rows)
        database.close()


@contextmanager
def fresh_database(folder: Path | None) -> Iterator[tuple[str, Path]]:
    home = Path(tempfile.mkdtemp(prefix="omc-bench-", dir=folder))
    home.chmod(0o755)
    services = connect(ServiceSettings(), home, grace_seconds=0)
    try:
        upgrade(services.database_url)
        yield services.database_url, home
    finally:
        services.close()
        for _ in range(100):  # the servers stop by themselves, and hold the folder until then
            time.sleep(0.1)
            shutil.rmtree(home, ignore_errors=True)
            if not home.exists():
                break


def _write_file(path: Path, rows: int) -> None:
    """Made-up candles of eight coins in the form of an exchange's export."""
    dice = random.Random(1)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["symbol", "timestamp", "open", "high", "low", "close", "volume"])
        for coin in COINS:
            price = dice.uniform(0.1, 30_000)
            for at in range(rows // len(COINS)):
                opened, price = price, price * math.exp(dice.gauss(0, 0.001))
                high, low = max(opened, price) * 1.0004, min(opened, price) * 0.9996
                stamp = int((START + at * STEP).timestamp()) * 1000
                figures = [f"{value:.6g}" for value in (opened, high, low, price)]
                writer.writerow([f"{coin}USDT", stamp, *figures, f"{dice.uniform(0, 500):.3f}"])


def _measure_loading(database: Database) -> None:
    """All bars of a series as Arrow: ours beside COPY's text read by Arrow's own CSV reader."""
    (series,) = {item.series for item in _held(database)}
    coins = [item.coin for item in _held(database)]

    def ours() -> pa.Table:
        with database.begin() as session:
            return prices.load(session, series, coins)

    def copied() -> pa.Table:
        query = (
            "copy (select coin_type, timestamp, open, high, low, close, volume, bid, ask from price_data_5min"
            f" where series = '{series}' order by coin_type, timestamp) to stdout (format csv)"
        )
        with psycopg.connect(database.dsn) as connection, connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            with cursor.copy(query) as copy:
                data = b"".join(copy)
        options = pa.csv.ReadOptions(column_names=["coin", "timestamp", *prices_columns()])
        types = {"timestamp": pa.timestamp("us", tz="UTC"), **dict.fromkeys(prices_columns(), pa.float64())}
        convert = pa.csv.ConvertOptions(column_types=types)
        return pa.csv.read_csv(io.BytesIO(data), read_options=options, convert_options=convert)

    assert ours().num_rows == copied().num_rows
    taken = medians({"ours": ours, "copied": copied}, 5)
    click.echo(f"loading {ours().num_rows:,} bars for analysis (medians of 5, in turn)")
    click.echo(f"  prices.load          {taken['ours']:6.2f} s")
    click.echo(f"  COPY and Arrow       {taken['copied']:6.2f} s")
    click.echo(f"  ratio                {taken['ours'] / taken['copied']:6.2f}")


def prices_columns() -> tuple[str, ...]:
    """The columns of numbers of a bar."""
    from storage.price_copy import VALUES

    return VALUES


def _measure_large_table(database: Database, rows: int) -> None:
    """90 days of one coin, before and after millions of other rows came into the table."""
    held = next(item for item in _held(database) if item.coin == "btc")
    end = held.end
    start = end - timedelta(days=READ_DAYS)

    def read() -> pa.Table:
        with database.begin() as session:
            return prices.load(session, held.series, ["btc"], start, end)

    before = medians({"read": read}, 15)["read"]
    _fill(database, rows)
    after = medians({"read": read}, 15)["read"]
    with psycopg.connect(database.dsn) as connection:
        (total,) = connection.execute("select count(*) from price_data_5min").fetchone() or (0,)
        plan = connection.execute(
            "explain (analyze, buffers, costs off) select timestamp, close from price_data_5min"
            " where series = %s and coin_type = 'btc' and timestamp >= %s and timestamp < %s order by timestamp",
            (held.series, start, end),
        ).fetchall()
    click.echo(f"{READ_DAYS} days of one coin ({read().num_rows:,} bars; medians of 15)")
    click.echo(f"  before               {before * 1000:6.1f} ms")
    click.echo(f"  of {total:,} rows   {after * 1000:6.1f} ms")
    click.echo(f"  ratio                {after / before:6.2f}")
    click.echo("the plan:")
    for (line,) in plan:
        click.echo(f"  {line}")


def _fill(database: Database, rows: int) -> None:
    """Other coins and another series, written in the order they come in: coin by coin."""
    coins = 20
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        for series in (parse("other:usdt"), parse("other:aud")):
            connection.execute(
                "insert into price_series (name, venue, currency, interval_seconds, simulated, note)"
                " values (%s, %s, %s, 300, false, '')",
                (series.name, series.venue, series.currency),
            )
            for coin in range(coins // 2):
                connection.execute(
                    "insert into price_data_5min (series, coin_type, timestamp, open, high, low, close, volume)"
                    " select %s, %s, timestamptz '2010-01-01Z' + at * interval '5 minutes', at, at + 1, at, at, 1"
                    " from generate_series(1, %s) at",
                    (series.name, f"{'b' if coin % 2 else 'd'}{coin}", rows // coins),
                )
        connection.execute("analyze price_data_5min")


def _held(database: Database) -> list[prices.Coverage]:
    with database.begin() as session:
        return prices.coverage(session)


if __name__ == "__main__":
    main()
