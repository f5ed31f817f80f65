"""Bars between Postgres and Arrow in COPY's binary form, which keeps every bit and needs no parsing.

Every row has the same width (a missing value travels as NaN and is null on either side), so numpy reads
and writes whole blocks of rows at once.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from psycopg import sql

from storage.prices import Counts

VALUES = ("open", "high", "low", "close", "volume", "bid", "ask")
STAMP = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([("coin", pa.string()), ("timestamp", STAMP), *((name, pa.float64()) for name in VALUES)])

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# Postgres counts microseconds from 2000-01-01.
_EPOCH_OFFSET = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_BLOCK_ROWS = 65_536


def _row_type(fields: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """One row: the number of fields, then each field after its length."""
    parts = [("fields", ">i2")]
    for name, kind in fields:
        parts += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(parts)


_FLOATS = [(name, ">f8") for name in VALUES]
_READ = _row_type([("timestamp", ">i8"), *_FLOATS])
_WRITE = _row_type([("coin", ">i4"), ("timestamp", ">i8"), *_FLOATS])


def read(
    connection: sa.Connection,
    series: str,
    coins: Sequence[str],
    start: datetime | None,
    end: datetime | None,
) -> pa.Table:
    """The bars of `coins`, coin after coin, each in order of time."""
    columns = ", ".join(f"coalesce({name}, 'NaN')" for name in VALUES)
    # One range of the primary key per coin: as quick with 24 million other rows in the table.
    query = sql.SQL(
        f"copy (select timestamp, {columns} from price_data_5min where series = {{}} and coin_type = {{}}"
        " and timestamp >= {} and timestamp < {} order by timestamp) to stdout (format binary)"
    )
    tables = []
    with _raw(connection).cursor() as cursor:
        for coin in coins:
            bounds = start or datetime(1970, 1, 1, tzinfo=UTC), end or datetime(9000, 1, 1, tzinfo=UTC)
            with cursor.copy(query.format(series, coin, *bounds)) as copy:
                data = b"".join(copy)
            tables.append(_decode(coin, data))
    return pa.concat_tables(tables).combine_chunks() if tables else SCHEMA.empty_table()


def write(connection: sa.Connection, series: str, table: pa.Table) -> dict[str, Counts]:
    """Insert or update the rows of `table` and the record of what is held. The series' row must be locked."""
    coins, places, blocks = _encode(table)
    raw = _raw(connection)
    with raw.cursor() as cursor:
        cursor.execute(
            "create temp table if not exists incoming_bars (coin int, timestamp timestamptz,"
            + ", ".join(f"{name} float8" for name in VALUES)
            + ") on commit drop"
        )
        cursor.execute("truncate incoming_bars")
        with cursor.copy("copy incoming_bars from stdin (format binary)") as copy:
            copy.write(_HEADER)
            for block in blocks:
                copy.write(block)
            copy.write(_TRAILER)
        cursor.execute(_OVERLAPS, {"series": series, "coins": coins})
        known = cursor.fetchone()[0]
        cursor.execute(_UPSERT if known else _INSERT, {"series": series, "coins": coins})
        written = {coin: (new, changed) for coin, new, changed in cursor.fetchall()}
        cursor.execute("truncate incoming_bars")
    given = np.bincount(places, minlength=len(coins))
    counts = {}
    for coin, total in zip(coins, given, strict=True):
        new, changed = written.get(coin, (0, 0))
        counts[coin] = Counts(new, changed, int(total) - new - changed)
    return counts


_KEEP = ", ".join(
    f"{name} = case when held.close = excluded.close then coalesce(excluded.{name}, held.{name})"
    f" else excluded.{name} end"
    for name in VALUES
)
_CHANGED = " or ".join(
    [
        "excluded.close is distinct from held.close",
        *(f"coalesce(excluded.{n}, held.{n}) is distinct from held.{n}" for n in VALUES if n != "close"),
    ]
)
_ROWS = f"""
    insert into price_data_5min as held (series, coin_type, timestamp, {", ".join(VALUES)})
    select %(series)s, (%(coins)s::text[])[coin], timestamp,
           {", ".join(f"nullif({name}, 'NaN')" for name in VALUES)}
    from incoming_bars
"""
_COVERAGE = """
    insert into price_coverage as held (series, coin_type, first_at, last_at, rows)
    select %(series)s, coin_type, first_at, last_at, new from counted
    on conflict (series, coin_type) do update set
        first_at = least(held.first_at, excluded.first_at),
        last_at = greatest(held.last_at, excluded.last_at),
        rows = held.rows + excluded.rows, updated_at = now()
"""
_OVERLAPS = """
with span as (
    select (%(coins)s::text[])[coin] as coin, min(timestamp) as first_at, max(timestamp) as last_at
    from incoming_bars group by 1
)
select exists (
    select from span join price_data_5min held on held.series = %(series)s and held.coin_type = span.coin
    and held.timestamp between span.first_at and span.last_at
)
"""
# Where nothing is held in the span there is nothing to compare: three times as quick as the upsert.
_INSERT = f"""
with written as ({_ROWS}), counted as (
    select (%(coins)s::text[])[coin] as coin_type, count(*) as new, 0 as changed,
           min(timestamp) as first_at, max(timestamp) as last_at
    from incoming_bars group by 1
), covered as ({_COVERAGE})
select coin_type, new, changed from counted
"""
_UPSERT = f"""
with written as (
    {_ROWS}
    on conflict (series, coin_type, timestamp) do update set {_KEEP} where {_CHANGED}
    returning coin_type, timestamp, held.xmax = 0 as is_new
), counted as (
    select coin_type, count(*) filter (where is_new) as new, count(*) filter (where not is_new) as changed,
           min(timestamp) as first_at, max(timestamp) as last_at
    from written group by coin_type
), covered as ({_COVERAGE})
select coin_type, new, changed from counted
"""


def _encode(table: pa.Table) -> tuple[list[str], np.ndarray[Any, Any], Iterator[bytes]]:
    """The coins, the place of each row's coin among them, and the rows in COPY's form by coin and time, in blocks.

    In a row the coin is its place in the list, counted from 1.
    """
    coins = sorted(pc.unique(table["coin"]).to_pylist())
    place = pc.index_in(table["coin"], value_set=pa.array(coins, table["coin"].type)).to_numpy()
    stamps = table["timestamp"].cast(STAMP).cast(pa.int64()).to_numpy()
    order = np.lexsort((stamps, place))
    place, stamps = place[order], stamps[order]
    if ((place[1:] == place[:-1]) & (stamps[1:] == stamps[:-1])).any():
        raise ValueError("a coin and time occur twice among the bars to write")
    return coins, place, _blocks(table, place, stamps, order)


def _blocks(
    table: pa.Table, place: np.ndarray[Any, Any], stamps: np.ndarray[Any, Any], order: np.ndarray[Any, Any]
) -> Iterator[bytes]:
    for at in range(0, len(order), _BLOCK_ROWS):
        here = slice(at, at + _BLOCK_ROWS)
        rows = np.empty(len(order[here]), _WRITE)
        rows["fields"] = 2 + len(VALUES)
        rows["coin_length"], rows["coin"] = 4, place[here] + 1
        rows["timestamp_length"], rows["timestamp"] = 8, stamps[here] - _EPOCH_OFFSET
        for name in VALUES:
            rows[f"{name}_length"] = 8
            rows[name] = np.nan
            if name in table.column_names:
                values = table[name].take(pa.array(order[here])).cast(pa.float64())
                rows[name] = values.fill_null(float("nan")).to_numpy()
        yield rows.tobytes()


def _decode(coin: str, data: bytes) -> pa.Table:
    count = (len(data) - len(_HEADER) - len(_TRAILER)) // _READ.itemsize
    rows = np.frombuffer(data, _READ, count, len(_HEADER))
    stamps = rows["timestamp"].astype(np.int64) + _EPOCH_OFFSET
    columns = [pa.repeat(coin, count), pa.array(stamps).cast(STAMP)]
    for name in VALUES:
        values = rows[name].astype(np.float64)
        columns.append(pa.array(values, from_pandas=True))
    return pa.table(columns, schema=SCHEMA)


def _raw(connection: sa.Connection) -> Any:
    """psycopg's own connection: COPY has no place in SQLAlchemy."""
    return connection.connection.driver_connection
