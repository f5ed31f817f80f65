"""How wide a table's columns are as report.typ sets them, measured in the report's own type."""

from collections.abc import Iterable, Sequence
from typing import Final

from engine.science.charts import style

PAGE: Final = 493.0  # points across the page between its margins
# Type sizes and spaces of a table, in points, as report.typ has them.
_FIGURE: Final = 8.7
_SMALL: Final = 6.9
_HEAD: Final = 7.4
_INSET: Final = 10.0
_GAP: Final = 3.0
_TABULAR: Final = 1.05  # figures of one width are a little wider than the type's own

Cell = Sequence[str]  # a figure and the small print beside it


def of_columns(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[tuple[float, float]]:
    """The widths of figure and small print in each column, in points; they add up to at most `PAGE` where all fits."""
    found = []
    for at, label in enumerate(columns):
        small = _widest((row[at][1] for row in rows), _SMALL)
        small += _GAP if small else 0.0
        head = 72 * style.text_width(label, _HEAD, semibold=True)
        found.append((max(_widest((row[at][0] for row in rows), _FIGURE), head - small) + _INSET, small))
    return found


def fits(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether a table stands on the page without a broken line."""
    return sum(map(sum, of_columns(columns, rows))) <= PAGE


def _widest(texts: Iterable[str], points: float) -> float:
    return _TABULAR * max((72 * style.text_width(text, points) for text in texts), default=0.0)
