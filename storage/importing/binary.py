"""Parquet and Arrow (Feather) files: typed columns, and what the file says of itself."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from storage.importing import columns as words
from storage.importing.errors import FileRefused
from storage.importing.files import Limits, Source, reading
from storage.importing.raw import RawTable

# Descriptions, not tables: what pandas and Arrow note for themselves.
_OWN_METADATA = (b"pandas", b"ARROW:schema", b"org.apache.spark.sql.parquet.row.metadata")
_LONGEST_TEXT = 500  # bytes of a cell that may be a time, a price or a symbol


def read(source: Source, limits: Limits) -> RawTable:
    """Read a Parquet or Arrow file. Raises FileRefused if it is damaged or larger than the limits."""
    with reading(source.name), source.open() as stream:
        data = _whole(stream, limits)
        try:
            table = _parquet(data, limits) if source.kind == "parquet" else _arrow(data, limits)
            columns = {
                _joined(name): _plain(column)
                for name, column in zip(table.column_names, table.columns, strict=True)
                if _may_be_used(name, column)
            }
        except (pa.ArrowException, OSError, MemoryError) as error:
            raise FileRefused(f"It is damaged ({str(error)[:80]}): export or download it again.") from error
    if not table.num_rows:
        raise FileRefused("It has columns but no rows: export it again.")
    described = table.schema.metadata or {}
    metadata = {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")[:500]
        for key, value in described.items()
        if key not in _OWN_METADATA
    }
    lines = np.arange(1, table.num_rows + 1)
    form = ["Parquet" if source.kind == "parquet" else "Arrow"]
    headers = [[name] for name in columns]
    return RawTable(source.name, list(columns.values()), list(headers), lines, metadata=metadata, form=form)


def _may_be_used(name: str, column: pa.ChunkedArray) -> bool:
    """Whether a column can hold times, prices or symbols: no nested values, no long texts."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return words.describe([name]).role == words.FINISHED
    if pa.types.is_dictionary(kind):
        longest = max(
            (pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks)
            if pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
            else [0],
            default=0,
        )
        return bool(longest <= _LONGEST_TEXT)
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _whole(stream: Any, limits: Limits) -> pa.Buffer:
    data = bytearray()
    while more := stream.read(1 << 20):
        data += more
        if len(data) > limits.bytes // 2:
            raise FileRefused(f"It is larger than {limits.bytes // 2 >> 20} MB: split it into smaller files.")
    return pa.py_buffer(data)


def _parquet(data: pa.Buffer, limits: Limits) -> pa.Table:
    file = pq.ParquetFile(pa.BufferReader(data))
    described = file.metadata
    unpacked = sum(described.row_group(at).total_byte_size for at in range(described.num_row_groups))
    # Repeated values take no room in the file, so the claimed size alone proves nothing.
    _check(described.num_rows, max(unpacked, described.num_rows * described.num_columns * 8), limits)
    # Texts are read as they are stored, each once: one of a megabyte may stand in a million rows.
    schema = file.schema_arrow
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    return pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts).read()


def _arrow(data: pa.Buffer, limits: Limits) -> pa.Table:
    if data[:4].to_pybytes() == b"FEA1":
        import pyarrow.feather as feather

        return feather.read_table(pa.BufferReader(data))
    batches, rows, size = [], 0, 0
    if data[:4].to_pybytes() == b"\xff\xff\xff\xff":
        file = ipc.open_stream(pa.BufferReader(data))
        found = iter(file)
    else:
        file = ipc.open_file(pa.BufferReader(data))
        found = (file.get_batch(at) for at in range(file.num_record_batches))
    for batch in found:
        batches.append(batch)
        rows, size = rows + batches[-1].num_rows, size + batches[-1].nbytes
        _check(rows, size, limits)
    return pa.Table.from_batches(batches, file.schema)


def _check(rows: int, size: int, limits: Limits) -> None:
    if rows > limits.rows:
        raise FileRefused(f"It has more than {limits.rows:,} rows: split it into smaller files.")
    if size > limits.bytes:
        raise FileRefused(
            f"Unpacked, it is larger than {limits.bytes >> 30} GB: split it into smaller files."
        )


def _joined(name: str) -> str:
    """pandas writes headers of several rows as text of a tuple: "('BTC', 'Close')" is "BTC Close"."""
    if name.startswith("(") and name.endswith(")"):
        try:
            parts = json.loads("[" + name[1:-1].replace("'", '"') + "]")
        except ValueError:
            return name
        return " ".join(str(part) for part in parts if part)
    return name
