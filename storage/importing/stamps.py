"""Time stamps as files write them, to microseconds: Unix seconds to nanoseconds, ISO, local, 12-hour, Excel.

Each value is read by itself - one column may hold several spellings - but whether the day or the month
comes first is decided for the column. `zones` turns wall-clock readings into instants.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing import zones
from storage.importing.stamp_dates import read_dates, zoned
from storage.importing.stamp_numbers import read_numbers
from storage.importing.stamp_values import (
    BLOCK_ROWS,
    DAY_MICROS,
    INSTANT,
    LOST_DIGITS,
    MISSING,
    UNKNOWN_ZONE,
    UNREADABLE,
    WALL,
    Array,
    Stamps,
    bools,
)

_CTIME = r"^[A-Za-z]{3},? ([A-Za-z]{3}) +(\d{1,2}) (\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)( ?(?:[+-]\d{2}:?\d{2}|[A-Z]{3,4}))? (\d{4})$"
# Marks of other scripts, and accents in the names of months, in the form the patterns above expect.
_SCRIPTS = (
    ("年|月", "-"),
    ("日", " "),
    ("时|時|点|分", ":"),
    ("秒", ""),
    ("上午|오전|午前", "AM "),
    ("下午|오후|午後", "PM "),
    ("[äàáâã]", "a"),
    ("[éèêë]", "e"),
    ("[ûüú]", "u"),
    ("ç", "c"),
    (r":\s*$", ""),
    (r"(AM|PM)\s*(\d{1,2}:\d{2}(:\d{2})?)", r"\2 \1"),
)


def parse(column: pa.ChunkedArray | pa.Array, day_first: bool | None = None) -> Stamps:
    """Read a column of stamps; `day_first` says what 03/04/2023 means where the column itself cannot.

    Raises Unclear (option `dates`) if it cannot and nobody says.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed(column)
    if pa.types.is_floating(kind) and pc.all(pc.equal(column, pc.floor(column))).as_py():
        column = column.cast(pa.int64(), safe=False)
    texts = _tidy(column.cast(pa.string()).fill_null(""))
    stamps = Stamps(np.zeros(len(texts), np.int64), np.full(len(texts), UNREADABLE, np.uint8))
    empty = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(["", "-", "nan", "nat", "null", "none", "n/a"]))
    stamps.kind[bools(empty)] = MISSING
    open_rows = np.flatnonzero(stamps.kind == UNREADABLE)
    for where in np.array_split(open_rows, len(open_rows) // BLOCK_ROWS + 1):
        read_numbers(texts, where, stamps)
    read_dates(texts, stamps, day_first)
    return stamps


def readable(column: pa.Array) -> Array:
    """Which cells are stamps, day or month first, or were until they lost digits; tells data from headers."""
    seen = [parse(column, day_first).kind for day_first in (True, False)]
    good = np.isin(seen[0], (INSTANT, WALL)) | np.isin(seen[1], (INSTANT, WALL))
    if (lost := seen[0] == LOST_DIGITS).any():
        good |= lost & bools(
            pc.match_substring(column.cast(pa.string()).fill_null(""), "e", ignore_case=True)
        )
    return good


def place(stamps: Stamps, names: pa.Array) -> None:
    """Move wall clocks to UTC by a column that names the zone or offset of each row.

    A zone named throughout keeps its repeated hours in doubt for `zones.to_utc`, which knows the order of rows.
    """
    if len(distinct := pc.unique(names)) == 1 and zones.offset_seconds(distinct[0].as_py()) is None:
        return
    wall = stamps.kind == WALL
    micros, kind = zoned(stamps.micros, names)
    stamps.micros, stamps.kind = np.where(wall, micros, stamps.micros), np.where(wall, kind, stamps.kind)


def _typed(column: pa.Array) -> Stamps:
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    micros = column.cast(pa.timestamp("us", tz="UTC" if zoned else None), safe=False).cast(pa.int64())
    kind = np.where(bools(column.is_valid()), INSTANT if zoned else WALL, MISSING).astype(np.uint8)
    style = "stored with a zone" if zoned else "stored without a zone"
    return Stamps(np.array(micros.fill_null(0).to_numpy()), kind, Counter({style: len(column)}))


def _tidy(texts: pa.Array) -> pa.Array:
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.utf8_normalize(texts, form="NFKC")
        for mark, plain in _SCRIPTS:
            texts = pc.replace_substring_regex(texts, mark, plain)
    texts = pc.utf8_trim(texts, " \t\r\n\xa0'\"=\ufeff")
    # C's own form has the year last: Thu Jun  1 00:05:00 2023.
    if pc.any(pc.match_substring_regex(texts, r"^[A-Za-z]{3},? [A-Za-z]{3} ")).as_py():
        texts = pc.replace_substring_regex(texts, _CTIME, r"\1 \2 \5 \3\4")
    return texts


__all__ = [
    "DAY_MICROS", "INSTANT", "LOST_DIGITS", "MISSING", "UNKNOWN_ZONE", "UNREADABLE", "WALL", "Stamps", "parse", "place",
    "readable",
]  # fmt: skip
