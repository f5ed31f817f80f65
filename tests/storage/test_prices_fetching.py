"""Fetching from an exchange: the unmodified ccxt against a double of Binance's HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage import fetching, prices
from storage.database import Database
from storage.errors import PriceError
from storage.fetching import ExchangeSettings, choose_markets, fetch, open_exchange
from tests.storage.doubles import STEP_MS, Venue, kline, running

START = datetime(2024, 5, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
BARS = 450


@pytest.fixture
def venue() -> Iterator[Venue]:
    candles = {START_MS + at * STEP_MS: kline(START_MS + at * STEP_MS, 100 + at) for at in range(BARS + 50)}
    # The venue stood still for five bars: nobody can fetch those.
    for at in range(100, 105):
        del candles[START_MS + at * STEP_MS]
    with running(Venue({"BTCUSDT": candles, "ETHUSDT": dict(candles)})) as venue:
        yield venue


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@contextmanager
def opened(venue: Venue) -> Iterator[Any]:
    with open_exchange("binance", ExchangeSettings(exchange_api_base=venue.url)) as exchange:
        yield exchange


def bring(
    venue: Venue, database: Database, *, sleeps: list[float] | None = None, **changes: Any
) -> fetching.Fetched:
    span = {"start": START, "end": START + BARS * fetching.STEP} | changes
    slept = sleeps if sleeps is not None else []
    with opened(venue) as exchange:
        series, markets = choose_markets(exchange, ["btc"])
        return fetch(database, exchange, series, "btc", markets["btc"], **span, sleep=slept.append)


def test_every_candle_of_the_span_is_fetched_once_with_its_values(venue: Venue, database: Database) -> None:
    found = bring(venue, database)

    assert (found.series, found.new, found.updated, found.missing) == ("binance:usdt", BARS - 5, 0, 5)
    with database.begin() as session:
        table = prices.load(session, "binance:usdt", ["btc"])
    assert table["timestamp"][0].as_py() == START
    assert table["timestamp"][-1].as_py() == START + (BARS - 1) * fetching.STEP
    assert table["close"][:3].to_pylist() == [100.0, 101.0, 102.0]
    assert table["high"][0].as_py() == pytest.approx(101.0)
    assert table["volume"][0].as_py() == 2.5


def test_a_second_fetch_asks_only_for_the_hole(venue: Venue, database: Database) -> None:
    bring(venue, database)
    venue.requests.clear()

    again = bring(venue, database)

    assert (again.new, again.updated) == (0, 0)
    assert [int(query["startTime"]) for query in venue.klines()] == [START_MS + 100 * STEP_MS]


def test_a_fetch_cut_off_keeps_what_came_and_goes_on_there(venue: Venue, database: Database) -> None:
    venue.failures = [200, 200, *[503] * 5]

    with pytest.raises(PriceError, match="run the same command again to go on"):
        bring(venue, database)
    with database.begin() as session:
        (held,) = prices.coverage(session)
    assert held.rows == 400 - 5 + 5  # two pages of 200 candles
    venue.requests.clear()
    assert bring(venue, database).missing == 5
    # The hole and what is still to come fit into one request; nothing before the hole is asked for again.
    assert min(int(query["startTime"]) for query in venue.klines()) == START_MS + 100 * STEP_MS


def test_a_refusal_over_the_rate_is_waited_out_longer_each_time(venue: Venue, database: Database) -> None:
    venue.failures = [429, 429, 418]
    sleeps: list[float] = []

    assert bring(venue, database, sleeps=sleeps).new == BARS - 5
    assert sleeps == [1.0, 2.0, 4.0]


def test_a_hole_that_the_venue_fills_later_is_filled(venue: Venue, database: Database) -> None:
    bring(venue, database)
    for at in range(100, 105):
        venue.candles["BTCUSDT"][START_MS + at * STEP_MS] = kline(START_MS + at * STEP_MS, 500)

    found = bring(venue, database)

    assert (found.new, found.missing) == (5, 0)


def test_the_unfinished_candle_is_left_for_later(venue: Venue, database: Database) -> None:
    bring(venue, database, end=START + 10 * fetching.STEP + timedelta(seconds=299))
    with database.begin() as session:
        (held,) = prices.coverage(session)
    assert held.end == START + 10 * fetching.STEP


def test_impossible_candles_are_not_stored(venue: Venue, database: Database) -> None:
    venue.candles["BTCUSDT"][START_MS][2] = "0.5"  # a high far below open and close

    assert bring(venue, database).missing == 6


def test_what_an_exchange_lacks_is_said_in_words(venue: Venue) -> None:
    with opened(venue) as exchange:
        with pytest.raises(PriceError, match=r"does not trade doge"):
            choose_markets(exchange, ["btc", "doge"])
        with pytest.raises(PriceError, match=r"choose another with --quote"):
            choose_markets(exchange, ["btc"], "eur")
    with pytest.raises(PriceError, match=r"knows no exchange 'binanze'.*binance"), open_exchange("binanze"):
        pass
