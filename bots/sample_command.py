"""`omc data sample`: simulated prices, labelled as such wherever they are shown."""

import json
from datetime import UTC, datetime, timedelta

import click

from bots.local_database import open_database

# Coin -> the generator's own name for the kind of series, and the price it should end at.
SAMPLE = {
    "btc": ("flat", 64_000.0),
    "eth": ("wild", 3_100.0),
    "sol": ("calm", 150.0),
    "ada": ("lead", 0.45),
    "xrp": ("tide", 0.52),
}
PLANTED = "xrp"


@click.command()
@click.option("--days", type=click.IntRange(30, 1500), default=365, show_default=True, help="How long.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Another seed, other prices."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sample(days: int, seed: int, as_json: bool) -> None:
    """Make simulated prices to try things on: no edge in any coin but one, which is named at the end.

    They go into the series `simulated` and take the place of an earlier sample.
    """
    import pyarrow as pa

    from engine.science import simulate
    from storage import prices
    from storage.series import INTERVAL_SECONDS, SIMULATED

    newest = datetime.fromtimestamp(datetime.now(UTC).timestamp() // INTERVAL_SECONDS * INTERVAL_SECONDS, UTC)
    drawn = simulate.sample(days, seed, newest - timedelta(days=days))
    tables = []
    for coin, (kind, last_price) in SAMPLE.items():
        bars = drawn[kind]
        scale = last_price / float(bars["close"].iloc[-1])
        columns = {name: bars[name] * scale for name in ("open", "high", "low", "close")}
        stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
        columns |= {"volume": bars["volume"]}
        arrays = {name: pa.array(column.to_numpy()) for name, column in columns.items()}
        tables.append(pa.table({"coin": pa.repeat(coin, len(bars)), "timestamp": stamps} | arrays))
    table = pa.concat_tables(tables)
    with open_database() as database, database.begin() as session:
        for coin in SAMPLE:
            prices.remove(session, SIMULATED, coin)
        prices.upsert(session, SIMULATED, table)
    if as_json:
        facts = {
            "series": SIMULATED,
            "coins": list(SAMPLE),
            "planted": PLANTED,
            "rows": table.num_rows,
            "seed": seed,
        }
        click.echo(json.dumps(facts | {"end": newest.isoformat()}, indent=2))
        return
    click.echo(
        f"{table.num_rows:,} SIMULATED bars of {', '.join(SAMPLE)} are in the series `{SIMULATED}` "
        f"({days} days to {newest:%Y-%m-%d %H:%M} UTC, seed {seed}).\n"
        f"They are random: no coin has an edge, except {PLANTED}, whose hidden trend turns every 12 hours or so.\n"
        f'Try: omc analyze "will {PLANTED.upper()} close higher in the next hour? last 90 days"'
    )
