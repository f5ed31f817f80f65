"""JSON: lines of objects or arrays, one document of either, and the answers of price services."""

import codecs
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from storage.importing import columns as words
from storage.importing.documents import is_page, rows_in, rows_of_page
from storage.importing.errors import FileRefused
from storage.importing.files import Limits, Source, reading
from storage.importing.raw import RawTable, Reject

_BLOCK_ROWS = 50_000
_NO_ROWS = "It is JSON, but holds no rows of prices: expected are objects or arrays with a time and a price."


def read(source: Source, limits: Limits) -> RawTable:
    """Read JSON Lines, or a JSON document that is a list of rows or has one in it."""
    with reading(source.name):
        described: dict[str, str] = {}
        table = _tabulate(source.name, _rows(source, limits, described), limits)
        table.metadata.update(described)
        return table


def _rows(source: Source, limits: Limits, described: dict[str, str]) -> Iterator[tuple[int, Any]]:
    """Rows with their line; objects are dicts, arrays lists, anything else is a fault of that line.

    What a document says beside its rows goes to `described`.
    """
    with source.open() as stream:
        head = stream.read(4)
    utf_16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if utf_16 else "utf-8-sig"
    with source.open() as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), encoding)  # type: ignore[type-var]
        try:
            first = text.readline(limits.line_chars + 1)
            value = _parse(first) if len(first) <= limits.line_chars else None
            row = isinstance(value, dict) and not _longest_list(value)
            row = row or (
                isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
            )
            second = text.readline(limits.line_chars + 1)
            _require_rows(value, second)
            if row or (isinstance(value, dict | list) and second.lstrip()[:1] == first.lstrip()[:1]):
                yield from _each_line([first, second], text, limits)
                return
        except UnicodeDecodeError as error:
            raise FileRefused("It looks like JSON but is not UTF-8: save it as UTF-8.") from error
    rows, symbol = _document(source, limits, encoding)
    if symbol:
        described["symbol"] = symbol
    yield from enumerate(rows, start=1)


def _each_line(first: list[str], text: io.TextIOWrapper, limits: Limits) -> Iterator[tuple[int, Any]]:
    lines = itertools.chain(first, iter(lambda: text.readline(limits.line_chars + 1), ""))
    for number, line in enumerate(lines, start=1):
        if len(line) > limits.line_chars:
            raise FileRefused(f"Line {number} is longer than {limits.line_chars:,} characters.")
        if not line.strip():
            continue
        value = _parse(line)
        if is_page(value):
            yield from ((number, row) for row in rows_of_page(value))
        else:
            yield number, value


def _require_rows(value: Any, second: str) -> None:
    """Raise FileRefused for a single object without a time, as a service answers when it refuses."""
    if isinstance(value, dict) and not second.strip() and not _longest_list(value):
        names = [name for name in value if words.is_time([name])]
        if not names:
            raise FileRefused(f"{_NO_ROWS} It says {json.dumps(value, ensure_ascii=False)[:120]}.")


def _document(source: Source, limits: Limits, encoding: str) -> tuple[list[Any], str]:
    with source.open() as stream:
        data = bytearray()
        while more := stream.read(1 << 20):
            data += more
            if len(data) > limits.json_bytes:
                raise FileRefused(
                    f"One JSON document of more than {limits.json_bytes >> 20} MB: save it as JSON Lines or CSV."
                )
    try:
        value = json.loads(data.decode(encoding), parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"It looks like JSON but cannot be read ({str(error)[:80]}).") from error
    return rows_in(value)


def _longest_list(value: dict[str, Any]) -> int:
    inside = [item for item in value.values() if isinstance(item, list | dict)]
    return max(map(len, inside), default=0)


def _parse(line: str) -> Any:
    try:
        # Numbers stay as they are written: they are read like those of any text.
        return json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def _tabulate(name: str, rows: Iterator[tuple[int, Any]], limits: Limits) -> RawTable:
    names: dict[str, int] = {}
    rejects: list[Reject] = []
    blocks: list[dict[str, list[str | None]]] = []
    places: list[int] = []
    named: bool | None = None
    for line, value in rows:
        if not isinstance(value, dict | list) or not value:
            rejects.append(Reject(line, "no JSON object or array", str(value)[:80] if value else ""))
            continue
        named = isinstance(value, dict) if named is None else named
        if named != isinstance(value, dict):
            rejects.append(Reject(line, "an array among objects" if named else "an object among arrays"))
            continue
        cells = _flat(value) if isinstance(value, dict) else _numbered(value)
        if len(places) % _BLOCK_ROWS == 0:
            blocks.append({})
        block, at = blocks[-1], len(places) % _BLOCK_ROWS
        for key, cell in cells.items():
            if key not in names:
                if len(names) >= 200:
                    raise FileRefused("Its objects have more than 200 names: this is no table of prices.")
                names[key] = len(names)
            column = block.setdefault(key, [])
            column.extend([None] * (at - len(column)))
            column.append(_text(cell))
        places.append(line)
        if len(places) > limits.rows:
            raise FileRefused(f"It has more than {limits.rows:,} rows: split it into smaller files.")
    if not places:
        raise FileRefused(_NO_ROWS)
    columns = []
    for key in names:
        chunks = []
        for number, block in enumerate(blocks):
            size = min(_BLOCK_ROWS, len(places) - number * _BLOCK_ROWS)
            cells_here = block.get(key, [])
            chunks.append(pa.array(cells_here + [None] * (size - len(cells_here)), pa.string()))
        columns.append(pa.chunked_array(chunks, pa.string()))
    headers = [[key] for key in names] if named else [[] for _ in names]
    form = ["JSON objects" if named else "JSON arrays"]
    return RawTable(name, columns, list(headers), np.array(places, np.int64), rejects, form=form)


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    """An object with the names of objects inside it joined: {"price": {"open": 1}} has "price open".

    A candle in a message, {"e": "kline", "k": {"t": 1, "o": 2}}, keeps the names it has.
    """
    flat: dict[str, Any] = {}
    for key, cell in value.items():
        if isinstance(cell, dict):
            prefix = "" if len(key) == 1 else f"{key} "
            flat |= {
                f"{prefix}{inner}": item for inner, item in cell.items() if not isinstance(item, dict | list)
            }
        elif not isinstance(cell, list):
            flat[key] = cell
    return flat


def _numbered(value: list[Any]) -> dict[str, Any]:
    """An array by the places of its cells; what is only true or false says nothing without a name."""
    return {str(at): None if isinstance(cell, bool) else cell for at, cell in enumerate(value)}


def _text(cell: Any) -> str | None:
    return None if cell is None or isinstance(cell, list | dict) else str(cell)
