"""Delimited text, read line by line once its shape is known.

The lines pass through Python's csv reader in one sweep: its line numbers stay true with quoted line breaks,
and a line is never longer in memory than the limit.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

import numpy as np
import pyarrow as pa

from storage.importing import columns
from storage.importing.errors import FileRefused
from storage.importing.files import Limits, Source, reading
from storage.importing.raw import RawTable, Reject
from storage.importing.text_shape import Shape, is_comment, line_too_long, recognise, unquoted

_BLOCK_ROWS = 50_000
_LONGEST_QUOTE_LINES = 50


def read(source: Source, limits: Limits) -> RawTable:
    """Read a text table. Raises FileRefused where there is none."""
    with reading(source.name):
        shape = recognise(source, limits)
        try:
            return _read_all(source, shape, limits)
        except UnicodeDecodeError:
            # A first foreign byte deep in the file: everything before it is ASCII and reads the same.
            shape = replace(shape, encoding="cp1252")
            return _read_all(source, shape, limits)


def _read_all(source: Source, shape: Shape, limits: Limits) -> RawTable:
    headers = [list(texts) for texts in zip(*shape.header_rows, strict=True)] or [
        [] for _ in range(shape.width)
    ]
    rejects: list[Reject] = []
    blocks: list[list[pa.Array]] = []
    lines: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    rows: list[list[str]] = []
    places: list[int] = []

    def flush() -> None:
        blocks.append([pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)])
        lines.append(np.array(places, np.int64))
        rows.clear()
        places.clear()

    count = 0
    above, titles = "", list[str]()
    repeated = [_folded(texts) for texts in shape.header_rows]
    with source.open() as stream:
        for line, row in _rows(stream, shape, limits):
            if repeated and not row[-1][:1].isdigit() and not any(cell[:1].isdigit() for cell in row):
                if _folded(row) in repeated:
                    titles += [above] if above else []
                    continue  # files put end to end repeat their header
                _require_no_header(line, row)
            if len(row) != shape.width:
                row = _mended(row, shape.width)
                if len(row) != shape.width:
                    _set_aside(rejects, line, row, shape)
                    above = shape.delimiter.join(row)[:80]
                    continue
            above = ""
            rows.append(row)
            places.append(line)
            count += 1
            if count > limits.rows:
                raise FileRefused(f"It has more than {limits.rows:,} rows: split it into smaller files.")
            if len(rows) == _BLOCK_ROWS:
                flush()
    if rows:
        flush()
    if not count:
        raise FileRefused("It has a header but no rows: export or download it again.")
    chunked = [pa.chunked_array(chunks, pa.string()) for chunks in zip(*blocks, strict=True)]
    form = [_ENCODING_WORDS.get(shape.encoding, shape.encoding), _delimiter_words(shape.delimiter)]
    if not shape.header_rows:
        form.append("no header")
    elif len(shape.header_rows) > 1:
        form.append(f"{len(shape.header_rows)} header rows")
    return RawTable(
        source.name, chunked, list(headers), np.concatenate(lines), rejects, shape.remarks, titles, form=form
    )


def _require_no_header(line: int, row: list[str]) -> None:
    """Raise FileRefused where the columns change: what follows would be read under the wrong names."""
    if len(row) > 2 and columns.understood([[cell] for cell in row]) >= 3:
        raise FileRefused(f"Line {line} is the header of another table: split the file there.")


def _folded(row: list[str]) -> list[str]:
    return [cell.strip("\ufeff \"'").casefold() for cell in row]


def _rows(stream: IO[bytes], shape: Shape, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), shape.encoding, newline="")  # type: ignore[type-var]
    spaces = shape.delimiter == " "
    lines = _lines(text, limits)
    if shape.quoted_lines:
        lines = (unquoted(line) for line in lines)
    reader = csv.reader(lines, delimiter=shape.delimiter, skipinitialspace=spaces)
    csv.field_size_limit(limits.line_chars * _LONGEST_QUOTE_LINES)
    previous = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise FileRefused(f"Line {reader.line_num} is no line of a table ({error}).") from error
        if row is None:
            return
        line, previous = previous + 1, reader.line_num
        if previous - line > _LONGEST_QUOTE_LINES:
            raise FileRefused(f'The quotation mark (") opened in line {line} is never closed: mend the file.')
        if line >= shape.first_line and row and not (len(row) == 1 and not row[0].strip()):
            yield line, row


def _lines(text: io.TextIOWrapper, limits: Limits) -> Iterator[str]:
    while line := text.readline(limits.line_chars + 1):
        if len(line) > limits.line_chars:
            raise line_too_long(limits)
        if "\0" in line:
            raise FileRefused(
                "It holds zero bytes, so it is no text table: export it as CSV or Parquet again."
            )
        yield line


def _mended(row: list[str], width: int) -> list[str]:
    """A row with delimiters too many at its end, or with the empty cells at its end left out."""
    while len(row) > width and not row[-1].strip():
        row = row[:-1]
    return row


def _set_aside(rejects: list[Reject], line: int, row: list[str], shape: Shape) -> None:
    text = shape.delimiter.join(row)
    if is_comment(text):
        return
    rejects.append(Reject(line, f"{len(row)} columns instead of {shape.width}", text[:80]))


_ENCODING_WORDS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Latin (Windows-1252)",
}


def _delimiter_words(delimiter: str) -> str:
    words = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
    return words.get(delimiter, f"columns divided by {delimiter!r}")
