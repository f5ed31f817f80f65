"""Faults that files of prices really have: each is read to the same bars, or refused in words. Nothing is lost silently."""

import json
from datetime import timedelta

import pytest

from storage.importing.errors import FileRefused
from storage.importing.reading import read
from tests.storage.importing.prices_as_files import (
    BERLIN,
    LINES,
    NAMES,
    ROWS,
    START,
    Save,
    bars,
    columns,
    lines,
    ohlc,
    utc,
    walk,
)

READ: dict[str, str | bytes] = {
    "the header again in the middle": "\n".join([*LINES[:50], LINES[0].upper(), *LINES[50:]]),
    "two overlapping exports end to end": "\n".join([*LINES, "\ufeff" + LINES[0], *LINES[30:60]]),
    "blank lines between all lines": "\n\n".join(LINES),
    "lines of blanks": "\n   \n".join(LINES),
    "line ends of three kinds": "\r\r\n".join(LINES[:40]) + "\r" + "\n".join(LINES[40:]),
    "a delimiter too many at each end": "\n".join([LINES[0], *(line + "," for line in LINES[1:])]),
    "row names without a header, as R writes them": "\n".join(
        [LINES[0], *(f"{at},{line}" for at, line in enumerate(LINES[1:]))]
    ),
    "every line in quotation marks": "\n".join(f'"{line}"' for line in LINES),
    "aligned with blanks, date and clock apart": "\n".join(
        line.replace("T", " ").replace("Z", "").replace(",", "   ") for line in LINES
    ),
    "date and clock with points": columns(
        "date,time,open,high,low,close,volume", lambda r: f"{r[0]:%Y.%m.%d,%H:%M},{ohlc(r)}"
    ),
    "clocks as numbers": columns(
        "date,hhmm,open,high,low,close,volume",
        lambda r: f"{r[0]:%Y%m%d},{r[0].hour * 100 + r[0].minute},{ohlc(r)}",
    ),
    "headers in angle brackets": columns(
        "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", lambda r: f"{r[0]:%Y%m%d,%H%M%S},{ohlc(r)}"
    ),
    "stamps in C's own form": columns(LINES[0], lambda r: f"{r[0]:%a %b %d %H:%M:%S %Y},{ohlc(r)}"),
    "stamps as exponents with all digits": columns(
        LINES[0], lambda r: f"{r[0].timestamp() * 1000:.12e},{ohlc(r)}"
    ),
    "a zone in a column of its own": columns(
        "timestamp,tz,open,high,low,close,volume",
        lambda r: f"{r[0].astimezone(BERLIN):%Y-%m-%d %H:%M},Europe/Berlin,{ohlc(r)}",
    ),
    "an offset in a column of its own": columns(
        "timestamp,utc_offset,open,high,low,close,volume",
        lambda r: f"{r[0].astimezone(BERLIN):%Y-%m-%d %H:%M},+02:00,{ohlc(r)}",
    ),
    "numbers as Python shows them": columns(
        LINES[0], lambda r: ",".join([utc(r[0]), *(f"np.float64({value})" for value in r[1:])])
    ),
    "Turkish headers": "\n".join(["Tarih,Açılış,Yüksek,Düşük,Kapanış,Hacim", *LINES[1:]]),
    "names merged over two columns": columns(
        "time,BTC,,,,\n,open,high,low,close,volume", lambda r: f"{utc(r[0])},{ohlc(r)}"
    ),
    "JSON Lines in UTF-16": "\n".join(
        json.dumps(dict(zip(("time", *NAMES), (utc(row[0]), *row[1:]), strict=True))) for row in ROWS
    ).encode("utf-16"),
    "JSON messages of a stream": "\n".join(
        json.dumps(
            {
                "e": "kline",
                "k": {
                    "t": int(t.timestamp() * 1000),
                    "T": int(t.timestamp() * 1000) + 299_999,
                    "i": "5m",
                    "f": 1,
                    "L": 2,
                    "o": o,
                    "h": h,
                    "l": low,
                    "c": c,
                    "v": v,
                    "V": "0",
                    "x": True,
                },
            }
        )
        for t, o, h, low, c, v in ROWS
    ),
    "JSON by exchange and market": json.dumps(
        {
            "error": [],
            "result": {"XXBTZUSD": [[int(row[0].timestamp()), *row[1:]] for row in ROWS], "last": 1},
        }
    ),
    "JSON of columns at different depths": json.dumps(
        {
            "chart": {
                "result": [
                    {
                        "meta": {"symbol": "BTC-USD"},
                        "timestamp": [int(row[0].timestamp()) for row in ROWS],
                        "indicators": {
                            "quote": [{name: [row[at] for row in ROWS] for at, name in enumerate(NAMES, 1)}]
                        },
                    }
                ]
            }
        }
    ),
    "JSON with each row under its time": json.dumps(
        {
            "Series": {
                f"{row[0]:%Y-%m-%d %H:%M:%S}": {f"{at}. {name}": row[at] for at, name in enumerate(NAMES, 1)}
                for row in ROWS
            }
        }
    ),
    "JSON of pandas, split": json.dumps(
        {
            "columns": NAMES,
            "index": [int(row[0].timestamp() * 1000) for row in ROWS],
            "data": [row[1:] for row in ROWS],
        }
    ),
}


@pytest.mark.parametrize("fault", READ)
def test_a_fault_of_form_changes_no_instant_and_no_value(save: Save, fault: str) -> None:
    assert bars(read(save("btc.csv", READ[fault]))) == ROWS


REFUSED = {
    "stamps that lost digits": (
        "\n".join(lines(ROWS, lambda t: f"{t.timestamp() * 1000:.4e}")),
        "lost its last digits",
    ),
    "prices that are none": (
        columns("timestamp,close,volume", lambda r: f"{utc(r[0])},about {r[4]},{r[5]}"),
        "'close' holds no prices",
    ),
    "days without times of day": (
        "\n".join(lines(ROWS, lambda t: f"{t:%Y-%m-%d}")),
        "the time of day is lost",
    ),
    "a line for each kind of price": (
        columns("time,field,value", lambda r: f"{utc(r[0])},open,{r[1]}\n{utc(r[0])},close,{r[4]}"),
        "a line for each kind of price",
    ),
    "hours, then five minutes": (
        "\n".join(lines(walk(48, timedelta(hours=1), START - timedelta(days=2)) + ROWS)),
        "more than one cadence",
    ),
    "five minutes, then minutes": (
        "\n".join(lines(ROWS[:60] + walk(300, timedelta(minutes=1), ROWS[60][0]))),
        "more than one cadence",
    ),
    "lengths of bars in a column": (
        "interval,"
        + "\n".join(
            [LINES[0], *("5m," + line for line in LINES[1:]), *("1h," + line for line in LINES[1::12])]
        ),
        "several lengths",
    ),
    "months": (
        "\n".join(
            lines(
                [(START.replace(year=2018 + at // 12, month=at % 12 + 1), *ROWS[at][1:]) for at in range(36)]
            )
        ),
        "no fixed length",
    ),
    "high and low under each other's names": (
        "\n".join(["timestamp,open,low,high,close,volume", *LINES[1:]]),
        "the high is below the low",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_would_stand_at_a_wrong_instant_or_value_is_refused(save: Save, fault: str) -> None:
    content, words = REFUSED[fault]
    with pytest.raises(FileRefused, match=words):
        read(save("btc.csv", content))


@pytest.mark.parametrize(
    ("symbol", "series"),
    [
        ("KRW-BTC", "imported:krw"),
        ("USDT-BTC", "imported:usdt"),
        ("tBTCUSD", "imported:usd"),
        ("BINANCE:BTCUSDT", "imported:usdt"),
        ("BTCUSD.P", "imported:usd"),
        ("X:BTCUSD", "imported:usd"),
        ("Bitcoin (BTC)", "imported"),
    ],
)
def test_symbols_as_venues_and_feeds_write_them(save: Save, symbol: str, series: str) -> None:
    reading = read(
        save("prices.csv", "\n".join(["symbol," + LINES[0], *(f"{symbol},{line}" for line in LINES[1:])]))
    )
    assert bars(reading) == ROWS
    assert reading.parts[0].series.name == series


def test_prices_of_bitcoin_are_not_taken_for_the_days_of_excel(save: Save) -> None:
    rows = [(row[0], *(float(int(value)) for value in row[1:5]), row[5]) for row in walk(price=43_000.0)]
    path = save("btc.csv", "\n".join(lines(rows, lambda t: int(t.timestamp()))[1:]))
    assert bars(read(path)) == rows


def test_volumes_that_are_no_numbers_are_left_out_and_said(save: Save) -> None:
    text = columns(LINES[0], lambda r: f"{utc(r[0])},{r[1]},{r[2]},{r[3]},{r[4]},12%")
    reading = read(save("btc.csv", text))
    assert bars(reading) == [(*row[:5], None) for row in ROWS]
    assert "volumes are no numbers" in reading.report.understood["note"]


def test_a_column_of_numbers_that_is_not_used_is_named(save: Save) -> None:
    text = columns("timestamp,Er?ffnung,high,low,close,volume", lambda r: f"{utc(r[0])},{ohlc(r)}")
    assert "not used: Er?ffnung" in read(save("btc.csv", text)).report.understood["note"]
