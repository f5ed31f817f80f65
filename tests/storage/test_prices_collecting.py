"""Collecting: CoinSpot's list of latest prices as it is, odd quotes and old tickers included."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.error import HTTPError

import pytest

from storage import prices
from storage.collecting import (
    Collected,
    CollectSettings,
    collect_coinspot,
    collect_exchange,
    keep_collecting,
    seconds_to_next,
)
from storage.database import Database
from storage.errors import PriceError
from storage.fetching import ExchangeSettings, open_exchange
from tests.storage.doubles import STEP_MS, Venue, kline, running

NOW = datetime(2026, 10, 9, 5, 7, 51, tzinfo=UTC)
LATEST = {
    "status": "ok",
    "message": "ok",
    "prices": {
        "btc": {"bid": "118452.43", "ask": "119631.08", "last": "119000.5"},
        "str": {"bid": "0.2866", "ask": "0.2789", "last": "0.2801"},  # an old ticker, its quotes crossed
        "ltc": {"bid": "0", "ask": "94.25", "last": "94"},  # no bid
        "btc_usdt": {"bid": "82000", "ask": "82100", "last": "82050"},  # another currency
        "dead": {"bid": "0", "ask": "0", "last": "0"},
        "../../etc": {"bid": "1", "ask": "1", "last": "1"},
    },
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def coinspot() -> Iterator[Venue]:
    with running(Venue(latest=LATEST)) as venue:
        yield venue


def collect(venue: Venue, database: Database, *names: str, now: datetime = NOW) -> Collected:
    return collect_coinspot(database, names, settings=CollectSettings(coinspot_api_base=venue.url), now=now)


def test_a_snapshot_goes_into_the_bar_that_contains_it(coinspot: Venue, database: Database) -> None:
    found = collect(coinspot, database)

    assert (found.series, found.new, list(found.crossed)) == ("coinspot:aud", 3, ["xlm"])
    assert sorted(found.skipped) == ["../../etc", "btc_usdt", "dead"]
    with database.begin() as session:
        table = prices.load(session, "coinspot:aud", ["btc", "ltc", "xlm"])
    assert table["timestamp"].to_pylist() == [datetime(2026, 10, 9, 5, 5, tzinfo=UTC)] * 3
    assert table["close"].to_pylist() == [119000.5, 94.0, 0.2801]
    assert table["bid"].to_pylist() == [118452.43, None, 0.2866]
    assert table["open"].null_count == 3


def test_a_later_snapshot_of_the_same_bar_takes_its_place(coinspot: Venue, database: Database) -> None:
    collect(coinspot, database, "btc")
    coinspot.latest = {"prices": {"btc": {"bid": "1", "ask": "3", "last": "2"}}}

    found = collect(coinspot, database, "btc", now=NOW.replace(minute=9))

    assert (found.new, found.updated) == (0, 1)


@pytest.mark.parametrize(
    "answer", [b"<html>slow down</html>", {"prices": []}, {"status": "error"}, {"prices": {}}]
)
def test_an_answer_that_is_no_list_of_prices_writes_nothing(
    coinspot: Venue, database: Database, answer: object
) -> None:
    coinspot.latest = answer

    with pytest.raises(PriceError, match="CoinSpot's answer"):
        collect(coinspot, database)
    with database.begin() as session:
        assert prices.coverage(session) == []


def test_a_refusal_leaves_no_connection_open(coinspot: Venue, database: Database) -> None:
    coinspot.failures = [503]
    with pytest.raises(PriceError, match="CoinSpot does not answer") as refused:
        collect(coinspot, database)
    answer = refused.value.__cause__
    assert isinstance(answer, HTTPError)
    assert answer.fp.closed


def test_something_that_speaks_no_http_is_no_answer(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            with server.accept()[0] as caller:
                caller.recv(1000)
                caller.sendall(b"SSH-2.0-other\r\n")

        speaking = threading.Thread(target=speak)
        speaking.start()
        settings = CollectSettings(coinspot_api_base=f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(PriceError, match="CoinSpot does not answer"):
            collect_coinspot(database, [], settings=settings, now=NOW)
        speaking.join()


def test_a_coin_that_is_not_listed_is_named(coinspot: Venue, database: Database) -> None:
    with pytest.raises(PriceError, match="no price of doge"):
        collect(coinspot, database, "btc", "doge")


def test_a_failed_round_is_told_and_the_next_one_runs(coinspot: Venue, database: Database) -> None:
    coinspot.failures = [500]
    told: list[Collected | PriceError] = []
    sleeps: list[float] = []

    def stop_after_two(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_collecting(
            lambda: collect(coinspot, database), told.append, sleep=stop_after_two, clock=lambda: NOW
        )

    assert [type(result) for result in told] == [PriceError, Collected]
    assert sleeps[0] == pytest.approx(139.0)  # 05:07:51 to 05:10:10


def test_rounds_begin_ten_seconds_after_the_mark() -> None:
    assert seconds_to_next(datetime(2026, 1, 1, 0, 5, 9, tzinfo=UTC)) == pytest.approx(1)
    assert seconds_to_next(datetime(2026, 1, 1, 0, 5, 10, tzinfo=UTC)) == pytest.approx(300)


def test_an_exchange_is_collected_up_to_the_last_complete_candle(database: Database) -> None:
    mark = int(NOW.replace(minute=5, second=0).timestamp() * 1000)
    candles = {mark - at * STEP_MS: kline(mark - at * STEP_MS, 100 + at) for at in range(60)}
    with running(Venue({"BTCUSDT": candles})) as venue:
        settings = ExchangeSettings(exchange_api_base=venue.url)
        with open_exchange("binance", settings) as exchange:
            found = collect_exchange(database, exchange, ["btc"], now=NOW)

    assert (found.series, found.new) == ("binance:usdt", 36)  # three hours, without the running bar
