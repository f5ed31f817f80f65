"""Prices of a market that moves, and files written from them, for the tests of importing."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from storage.importing.reading import Reading

START = datetime(2023, 6, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
NAMES = ("open", "high", "low", "close", "volume")
Row = tuple[Any, ...]
Save = Callable[[str, str | bytes], Path]


def walk(
    count: int = 120, step: timedelta = STEP, start: datetime = START, price: float = 27_000.0
) -> list[Row]:
    """Bars of a market that moves: the next one opens where the last one closed."""
    dice, rows = random.Random(7), []
    for at in range(count):
        opened, price = price, round(price * (1 + dice.gauss(0, 0.001)), 2)
        high, low = round(max(opened, price) * 1.0004, 2), round(min(opened, price) * 0.9996, 2)
        rows.append((start + at * step, opened, high, low, price, round(dice.uniform(1, 9), 3)))
    return rows


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def lines(rows: list[Row], stamp: Callable[[datetime], object] = utc, header: str | None = None) -> list[str]:
    texts = [",".join(map(str, (stamp(row[0]), *row[1:]))) for row in rows]
    return [header or "timestamp,open,high,low,close,volume", *texts]


ROWS = walk()
LINES = lines(ROWS)
BERLIN = ZoneInfo("Europe/Berlin")


def columns(names: str, cell: Callable[[Row], str]) -> str:
    return "\n".join([names, *(cell(row) for row in ROWS)])


def ohlc(row: Row) -> str:
    return ",".join(map(str, row[1:]))


def bars(reading: Reading, coin: str = "btc") -> list[Row]:
    (part,) = reading.parts
    found = [row for row in part.table.to_pylist() if row["coin"] == coin]
    return [(row["timestamp"], *(row[name] for name in NAMES)) for row in found]
