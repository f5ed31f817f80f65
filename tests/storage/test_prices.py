"""Prices in the table: what is held, which series is used, exact reads, writes that count what they did."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from storage import prices
from storage.database import Database
from storage.errors import PriceError
from storage.prices import Coverage, Gap
from storage.series import named, parse

START = datetime(2024, 5, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def bars(
    coin: str, closes: list[float], *, start: datetime = START, step: timedelta = STEP, **more: Any
) -> pa.Table:
    stamps = pa.array([start + at * step for at in range(len(closes))], pa.timestamp("us", tz="UTC"))
    columns = {name: pa.array(values, pa.float64()) for name, values in more.items()}
    return pa.table({"coin": [coin] * len(closes), "timestamp": stamps, "close": closes} | columns)


def write(database: Database, series: str, table: pa.Table) -> prices.Written:
    with database.begin() as session:
        return prices.upsert(session, series, table)


def test_what_was_written_comes_back_bit_by_bit_and_null_stays_null(database: Database) -> None:
    odd = [0.1 + 0.2, 1e-8, 123456789.123456789]
    write(database, "binance:usdt", bars("btc", odd, volume=[None, 0.0, 1 / 3]))

    with database.begin() as session:
        table = prices.load(session, "binance:usdt", ["btc"], START, START + 3 * STEP)

    assert table.column_names == ["coin", "timestamp", "open", "high", "low", "close", "volume", "bid", "ask"]
    assert table["close"].to_pylist() == odd
    assert table["volume"].to_pylist() == [None, 0.0, 1 / 3]
    assert table["open"].to_pylist() == [None] * 3
    assert table["timestamp"].to_pylist() == [START, START + STEP, START + 2 * STEP]


def test_a_span_contains_its_start_and_not_its_end(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1, 2, 3, 4.0]))
    write(database, "binance:usdt", bars("ada", [9.0]))

    with database.begin() as session:
        table = prices.load(session, "binance:usdt", ["btc", "ada"], START, START + 2 * STEP)

    assert list(zip(table["coin"].to_pylist(), table["close"].to_pylist(), strict=True)) == [
        ("ada", 9.0),
        ("btc", 1.0),
        ("btc", 2.0),
    ]


def test_writing_counts_new_updated_and_same_rows(database: Database) -> None:
    first = write(database, "binance:usdt", bars("btc", [1, 2, 3.0], volume=[5, 5, 5]))
    again = write(database, "binance:usdt", bars("btc", [1, 2, 3.0], volume=[5, 5, 5]))
    changed = write(database, "binance:usdt", bars("btc", [1, 2.5, 3, 4.0], volume=[5, 5, 5, 5]))

    assert (first.new, first.updated, first.same) == (3, 0, 0)
    assert (again.new, again.updated, again.same) == (0, 0, 3)
    assert (changed.new, changed.updated, changed.same) == (1, 1, 2)


def test_a_poorer_row_does_not_erase_what_a_richer_one_told(database: Database) -> None:
    write(
        database, "binance:usdt", bars("btc", [2, 2.0], open=[1, 1], high=[3, 3], low=[1, 1], volume=[7, 7])
    )

    found = write(database, "binance:usdt", bars("btc", [2, 2.5]))

    assert (found.same, found.updated) == (1, 1)
    with database.begin() as session:
        table = prices.load(session, "binance:usdt", ["btc"])
    assert table["open"].to_pylist() == [1.0, None]  # an open of another close would be a mixture
    assert table["volume"].to_pylist() == [7.0, None]


def test_coverage_tells_spans_to_the_end_of_the_last_bar(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1, 2, 3.0]))
    write(database, "binance:usdt", bars("btc", [4.0], start=START - timedelta(days=1)))
    write(database, "aggregate:usd@1d", bars("btc", [1.0]))
    write(database, "simulated", bars("eth", [1.0]))

    with database.begin() as session:
        held = prices.coverage(session)

    assert held == [
        Coverage("aggregate:usd@1d", "btc", START, START + timedelta(days=1), 1, 86_400, False),
        Coverage("binance:usdt", "btc", START - timedelta(days=1), START + 3 * STEP, 4, 300, False),
        Coverage("simulated", "eth", START, START + STEP, 1, 300, True),
    ]


def test_two_writers_of_one_series_take_turns_and_lose_nothing(database: Database) -> None:
    results: list[prices.Written] = []

    def work(offset: int) -> None:
        results.append(write(database, "binance:usdt", bars("btc", [1.0] * 400, start=START + offset * STEP)))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.begin() as session:
        (held,) = prices.coverage(session)
        stored = session.scalar(sa.text("select count(*) from price_data_5min"))
    assert sum(found.new for found in results) == held.rows == stored == 600
    assert sum(found.same for found in results) == 200


def test_what_fails_midway_leaves_nothing(database: Database) -> None:
    def break_off() -> None:
        with database.begin() as session:
            prices.upsert(session, "binance:usdt", bars("btc", [1.0]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()

    with database.begin() as session:
        assert prices.coverage(session) == []
        assert prices.all_series(session) == []


def week(coin: str, end: datetime) -> pa.Table:
    return bars(coin, [1.0] * prices.ENOUGH_ROWS, start=end - prices.ENOUGH_ROWS * STEP)


def test_the_default_series_is_real_then_fine_then_long_enough_then_newest(database: Database) -> None:
    newest = START + timedelta(days=30)
    with database.begin() as session:
        prices.upsert(session, "simulated", week("btc", newest))
        assert prices.default_series(session, "btc") == "simulated"
        prices.upsert(session, "aggregate:usd@1d", bars("btc", [1.0], start=newest, step=timedelta(days=1)))
        assert prices.default_series(session, "btc") == "aggregate:usd@1d"
        prices.upsert(session, "kraken:usd", week("btc", START))
        assert prices.default_series(session, "btc") == "kraken:usd"
        prices.upsert(session, "coinspot:aud", bars("btc", [1.0], start=newest))  # newer, but a single bar
        assert prices.default_series(session, "btc") == "kraken:usd"
        prices.upsert(session, "binance:usdt", week("btc", START + timedelta(days=2)))
        assert prices.default_series(session, "btc") == "binance:usdt"


def test_several_coins_need_a_series_that_has_them_all(database: Database) -> None:
    with database.begin() as session:
        prices.upsert(session, "binance:usdt", week("btc", START))
        prices.upsert(session, "kraken:usd", week("btc", START))
        prices.upsert(session, "kraken:usd", week("eth", START))
        prices.upsert(session, "bittrex:btc", week("doge", START))

        assert prices.default_series(session, "btc") == "binance:usdt"
        assert prices.default_series(session, ["btc", "eth"]) == "kraken:usd"
        with pytest.raises(PriceError, match="No series holds btc, doge together"):
            prices.default_series(session, ["btc", "doge"])
        with pytest.raises(PriceError, match="no prices of pepe"):
            prices.default_series(session, ["btc", "pepe"])


def test_a_coin_that_is_not_held_is_said_with_what_is(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1.0]))
    with database.begin() as session:
        with pytest.raises(PriceError, match=r"binance:usdt has no prices of eth\. It holds btc\."):
            prices.load(session, "binance:usdt", ["eth"])
        with pytest.raises(PriceError, match="There is no such series"):
            prices.load(session, "nowhere:usd", ["btc"])


def test_gaps_and_fullness_show_where_bars_are_missing(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1.0] * 4))
    write(database, "binance:usdt", bars("btc", [1.0] * 2, start=START + 10 * STEP))

    with database.begin() as session:
        assert prices.gaps(session, "binance:usdt", "btc") == [Gap(START + 4 * STEP, START + 10 * STEP, 6)]
        assert prices.fullness(session, "binance:usdt", "btc", START, START + 12 * STEP, 3) == [4, 0, 2]


def test_a_removed_coin_is_gone_and_a_removed_series_forgotten(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1, 2.0]))
    write(database, "binance:usdt", bars("eth", [1.0]))

    with database.begin() as session:
        assert prices.remove(session, "binance:usdt", "btc") == 2
        assert [item.coin for item in prices.coverage(session)] == ["eth"]
        assert prices.remove(session, "binance:usdt") == 1
        assert prices.all_series(session) == []


def test_a_span_of_one_coin_is_read_through_the_key(database: Database) -> None:
    write(database, "binance:usdt", bars("btc", [1.0] * 3000))
    query = (
        "explain select * from price_data_5min where series = 'binance:usdt' and coin_type = 'btc'"
        f" and timestamp >= '{START}' and timestamp < '{START + 12 * STEP}' order by timestamp"
    )
    with database.begin() as session:
        session.execute(sa.text("analyze price_data_5min"))
        plan = "\n".join(session.scalars(sa.text(query)))
    assert "Index Scan using pk_price_data_5min" in plan
    assert "Sort" not in plan


def test_names_of_series_are_read_and_written_alike() -> None:
    assert parse("Aggregate:USD@24h") == named("aggregate", "usd", 86_400)
    assert named("aggregate", "usd", 86_400).name == "aggregate:usd@1d"
    assert named("binance", "usdt").name == "binance:usdt"
    assert parse("simulated").simulated
    with pytest.raises(PriceError, match="cannot name a series"):
        parse("../etc; drop table")
