"""Files as exchanges, charting programs and collections write them: read to the same bars, or refused in words."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from storage.importing.errors import FileRefused, Unclear
from storage.importing.reading import Options, read
from tests.storage.importing.prices_as_files import (
    BERLIN,
    LINES,
    NAMES,
    ROWS,
    START,
    STEP,
    Row,
    Save,
    bars,
    columns,
    lines,
    ohlc,
    utc,
    walk,
)

OTHER = walk(price=1_900.0)  # of another coin at the same times
SECONDS = [int(row[0].timestamp()) for row in ROWS]


def hours(rows: list[Row]) -> list[Row]:
    """Twelve bars put together into one."""
    groups = [rows[at : at + 12] for at in range(0, len(rows), 12)]
    return [
        (
            group[0][0],
            group[0][1],
            max(row[2] for row in group),
            min(row[3] for row in group),
            group[-1][4],
            sum(row[5] for row in group),
        )
        for group in groups
    ]


def page(coin: str, rows: list[Row]) -> dict[str, Any]:
    return {"symbol": coin, "data": [[int(row[0].timestamp() * 1000), *row[1:]] for row in rows]}


def lakhs(price: float) -> str:
    """3425678.5 as India groups it: 34,25,678.50."""
    whole, decimals = f"{price:.2f}".split(".")
    groups = [whole[-3:]]
    whole = whole[:-3]
    while whole:
        groups.insert(0, whole[-2:])
        whole = whole[:-2]
    return f"{','.join(groups)}.{decimals}"


INVESTING = {
    "Investing.com, French": "Date,Dernier,Ouv.,Plus Haut,Plus Bas,Vol.,Variation %",
    "Investing.com, German": "Datum,Zuletzt,Eröffn.,Hoch,Tief,Vol.,+/- %",
    "Investing.com, Dutch": "Datum,Laatste,Open,Hoog,Laag,Vol.,Verschil %",
    "Investing.com, Polish": "Data,Ostatnio,Otwarcie,Max.,Min.,Wol.,Zmiana%",
    "Investing.com, Turkish": "Tarih,Şimdi,Açılış,Yüksek,Düşük,Hac.,Fark %",
    "Investing.com, Russian": "Дата,Цена,Откр.,Макс.,Мин.,Объём,Изм. %",
    "Investing.com, Chinese": "日期,收盘,开盘,高,低,交易量,涨跌幅",
    "Investing.com, Japanese": "日付け,終値,始値,高値,安値,出来高,変化率 %",
}
READ: dict[str, tuple[str, str | bytes]] = {
    "Gate.io, sums traded before the prices": (
        "BTC_USDT.csv",
        "\n".join(
            f"{int(t.timestamp())},{v * c:.4f},{c},{h},{low},{o},{v}" for t, o, h, low, c, v in ROWS
        ),
    ),
    "KuCoin's answer": (
        "kucoin_BTC-USDT.json",
        json.dumps(
            {
                "code": "200000",
                "data": [
                    [str(int(t.timestamp())), *map(str, (o, c, h, low, v, v * c))] for t, o, h, low, c, v in ROWS
                ],
            }
        ),
    ),
    "MetaTrader 4, coin and minutes in the name": (
        "BTCUSD5.csv",
        "\n".join(f"{row[0]:%Y.%m.%d},{row[0]:%H:%M},{ohlc(row)}" for row in ROWS),
    ),
    "three header rows, the index named in the last": (
        "btc.csv",
        columns(
            "Price,Open,High,Low,Close,Volume\nTicker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD\nDatetime,,,,,",
            lambda r: f"{utc(r[0])},{ohlc(r)}",
        ),
    ),
    "a page of JSON on each line": (
        "dump.jsonl",
        "\n".join(json.dumps(page("BTCUSDT", ROWS[at : at + 40])) for at in range(0, 120, 40)),
    ),
    "groups of lakhs": (
        "btc_inr.csv",
        columns(LINES[0], lambda r: f'{utc(r[0])},{",".join(f"{chr(34)}{lakhs(x)}{chr(34)}" for x in r[1:5])},{r[5]}'),
    ),
    "a local time before the UTC one": (
        "btc.csv",
        columns(
            "local_time,utc_time,open,high,low,close,volume",
            lambda r: f"{r[0].astimezone(BERLIN):%Y-%m-%d %H:%M},{r[0]:%Y-%m-%d %H:%M},{ohlc(r)}",
        ),
    ),
    "a day, and the full time in the close": (
        "btc.csv",
        columns(
            "date,close_time,open,high,low,close,volume",
            lambda r: f"{r[0]:%Y-%m-%d},{int(r[0].timestamp()) * 1000 + 299_999},{ohlc(r)}",
        ),
    ),
    "times without a zone between those with one": (
        "btc.csv",
        columns(
            LINES[0],
            lambda r: f"{utc(r[0]) if r[0].minute % 2 else f'{r[0]:%Y-%m-%d %H:%M}'},{ohlc(r)}",
        ),
    ),
    "bars stamped seconds late, each differently": (
        "btc.csv",
        "\n".join(lines(ROWS, lambda t: utc(t + timedelta(seconds=t.minute * 7 % 20)))),
    ),
    "headers that were read in the wrong encoding": (
        "bitcoin.csv",
        columns("Datum,Eröffnung,Höchst,Tief,Schluss,Volumen".encode().decode("latin-1"), lambda r: f"{utc(r[0])},{ohlc(r)}"),
    ),
    "numbers for names of currencies": (
        "Bitcoin_historical_data_coinmarketcap.csv",
        columns(
            "timeOpen;timeClose;name;open;high;low;close;volume;timestamp",
            lambda r: ";".join(map(str, (utc(r[0]), utc(r[0] + STEP), 2781, *r[1:], utc(r[0] + STEP)))),
        ),
    ),
    "an unfinished bar at the end": (
        "okx-BTC-USDT.csv",
        columns("ts,o,h,l,c,vol,confirm", lambda r: f"{utc(r[0])},{ohlc(r)},1") + f"\n{utc(START + 120 * STEP)},1,1,1,1,1,0",
    ),
    **{
        language: (
            "btc_usd.csv",
            columns(header, lambda r: f"{utc(r[0])},{r[4]},{r[1]},{r[2]},{r[3]},{r[5] / 1000:.6f}K,-0.38%"),
        )
        for language, header in INVESTING.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("export", READ)
def test_an_export_is_read_at_its_instants_with_its_values(save: Save, export: str) -> None:
    found = bars(read(save(*READ[export])))
    assert [row[:5] for row in found] == [row[:5] for row in ROWS]
    assert [row[5] for row in found] == pytest.approx([row[5] for row in ROWS])


def zipped(members: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        for name, text in members.items():
            into.writestr(name, text)
    return archive.getvalue()


TWO_COINS: dict[str, tuple[str, str | bytes]] = {
    "JSON by market": (
        "dump.json",
        json.dumps({"BTCUSDT": page("", ROWS)["data"], "ETHUSDT": page("", OTHER)["data"]}),
    ),
    "a page for each market on a line": (
        "dump.jsonl",
        "\n".join(json.dumps(page(*pair)) for pair in (("BTCUSDT", ROWS), ("ETHUSDT", OTHER))),
    ),
    "a file for each market": (
        "dump.zip",
        zipped(
            {
                "BTCUSDT-5m-2024-12.csv": "\n".join(lines(ROWS, lambda t: int(t.timestamp() * 1e3))[1:]),
                "ETHUSDT-5m-2025-01.csv": "\n".join(lines(OTHER, lambda t: int(t.timestamp() * 1e6))[1:]),
            }
        ),
    ),
    "prices side by side under two header rows": (
        "wide.csv",
        ",Close,Close,Open,Open,High,High,Low,Low,Volume,Volume\n,BTC-USD,ETH-USD,BTC-USD,ETH-USD,BTC-USD,ETH-USD,"
        "BTC-USD,ETH-USD,BTC-USD,ETH-USD\n"
        + "\n".join(
            f"{utc(b[0])},{b[4]},{e[4]},{b[1]},{e[1]},{b[2]},{e[2]},{b[3]},{e[3]},{b[5]},{e[5]}"
            for b, e in zip(ROWS, OTHER, strict=True)
        ),
    ),
}


@pytest.mark.parametrize("export", TWO_COINS)
def test_no_coin_of_an_export_is_lost(save: Save, export: str) -> None:
    reading = read(save(*TWO_COINS[export]))
    assert bars(reading, "btc") == ROWS
    assert bars(reading, "eth") == OTHER
    assert "sol" not in str(reading.report.understood)


def test_an_unfinished_bar_is_listed_and_a_column_of_parquet_may_say_so(save: Save) -> None:
    (reject,) = read(save(*READ["an unfinished bar at the end"])).report.rejects
    assert reject.reason == "a bar that was not finished yet"
    frame = pd.DataFrame(ROWS, columns=["time", *NAMES]).assign(is_closed=[True] * 119 + [False])
    path = save("btc.parquet", b"")
    frame.to_parquet(path)
    assert bars(read(path)) == ROWS[:119]


def test_minutes_in_which_nothing_traded_leave_the_last_bar_complete(save: Save) -> None:
    minutes = walk(10, timedelta(minutes=1))
    text = "\n".join([*lines(minutes)[:-1], f"{utc(minutes[-1][0])},NaN,NaN,NaN,NaN,NaN"])
    found = bars(read(save("btc.csv", text)))
    assert [row[0] for row in found] == [START, START + STEP]
    assert found[1][4] == minutes[8][4]


def stamped(stamp: Callable[[datetime], str]) -> str:
    return "\n".join(lines(ROWS, stamp))


BTC_AND_ITS_SWAP = columns(
    "symbol," + LINES[0], lambda r: f"BTCUSDT,{utc(r[0])},{ohlc(r)}\nBTCUSDT-PERP,{utc(r[0])},{ohlc(r)}"
)
REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "columns that change places": (
        "btc.csv",
        "\n".join([*LINES[:60], "timestamp,close,high,low,open,volume", *LINES[60:]]),
        "Line 61 is the header of another table",
    ),
    "a second coin below the first": (
        "prices.csv",
        "\n".join(["BTC/USD", *LINES[:60], "", "ETH/USD", LINES[0], *lines(OTHER)[60:]]),
        "a table for each coin",
    ),
    "tables side by side": (
        "wide.csv",
        "time,btc close,time,eth close\n"
        + "\n".join(f"{utc(b[0])},{b[4]},{utc(b[0] + STEP)},{b[4]}" for b in ROWS),
        "tables side by side",
    ),
    "a coin beside its swap": ("prices.csv", BTC_AND_ITS_SWAP, "different markets"),
    "two markets without names": (
        "btc.csv",
        columns(LINES[0], lambda r: f"{utc(r[0])},{ohlc(r)}\n{utc(r[0])},{r[1] + 9},{r[2] + 9},{r[3]},{r[4]},2"),
        "several tables are mixed",
    ),
    "numbers for coins": (
        "train.csv",
        columns("timestamp,Asset_ID,Open,High,Low,Close,Volume", lambda r: f"{utc(r[0])},{r[0].minute % 2},{ohlc(r)}"),
        "numbers",
    ),
    "a few hours among the minutes": (
        "btc.csv",
        "\n".join(lines([*ROWS[:36], *hours(ROWS[36:96]), *ROWS[96:]])),
        "more than one cadence",
    ),
    "bars of another grid": (
        "btc.csv",
        stamped(lambda t: utc(t + timedelta(minutes=2))),
        "begin 2 min after the five-minute marks",
    ),
    "days only where they change": (
        "btc.csv",
        columns(
            "date,time,open,high,low,close,volume",
            lambda r: f"{'' if r[0].hour or r[0].minute else f'{r[0]:%Y-%m-%d}'},{r[0]:%H:%M},{ohlc(r)}",
        ),
        "119 of its 120 lines cannot be used",
    ),
    "weeks": ("btc.csv", stamped(lambda t: f"{t:%G-W%V-%uT%H:%M}"), "cannot be read .such as '2023-W22-4T00:00'"),
    "days of the year": ("btc.csv", stamped(lambda t: f"{t:%Y-%jT%H:%M}"), "times in 'timestamp' cannot be read"),
    "clocks without a day": ("btc.csv", stamped(lambda t: f"{t:%H:%M}"), "with their date"),
    "an answer that is an error": ("btc.json", '{"code":-1121,"msg":"Invalid symbol."}', "Invalid symbol"),
    "an OpenDocument sheet": ("btc.ods", zipped({"mimetype": "x", "content.xml": "<a/>"}), "save the sheet as CSV"),
}  # fmt: skip


@pytest.mark.parametrize("export", REFUSED)
def test_what_would_be_read_wrongly_is_refused_with_the_reason(save: Save, export: str) -> None:
    name, content, words = REFUSED[export]
    with pytest.raises(FileRefused, match=words):
        read(save(name, content))


def test_times_without_a_zone_after_those_with_one_are_asked_for(save: Save) -> None:
    text = "\n".join([*LINES[:60], *lines(ROWS[59:], lambda t: f"{t.astimezone(BERLIN):%Y-%m-%d %H:%M}")[1:]])
    path = save("btc.csv", text)
    with pytest.raises(Unclear, match="Some of its times carry a zone") as asked:
        read(path)
    assert asked.value.option == "tz"
    assert bars(read(path, Options(tz="Europe/Berlin"))) == ROWS
