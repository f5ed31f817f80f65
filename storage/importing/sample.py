"""Some rows from all over a table, read once per column and question."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing import numbers, stamps
from storage.importing.raw import RawTable

Array = np.ndarray[Any, Any]

_SAMPLE_ROWS = 1_000
_CLOCK = (
    r"^\s*(\d{1,2}[:.hH]\d{2}([:.]\d{2})?([.,]\d+)?\s*([AaPp]\.?[Mm]\.?)?"
    r"|[0-5]?\d|1?\d[0-5]\d|2[0-3][0-5]\d|[01]?\d[0-5]\d[0-5]\d|2[0-3][0-5]\d[0-5]\d)\s*$"
)


class Sample:
    """What the values of a table's columns look like."""

    def __init__(self, table: RawTable) -> None:
        step = max(table.rows // _SAMPLE_ROWS, 1)
        places = pa.array(np.arange(0, table.rows, step))
        self.columns = [column.take(places).combine_chunks() for column in table.columns]
        self._stamps: dict[int, Array] = {}
        self._numbers: dict[int, Array] = {}

    def texts(self, at: int) -> pa.Array:
        """The values of column `at` as text, empty where there are none."""
        return self.columns[at].cast(pa.string()).fill_null("")

    def stamp_share(self, at: int) -> float:
        """How many of the values that are there read as stamps."""
        if at not in self._stamps:
            self._stamps[at] = stamps.readable(self.columns[at])
        filled = pc.not_equal(self.texts(at), "").to_numpy(zero_copy_only=False)
        return float(self._stamps[at][filled].mean()) if filled.any() else 0.0

    def instants(self, at: int) -> bool:
        """Whether the values need no zone: Unix times, typed ones in UTC, or texts with an offset."""
        kinds = stamps.parse(self.columns[at], day_first=True).kind
        return bool((kinds == stamps.INSTANT).mean() > 0.5)

    def numbers(self, at: int) -> Array:
        """The values of column `at` as float64, NaN where they are no numbers."""
        if at not in self._numbers:
            column = self.columns[at]
            is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
            mark = numbers.decimal_mark([column]) if is_text else numbers.Decimal.POINT
            if mark is numbers.Decimal.OPEN:  # numbers under either mark; which one is asked later
                mark = numbers.Decimal.COMMA
            self._numbers[at] = numbers.parse(column, mark)[0]
        return self._numbers[at]

    def number_share(self, at: int) -> float:
        """How many of the values are numbers."""
        return float(np.isfinite(self.numbers(at)).mean())

    def clock_share(self, at: int) -> float:
        """How many of the values are times of day, with marks between or digits alone (5, 2355, 235500)."""
        found = pc.match_substring_regex(self.texts(at), _CLOCK)
        return float(np.mean(found.to_numpy(zero_copy_only=False)))

    def share(self, at: int, test: Callable[[str], Any]) -> float:
        """How many rows of a text column pass a test."""
        counts = pc.value_counts(self.texts(at))
        passed = sum(
            item["counts"] for item in counts.to_pylist() if item["values"].strip() and test(item["values"])
        )
        return float(passed / max(len(self.columns[at]), 1))
