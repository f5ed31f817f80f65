"""What the stamps of a column say, and the parts of reading them that every spelling shares."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]

# What became of a value.
UNREADABLE, INSTANT, WALL, MISSING, LOST_DIGITS, UNKNOWN_ZONE = range(6)

DAY_MICROS = 86_400_000_000
YEARS = (2009, 2100)  # Bitcoin's first block, and the end of what stamps are likely to mean
BLOCK_ROWS = 100_000  # read at a time: the parts of a million stamps fill 200 MB


@dataclass
class Stamps:
    """What a column says, value by value.

    `micros` since 1970: UTC where `kind` is INSTANT, a wall clock where it is WALL, nothing elsewhere.
    `styles` counts the spellings met.
    """

    micros: Array
    kind: Array
    styles: Counter[str] = field(default_factory=Counter)

    def put(self, where: Array, micros: Array, kind: int | Array, style: str) -> None:
        """Note what the values at some places say."""
        self.micros[where] = micros
        self.kind[where] = kind
        self.styles[style] += len(where)


def days_of(year: Array, month: Array, day: Array) -> tuple[Array, Array]:
    """Days since 1970-01-01, and whether there is such a date."""
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (year - 1970) * 12 + np.where(valid, month, 1) - 1
    first = months.astype("M8[M]")
    days = first.astype("M8[D]").astype(np.int64) + np.where(valid, day, 1) - 1
    return days, valid & (days.astype("M8[D]").astype("M8[M]") == first)


def bools(values: pa.Array) -> Array:
    """A column of yes and no for numpy."""
    result: Array = values.to_numpy(zero_copy_only=False).astype(bool)
    return result
