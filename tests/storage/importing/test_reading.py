"""Files as people have them: every spelling of time, number, column and archive ends at the right instant."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.importing.errors import FileRefused, Unclear
from storage.importing.files import Limits
from storage.importing.reading import Options, Reading, read
from tests.storage.importing.prices_as_files import Save

START = datetime(2023, 6, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def closes(reading: Reading) -> dict[datetime, float]:
    (part,) = reading.parts
    return dict(zip(part.table["timestamp"].to_pylist(), part.table["close"].to_pylist(), strict=True))


def expected(count: int, start: datetime = START, step: timedelta = STEP) -> dict[datetime, float]:
    return {start + at * step: 100.0 + at for at in range(count)}


def candles(
    stamp: Callable[[datetime], object], count: int = 12, step: timedelta = STEP, start: datetime = START
) -> str:
    """Lines of time, open, high, low, close, volume; bar `at` closes at 100 + at, where the next one opens."""
    lines = []
    for at in range(count):
        close = 100.0 + at
        lines.append(f"{stamp(start + at * step)},{close - 1},{close + 1},{close - 2},{close},{5 + at}")
    return "\n".join(lines) + "\n"


HEADER = "time,open,high,low,close,volume\n"


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        (lambda t: int(t.timestamp()), "Unix seconds"),
        (lambda t: int(t.timestamp() * 1000), "Unix milliseconds"),
        (lambda t: int(t.timestamp() * 1_000_000), "Unix microseconds"),
        (lambda t: int(t.timestamp()) * 1_000_000_000, "Unix nanoseconds"),
        (lambda t: f"{t.timestamp():.1f}", "Unix seconds"),
        (lambda t: t.isoformat(), "year first"),
        (lambda t: f"{t:%Y%m%d%H%M}", "digits alone"),
        (lambda t: f"{t:%Y%m%d %H:%M:%S}", "year first"),
        (lambda t: f"{t:%d.%m.%Y %H:%M}", "day first"),
        (lambda t: f"{t:%d %b %Y %H:%M}", "name of month"),
        (lambda t: f"{t:%b %d} {t:%Y %I:%M:%S %p}", "name of month"),
        (lambda t: f"{t:%Y-%m-%d %I:%M %p}", "year first"),
        (lambda t: f"{(t - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86400:.6f}", "Excel"),
    ],
)
def test_every_spelling_of_a_time_is_the_same_instant(
    save: Save, stamp: Callable[[datetime], object], words: str
) -> None:
    reading = read(save("btc.csv", HEADER + candles(stamp)))
    assert closes(reading) == expected(12)
    assert words in reading.report.understood["time"]


def test_day_and_month_are_told_apart_by_the_run_of_the_rows(save: Save) -> None:
    # 11 and 12 June: read month first, midnight would be a leap of a month.
    path = save(
        "btc.csv", HEADER + candles(lambda t: f"{t:%d/%m/%Y %H:%M}", 300, start=START.replace(day=11))
    )
    assert closes(read(path)) == expected(300, START.replace(day=11))


def test_a_date_that_can_be_two_is_asked_for(save: Save) -> None:
    path = save("btc.csv", HEADER + candles(lambda t: f"{t:%d/%m/%Y %H:%M}", start=START.replace(day=3)))
    with pytest.raises(Unclear, match="--dates day-first or --dates month-first") as asked:
        read(path)
    assert asked.value.option == "dates"
    assert closes(read(path, Options(dates="day-first"))) == expected(12, START.replace(day=3))
    assert closes(read(path, Options(dates="month-first"))) == expected(12, datetime(2023, 3, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "night"),
    [
        ("Europe/Berlin", datetime(2022, 10, 29, tzinfo=UTC)),
        ("Europe/London", datetime(2022, 10, 29, tzinfo=UTC)),
    ],
)
def test_a_repeated_hour_shows_the_zone_and_keeps_every_row(save: Save, zone: str, night: datetime) -> None:
    place = ZoneInfo(zone)
    path = save(
        "btc.csv", HEADER + candles(lambda t: f"{t.astimezone(place):%Y-%m-%d %I:%M %p}", 576, start=night)
    )

    reading = read(path)

    assert closes(reading) == expected(576, night)
    assert zone in reading.report.understood["time"]


def test_a_skipped_hour_shows_the_zone_too(save: Save) -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), datetime(2023, 3, 25, tzinfo=UTC)
    path = save(
        "btc.csv", HEADER + candles(lambda t: f"{t.astimezone(berlin):%Y-%m-%d %H:%M}", 576, start=night)
    )
    assert closes(read(path)) == expected(576, night)


def test_a_clock_change_of_several_zones_is_asked_for_and_newest_first_is_resolved(save: Save) -> None:
    chicago, night = ZoneInfo("America/Chicago"), datetime(2022, 11, 5, tzinfo=UTC)
    lines = candles(lambda t: f"{t.astimezone(chicago):%Y-%m-%d %H:%M}", 576, start=night).splitlines()
    path = save("btc.csv", HEADER + "\n".join(reversed(lines)))
    with pytest.raises(Unclear, match="--tz") as asked:
        read(path)
    assert "America/Chicago" in asked.value.choices
    assert closes(read(path, Options(tz="America/Chicago"))) == expected(576, night)


def test_a_repeated_hour_in_shuffled_lines_is_set_aside_rather_than_guessed(save: Save) -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), datetime(2022, 10, 29, 12, tzinfo=UTC)
    lines = candles(lambda t: f"{t.astimezone(berlin):%Y-%m-%d %H:%M}", 288, start=night).splitlines()
    path = save("btc.csv", HEADER + "\n".join(lines[1::2] + lines[::2][::-1]))

    reading = read(path, Options(tz="Europe/Berlin"))

    assert len(closes(reading)) == 288 - 24
    assert closes(reading).items() <= expected(288, night).items()
    assert len(reading.report.rejects) == 24


@pytest.mark.parametrize(
    ("header", "offset_hours"),
    [("time_aest", 10), ("Time (UTC+2)", 2), ("date_utc", 0), ("timestamp [UTC-05:00]", -5)],
)
def test_a_zone_in_the_header_is_taken(save: Save, header: str, offset_hours: int) -> None:
    text = HEADER.replace("time", header) + candles(
        lambda t: f"{t + timedelta(hours=offset_hours):%Y-%m-%d %H:%M}"
    )
    assert closes(read(save("btc.csv", text))) == expected(12)


def test_stamps_that_lost_their_digits_are_set_aside_not_guessed(save: Save) -> None:
    text = HEADER + candles(lambda t: int(t.timestamp() * 1000)) + "1.68558E+12,1,2,0.5,1.5,3\n"
    (reject,) = read(save("btc.csv", text)).report.rejects
    assert (reject.line, reject.reason) == (14, "a time that lost its last digits (export whole numbers)")


@pytest.mark.parametrize(
    ("name", "late"), [("close_time", 299.999), ("time", 299.999), ("close_time", 300.0)]
)
def test_stamps_at_the_end_of_the_bar_are_moved_to_its_start_and_said(
    save: Save, name: str, late: float
) -> None:
    text = HEADER.replace("time", name) + candles(lambda t: round((t.timestamp() + late) * 1000))
    reading = read(save("btc.csv", text))
    assert closes(reading) == expected(12)
    assert "end of the bar moved to its start" in reading.report.coins[0].shifted


def test_a_person_can_say_that_stamps_are_ends(save: Save) -> None:
    text = HEADER + candles(lambda t: int((t + STEP).timestamp()))
    assert closes(read(save("btc.csv", text), Options(stamps="end"))) == expected(12)


def test_one_minute_candles_are_put_together_and_unfinished_bars_left_out(save: Save) -> None:
    minute = timedelta(minutes=1)
    text = HEADER + candles(lambda t: int(t.timestamp()), 14, minute, START + 3 * minute)  # 00:03 to 00:16
    reading = read(save("btc-1m.csv", text))
    (part,) = reading.parts
    # 00:05: candles 2 to 6 -> opens at 101, highest 107, lowest 100, closes at 106, volume 7+8+9+10+11
    assert part.table.slice(0, 1).to_pylist() == [
        {"coin": "btc", "timestamp": START + STEP, "open": 101.0, "high": 107.0, "low": 100.0, "close": 106.0,
         "volume": 45.0, "bid": None, "ask": None}
    ]  # fmt: skip
    assert part.table.num_rows == 2
    assert reading.report.coins[0].incomplete == 2


@pytest.mark.parametrize(("minutes", "name"), [(15, "15m"), (60, "1h"), (1440, "1d")])
def test_coarser_bars_keep_their_cadence_in_a_series_of_their_own(
    save: Save, minutes: int, name: str
) -> None:
    step = timedelta(minutes=minutes)
    reading = read(save("binance_btc_usdt.csv", HEADER + candles(lambda t: int(t.timestamp()), 40, step)))
    assert reading.parts[0].series.name == f"binance:usdt@{name}"
    assert closes(reading) == expected(40, step=step)


@pytest.mark.parametrize(("seconds", "words"), [(180, "3m candles"), (420, "7m candles")])
def test_a_cadence_that_does_not_fit_is_refused(save: Save, seconds: int, words: str) -> None:
    text = HEADER + candles(lambda t: int(t.timestamp()), 40, timedelta(seconds=seconds))
    with pytest.raises(FileRefused, match=words):
        read(save("btc.csv", text))


def test_two_cadences_in_one_file_are_refused(save: Save) -> None:
    text = HEADER + candles(lambda t: int(t.timestamp()), 300)
    text += candles(lambda t: int(t.timestamp()), 100, timedelta(minutes=1), START + 300 * STEP)
    with pytest.raises(FileRefused, match="more than one cadence"):
        read(save("btc.csv", text))


@pytest.mark.parametrize("order", ["ohlc", "ochl", "lhoc"])
def test_kline_dumps_without_a_header_are_told_by_their_values(save: Save, order: str) -> None:
    lines = []
    for at in range(60):
        close = 100.0 + (at * 7) % 13
        opened = 100.0 + ((at - 1) * 7) % 13
        parts = {"o": opened, "h": max(opened, close) + 1, "l": min(opened, close) - 1, "c": close}
        values = ",".join(str(parts[letter]) for letter in order)
        stamp = int((START + at * STEP).timestamp())
        lines.append(f"{stamp},{values},{3 + at},{stamp + 299},{at}")
    table = read(save("BTCUSDT-5m.csv", "\n".join(lines))).parts[0].table
    assert table["close"].to_pylist() == [100.0 + (at * 7) % 13 for at in range(60)]
    assert table["open"].to_pylist() == [100.0 + ((at - 1) * 7) % 13 for at in range(60)]
    assert table["volume"].to_pylist() == [3.0 + at for at in range(60)]


def test_headers_of_two_rows_name_role_and_coin(save: Save) -> None:
    stamps = [f"{START + at * STEP:%Y-%m-%d %H:%M:%S}+00:00" for at in range(8)]
    text = "Price,Close,Close,High,High\nTicker,BTC-USD,ETH-USD,BTC-USD,ETH-USD\nDatetime,,,,\n"
    text += "".join(f"{stamp},{100 + at},{at + 1},{101 + at},{at + 2}\n" for at, stamp in enumerate(stamps))
    (part,) = read(save("download.csv", text)).parts
    assert part.series.name == "imported:usd"
    rows = part.table.select(["coin", "close", "high"]).to_pylist()
    assert rows[0] == {"coin": "btc", "close": 100.0, "high": 101.0}
    assert rows[8] == {"coin": "eth", "close": 1.0, "high": 2.0}


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("Datum;Eröffnung;Hoch;Tief;Schluss;Volumen", "latin-1"),
        ("Fecha;Apertura;Máximo;Mínimo;Cierre;Volumen", "utf-8-sig"),
        ("Date;Ouverture;Plus haut;Plus bas;Clôture;Volume", "cp1252"),
        ("Дата;Открытие;Макс.;Мин.;Закрытие;Объем", "cp1251"),
        ("日期;开盘价;最高价;最低价;收盘价;成交量", "gb18030"),
        ("日時;始値;高値;安値;終値;出来高", "utf-16"),
    ],
)
def test_headers_of_other_languages_and_encodings_are_understood(
    save: Save, header: str, encoding: str
) -> None:
    body = (
        candles(lambda t: f"{t:%d.%m.%Y %H:%M}")
        .replace(",", ";")
        .replace(".0;", ",0;")
        .replace(".0\n", ",0\n")
    )
    table = read(save("btc.csv", (header + "\n" + body).encode(encoding))).parts[0].table
    assert table["close"].to_pylist() == [100.0 + at for at in range(12)]
    assert table["high"].to_pylist() == [101.0 + at for at in range(12)]
    assert table["open"].to_pylist() == [99.0 + at for at in range(12)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", " "])
def test_any_delimiter_is_found(save: Save, delimiter: str) -> None:
    text = (HEADER + candles(lambda t: int(t.timestamp()))).replace(",", delimiter)
    assert closes(read(save("btc.txt", text))) == expected(12)


def test_a_comma_that_could_mean_either_is_asked_for(save: Save) -> None:
    lines = "".join(f"{int((START + at * STEP).timestamp())};27,{100 + at}\n" for at in range(20))
    path = save("btc.csv", "time;close\n" + lines)
    with pytest.raises(Unclear, match="--decimal"):
        read(path)
    assert closes(read(path, Options(decimal="comma")))[START] == 27.1
    assert closes(read(path, Options(decimal="point")))[START] == 27100.0


def test_a_date_and_a_clock_in_two_columns_belong_together(save: Save) -> None:
    text = "date,time,close\n" + "".join(
        f"{START + at * STEP:%Y-%m-%d},{START + at * STEP:%H:%M:%S},{100 + at}\n" for at in range(12)
    )
    assert closes(read(save("btc.csv", text))) == expected(12)


def test_currencies_of_one_file_go_into_series_of_their_own(save: Save) -> None:
    lines = [
        f"{int((START + at * STEP).timestamp())},BTC/{quote},{100 + at}"
        for at in range(6)
        for quote in ("EUR", "USDT")
    ]
    reading = read(save("kraken.csv", "time,pair,close\n" + "\n".join(lines)))
    assert [part.series.name for part in reading.parts] == ["kraken:eur", "kraken:usdt"]
    with pytest.raises(FileRefused, match="several currencies"):
        read(save("kraken.csv", "time,pair,close\n" + "\n".join(lines)), Options(series="kraken:eur"))


def test_json_lines_json_documents_and_answers_of_services_are_read(save: Save) -> None:
    rows = [
        [int((START + at * STEP).timestamp() * 1000), 99.0 + at, 101.0 + at, 98.0 + at, 100.0 + at, 5]
        for at in range(12)
    ]
    names = ["t", "o", "h", "l", "c", "v"]
    named = [dict(zip(names, row, strict=True)) for row in rows]
    for content in (
        "\n".join(json.dumps(row) for row in named),
        "\n".join(json.dumps(row) for row in rows),
        json.dumps(rows),
        json.dumps({"status": "ok", "data": {"candles": named}}),
        json.dumps({name: [row[at] for row in rows] for at, name in enumerate(names)}),
    ):
        assert closes(read(save("btc.json", content))) == expected(12)
    pairs = {"prices": [[row[0], row[4]] for row in rows], "total_volumes": [[row[0], 7] for row in rows]}
    table = read(save("btc.json", json.dumps(pairs))).parts[0].table
    assert (table["close"].to_pylist()[:2], table["volume"].to_pylist()[:2]) == ([100.0, 101.0], [7.0, 7.0])


def test_parquet_with_an_index_a_zone_and_its_own_description(tmp_path: Path) -> None:
    stamps = pa.array([START + at * STEP for at in range(12)], pa.timestamp("ns", tz="Asia/Tokyo"))
    table = pa.table({"__index_level_0__": stamps, "BTC": [100.0 + at for at in range(12)]})
    pq.write_table(
        table.replace_schema_metadata({"exchange": "Kraken", "quote": "EUR"}), tmp_path / "x.parquet"
    )
    reading = read(tmp_path / "x.parquet")
    assert reading.parts[0].series.name == "kraken:eur"
    assert closes(reading) == expected(12)


def test_archives_are_read_and_their_members_put_together(tmp_path: Path) -> None:
    stamp = lambda t: int(t.timestamp())  # noqa: E731
    with zipfile.ZipFile(tmp_path / "binance.zip", "w") as archive:
        archive.writestr("BTCUSDT-5m-1.csv", HEADER + candles(stamp, 6))
        archive.writestr("BTCUSDT-5m-2.csv.gz", gzip.compress((HEADER + candles(stamp, 12)).encode()))
        archive.writestr("README.txt", "hello")
    reading = read(tmp_path / "binance.zip")
    assert reading.parts[0].series.name == "binance:usdt"
    assert closes(reading) == expected(12)
    assert reading.report.coins[0].duplicates == 6


def test_hostile_files_are_refused_within_limits(tmp_path: Path, save: Save) -> None:
    small = Limits(bytes=1 << 20, ratio_from_bytes=1 << 16, line_chars=1000, rows=500)
    good = HEADER + candles(lambda t: int(t.timestamp()))

    def refused(content: bytes, words: str, limits: Limits = small) -> None:
        with pytest.raises(FileRefused, match=words):
            read(save("btc.csv", content), None, limits)

    climbing = io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../../btc.csv", good)
    refused(climbing.getvalue(), "leads out of it")
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.zip", climbing.getvalue())
    refused(nested.getvalue(), "archive inside the archive")
    refused(gzip.compress(good.encode() + b"0" * (1 << 22)), "bomb|larger|longer")
    refused(good.encode() + b"9" * 5000, "longer than 1,000 characters")
    refused(good.encode().replace(b"103.0", b"10\x003.0"), "zero bytes")
    refused((HEADER + candles(lambda t: int(t.timestamp()), 501)).encode(), "more than 500 rows")
    refused(b"PK\x03\x04" + b"x" * 50, "cut off or damaged")
    refused(b"\x80\x04\x95" + b"x" * 50, "pickle")
    refused(b"PAR1" + b"x" * 50, "damaged")
    refused(b'{"a": ' * 5000, "JSON")
    with pytest.raises(FileRefused, match="folder"):
        read(tmp_path)
    with pytest.raises(FileRefused, match="no such file"):
        read(tmp_path / "missing.csv")


def test_bombs_are_found_before_their_rows_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "btc.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("btc.csv", b"1685577600,1\n" * (1 << 20))
    small = Limits(ratio_from_bytes=1 << 20)
    with pytest.raises(FileRefused, match="bomb"):
        read(tmp_path / "btc.zip", None, small)
    (tmp_path / "btc.csv.gz").write_bytes(gzip.compress(b"1685577600,1\n" * (1 << 20)))
    with pytest.raises(FileRefused, match="bomb"):
        read(tmp_path / "btc.csv.gz", None, small)

    # One text of a megabyte that stands in every row takes no room in the file and a hundred gigabytes in memory.
    count = 100_000
    note = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * 1_000_000]))
    stamps = pa.array(range(1_685_577_600, 1_685_577_600 + 300 * count, 300))
    pq.write_table(
        pa.table({"time": stamps, "close": pa.array(range(1, count + 1)), "note": note}),
        tmp_path / "btc.parquet",
    )
    reading = read(tmp_path / "btc.parquet", Options(now_micros=2_000_000_000_000_000))
    assert reading.report.coins[0].bars == count


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file(save: Save) -> None:
    lines = (HEADER + candles(lambda t: int(t.timestamp()), 200)).splitlines()
    lines[100] = '"' + lines[100]
    with pytest.raises(FileRefused, match="never closed"):
        read(save("btc.csv", "\n".join(lines)))


def test_large_moves_are_kept_and_spikes_flagged(save: Save) -> None:
    prices = [100.0 + (at % 3) * 0.1 for at in range(100)]
    prices[40] = 900.0  # and back at once
    prices[70:] = [price * 0.7 for price in prices[70:]]  # a fall that stays
    lines = "".join(f"{int((START + at * STEP).timestamp())},{price}\n" for at, price in enumerate(prices))
    reading = read(save("btc.csv", "time,close\n" + lines))
    assert list(closes(reading).values()) == prices
    assert reading.report.coins[0].spikes == ["2023-06-01T03:20:00Z"]


def test_what_the_file_does_not_say_is_asked_for(save: Save) -> None:
    text = HEADER + candles(lambda t: int(t.timestamp()))
    with pytest.raises(Unclear, match="--coin btc") as asked:
        read(save("prices.csv", text))
    assert asked.value.option == "coin"
    assert read(save("prices.csv", text), Options(coin="XBT")).report.coins[0].coin == "btc"
    assert (
        closes(read(save("p.csv", text), Options(coin="btc", columns={"time": "1", "close": "high"})))[START]
        == 101
    )
    with pytest.raises(Unclear, match="There is no column 'Kurs'"):
        read(save("prices.csv", text), Options(coin="btc", columns={"time": "1", "close": "Kurs"}))
    with pytest.raises(Unclear, match="is no zone"):
        read(save("btc.csv", HEADER + candles(lambda t: f"{t:%Y-%m-%d %H:%M}")), Options(tz="Mars/Base"))
