"""What the code left in `result`, as plain JSON of bounded size. Runs inside; the outside checks it again."""

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any

MOST_ITEMS = 10_000
MOST_ROWS = 1_000
MOST_TEXT = 20_000
DEEPEST = 12


class Plain:
    """One conversion; `notes` say what had to be left out."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._room = MOST_ITEMS

    def convert(self, value: Any, depth: int = 0) -> Any:
        self._room -= 1
        if value is None or isinstance(value, (bool, int)):
            return value if not isinstance(value, int) or abs(value) < 1 << 200 else str(value)[:200]
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
            return value.isoformat()
        if depth >= DEEPEST:
            self._note(f"`result` was cut below {DEEPEST} levels")
            return None
        return self._compound(value, depth + 1)

    def _compound(self, value: Any, depth: int) -> Any:
        import numpy as np
        import pandas as pd

        if value is pd.NaT or value is pd.NA:
            return None
        if isinstance(value, np.generic):
            return self.convert(value.item(), depth)
        if isinstance(value, pd.DataFrame):
            kept = self._rows(value)
            return {
                "columns": self.convert(_labels(kept.columns), depth),
                "index": self.convert(_labels(kept.index), depth),
                "data": self.convert([list(row) for row in kept.itertuples(index=False, name=None)], depth),
                "shape": list(value.shape),
            }
        if isinstance(value, pd.Series):
            kept = self._rows(value)
            return {
                "name": None if value.name is None else str(value.name),
                "index": self.convert(_labels(kept.index), depth),
                "data": self.convert(kept.tolist(), depth),
                "shape": list(value.shape),
            }
        if isinstance(value, pd.Index):
            return self._items(_labels(value), depth)
        if isinstance(value, np.ndarray):
            return (
                self._items(value.tolist(), depth) if value.size <= MOST_ITEMS else self._items(value, depth)
            )
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._items(value, depth)
        if isinstance(value, (pd.Timedelta, pd.Period, pd.Interval)):
            return str(value)
        self._note(f"`result` held a {type(value).__name__}, which is given as text")
        return self._text(repr(value))

    def _items(self, values: Iterable[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for value in values:
            if self._room <= 0:
                self._note(f"`result` was cut after {MOST_ITEMS:,} values")
                break
            kept.append(self.convert(value, depth))
        return kept

    def _mapping(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in values.items():
            if self._room <= 0:
                self._note(f"`result` was cut after {MOST_ITEMS:,} values")
                break
            kept[self._text(str(key))] = self.convert(value, depth)
        return kept

    def _rows(self, value: Any) -> Any:
        width = 1 if value.ndim == 1 else max(1, value.shape[1])
        rows = max(1, min(MOST_ROWS, self._room // (width + 1)))
        if len(value) > rows:
            self._note(f"`result` has {len(value):,} rows; the first {rows:,} are kept")
        return value.iloc[:rows]

    def _text(self, text: str) -> str:
        if len(text) > MOST_TEXT:
            self._note(f"a text in `result` was cut after {MOST_TEXT:,} characters")
        return text[:MOST_TEXT]

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _labels(index: Any) -> list[Any]:
    """An index's labels; those of several levels as lists."""
    return [list(label) if isinstance(label, tuple) else label for label in index.tolist()]
