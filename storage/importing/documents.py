"""The rows in a JSON document: a list somewhere inside, columns side by side, or objects named by their time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from storage import coins
from storage.importing import columns as headers
from storage.importing import stamps

_DEPTH = 6
_SYMBOL_KEYS = ("symbol", "pair", "instrument", "market", "product_id", "ticker", "coin", "instId", "s")
Rows = list[Any]


def rows_in(value: Any) -> tuple[Rows, str]:
    """The rows of the largest table in a document, and the symbol named beside or above it (or "").

    Known are lists of rows, the answers of exchanges and price services, and the forms pandas writes.
    """
    if isinstance(value, list):
        return _joined(value), ""
    if not isinstance(value, dict):
        return [], ""
    tables = list(_tables(value, "", _DEPTH))
    if len({coins.market(symbol) for _, symbol in tables if symbol}) > 1:  # a table for each market
        return [row for rows, symbol in tables if symbol for row in _labelled(rows, symbol)], ""
    found = max(tables, key=lambda table: len(table[0]), default=([], ""))
    return found if found[0] else (_side_by_side(value), _symbol_inside(value, _DEPTH))


def is_page(value: Any) -> bool:
    """Whether a row is none but holds some, as an answer written to a line of its own does."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], list | dict)
    if not isinstance(value, dict) or not any(isinstance(inner, list) and inner for inner in value.values()):
        return False
    beside = [name for name, inner in value.items() if not isinstance(inner, list | dict)]
    return not any(headers.is_time([name]) for name in beside)


def rows_of_page(value: Any) -> Rows:
    """The rows in a page, each with the symbol the page names."""
    rows, symbol = rows_in(value)
    return _labelled(rows, symbol) if symbol else rows


def _joined(rows: Rows) -> Rows:
    """A list of pages as the list of their rows."""
    if not rows or not isinstance(rows[0], dict) or not is_page(rows[0]):
        return rows
    return [row for page in rows if isinstance(page, dict) for row in rows_of_page(page)]


def _labelled(rows: Rows, symbol: str) -> Rows:
    return [
        {"symbol": symbol} | row if isinstance(row, dict) else [symbol, *row]
        for row in rows
        if isinstance(row, dict | list)
    ]


def _symbol(name: str) -> str:
    """A name if it means a market, as in Kraken's answers, rather than what it holds ("data", "result")."""
    found = coins.market(name)
    return name if found and (coins.known(name) or found.quote in coins.MONEY) else ""


def _tables(value: Mapping[str, Any], symbol: str, depth: int) -> Iterator[tuple[Rows, str]]:
    symbol = next((str(value[key]) for key in _SYMBOL_KEYS if isinstance(value.get(key), str)), symbol)
    rows = _split_form(value) or _pairs_by_name(value) or _columns(value) or _named_by_time(value)
    if rows:
        yield rows, symbol
        return
    for name, inner in value.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], list | dict):
            if len(inner) == 1 and isinstance(inner[0], dict) and _is_deep(inner[0]):
                yield from _tables(inner[0], symbol, depth - 1) if depth else ()
            else:
                yield _joined(inner), symbol or _symbol(name)
        elif isinstance(inner, dict) and depth:
            yield from _tables(inner, symbol or _symbol(name), depth - 1)


def _is_deep(value: Mapping[str, Any]) -> bool:
    return any(isinstance(inner, list | dict) for inner in value.values())


def _split_form(value: Mapping[str, Any]) -> Rows:
    """{"columns": [...], "index": [...], "data": [[...]]}, as pandas splits a table."""
    names, data = value.get("columns"), value.get("data")
    if not (isinstance(names, list) and isinstance(data, list) and data and isinstance(data[0], list)):
        return []
    index = value.get("index")
    places = index if isinstance(index, list) and len(index) == len(data) else [None] * len(data)
    return [
        {"index": place} | dict(zip(map(str, names), row, strict=False))
        for place, row in zip(places, data, strict=True)
        if isinstance(row, list)
    ]


def _pairs_by_name(value: Mapping[str, Any]) -> Rows:
    """{"prices": [[time, price], ...], "total_volumes": [[time, volume], ...]}."""
    pairs = {name: items for name, items in value.items() if isinstance(items, list) and _are_pairs(items)}
    if not pairs:
        return []
    series = {
        name: {str(item[0]): item[1] for item in items if isinstance(item, list) and len(item) == 2}
        for name, items in pairs.items()
    }
    longest = max(series.values(), key=len)
    return [{"time": at} | {name: values.get(at) for name, values in series.items()} for at in longest]


def _are_pairs(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, list) and len(item) == 2 for item in items[:20])


def _columns(value: Mapping[str, Any]) -> Rows:
    """{"t": [...], "c": [...]}, or {"time": {"0": ...}, "close": {"0": ...}} as pandas writes columns."""
    flat = {
        name: items
        for name, items in value.items()
        if isinstance(items, list) and items and not isinstance(items[0], list | dict)
    }
    timed = any(headers.is_time([name]) for name in flat)
    if timed and len(flat) > 1 and len({len(items) for items in flat.values()}) == 1:
        return _zipped(flat)
    objects = {name: items for name, items in value.items() if isinstance(items, dict)}
    if len(objects) < 2 or len(objects) != len(value):
        return []
    first = next(iter(objects.values()))
    if not first or any(isinstance(cell, list | dict) for cell in first.values()):
        return []
    if any(items.keys() != first.keys() for items in objects.values()) or _are_times(list(objects)):
        return []
    if not (_are_times(list(first)) or all(key.isdigit() for key in first)):
        return []
    return [{"index": at} | {name: items[at] for name, items in objects.items()} for at in first]


def _named_by_time(value: Mapping[str, Any]) -> Rows:
    """{"2023-06-01 00:00": {"open": ...}, ...}: each row under its time."""
    if len(value) < 2 or not _are_times(list(value)):
        return []
    return [
        {"time": at} | (row if isinstance(row, dict) else {"price": row})
        for at, row in value.items()
        if not isinstance(row, list)
    ]


def _are_times(names: Sequence[str]) -> bool:
    texts = pa.array(names[:50], pa.string())
    return len(texts) > 1 and bool(stamps.readable(texts).all())


def _side_by_side(value: Mapping[str, Any]) -> Rows:
    """Columns of equal length at different depths, as Yahoo's charts have them."""
    leaves = dict(_leaves(value, _DEPTH))
    lengths = Counter(len(items) for items in leaves.values())
    if not lengths or lengths.most_common(1)[0][1] < 2:
        return []
    size = lengths.most_common(1)[0][0]
    return _zipped({name: items for name, items in leaves.items() if len(items) == size})


def _symbol_inside(value: Any, depth: int) -> str:
    inside = list(value.values()) if isinstance(value, dict) else value[:3]
    if isinstance(value, dict):
        for key in _SYMBOL_KEYS:
            if isinstance(value.get(key), str):
                return str(value[key])
    found = (_symbol_inside(inner, depth - 1) for inner in inside if isinstance(inner, dict | list) and depth)
    return next(filter(None, found), "")


def _leaves(value: Any, depth: int) -> Iterator[tuple[str, list[Any]]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3])
    for name, inner in inside:
        if isinstance(inner, list) and inner and not isinstance(inner[0], list | dict):
            yield str(name), inner
        elif isinstance(inner, dict | list) and depth:
            yield from _leaves(inner, depth - 1)


def _zipped(columns: Mapping[str, list[Any]]) -> Rows:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
