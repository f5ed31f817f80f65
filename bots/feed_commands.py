"""`omc data fetch` and `omc data collect`: prices from exchanges, past and present."""

import json
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from bots.local_database import open_database

if TYPE_CHECKING:
    from storage.collecting import Collected
    from storage.errors import PriceError


@click.command()
@click.option("--exchange", required=True, help="Any exchange ccxt knows that gives candles to the public.")
@click.option("--coins", "names", required=True, metavar="BTC,ETH", help="The coins.")
@click.option("--days", type=click.IntRange(1, 5000), default=90, show_default=True, help="How far back.")
@click.option("--quote", metavar="USDT", help="The currency; without it the commonest that has them all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fetch(exchange: str, names: str, days: int, quote: str | None, as_json: bool) -> None:
    """Fetch five-minute candles. Only what is missing is asked for, so it may be stopped and run again."""
    from storage import fetching

    now = datetime.now(UTC)
    results = []
    with open_database() as database, fetching.open_exchange(exchange.lower()) as opened:
        series, markets = fetching.choose_markets(opened, _names(names), quote)
        for coin, symbol in markets.items():
            with _bar(coin, quiet=as_json) as bar:

                def tell(progress: fetching.Progress, bar: Any = bar) -> None:
                    if bar is not None:
                        bar.length = progress.total_bars
                        bar.update(progress.done_bars - bar.pos)

                start = now - timedelta(days=days)
                found = fetching.fetch(database, opened, series, coin, symbol, start, now, tell=tell)
            results.append(found)
            if not as_json:
                missing = f", {found.missing:,} that {exchange} does not have" if found.missing else ""
                click.echo(f"{coin} in {series.name}: {found.new:,} new bars{missing}.")
    if as_json:
        click.echo(json.dumps([vars(found) for found in results], indent=2))


@click.command()
@click.option(
    "--exchange", default="coinspot", show_default=True, help="coinspot, or any exchange ccxt knows."
)
@click.option("--coins", "names", default="", metavar="BTC,ETH", help="The coins; CoinSpot: all without it.")
@click.option("--quote", metavar="USDT", help="The currency, on an exchange.")
@click.option("--once", is_flag=True, help="Collect once and end, as a job of cron does.")
def collect(exchange: str, names: str, quote: str | None, once: bool) -> None:
    """Collect prices every five minutes until interrupted."""
    from storage import collecting

    wanted = _names(names)
    with ExitStack() as stack:
        database = stack.enter_context(open_database())
        if exchange.lower() == collecting.COINSPOT:

            def round_of() -> "Collected":
                return collecting.collect_coinspot(database, wanted)
        else:
            from storage import fetching

            if not wanted:
                raise click.UsageError("Name the coins to collect from an exchange: --coins btc,eth.")
            opened = stack.enter_context(fetching.open_exchange(exchange.lower()))

            def round_of() -> "Collected":
                return collecting.collect_exchange(database, opened, wanted, quote)

        if once:
            _tell(round_of())
            return
        try:
            collecting.keep_collecting(round_of, _tell)
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _tell(result: "Collected | PriceError") -> None:
    if isinstance(result, Exception):
        click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {result}", err=True)
        return
    crossed = f"; bid above ask (kept): {', '.join(result.crossed[:8])}" if result.crossed else ""
    click.echo(
        f"{result.at:%Y-%m-%d %H:%M} {result.series}: {result.new} new, {result.updated} updated{crossed}"
    )


def _bar(coin: str, *, quiet: bool) -> Any:
    return nullcontext() if quiet else click.progressbar(length=1, label=f"{coin:<6}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
