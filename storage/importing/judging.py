"""Which rows are set aside, and why: the first fault of each is kept with the beginning of its line."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from storage.importing import columns as words
from storage.importing.errors import FileRefused
from storage.importing.raw import RawTable, Reject

Array = np.ndarray[Any, Any]

NO_PRICE = "no price"
UNFINISHED = "a bar that was not finished yet"
_SLACK = 1e-3  # how far a close may lie outside its bar before the bar is impossible rather than rounded


class Faults:
    """Why each row is set aside: the first reason found, or none."""

    def __init__(self, rows: int) -> None:
        self._codes = np.zeros(rows, np.int16)
        self._reasons = [""]

    def mark(self, where: Array, reason: str) -> None:
        """Note a reason for the rows of a mask that have none yet."""
        self._reasons.append(reason)
        self._codes[where & (self._codes == 0)] = len(self._reasons) - 1

    def copy(self) -> "Faults":
        """The same faults, to which others can be added."""
        twin = Faults(0)
        twin._codes, twin._reasons = self._codes.copy(), list(self._reasons)
        return twin

    @property
    def none(self) -> Array:
        """The places of the rows without a fault."""
        return np.flatnonzero(self._codes == 0)

    def rejects(self, table: RawTable, silent: Array) -> list[Reject]:
        """The rows with a fault, with the beginning of the first thousand of them."""
        found = np.flatnonzero((self._codes != 0) & ~silent)
        texts = [_row_text(table, int(at)) for at in found[:1000]] + [""] * max(len(found) - 1000, 0)
        return [
            Reject(int(table.lines[at]), self._reasons[self._codes[at]], text)
            for at, text in zip(found, texts, strict=True)
        ]


def judge(values: Mapping[str, Array], faults: Faults) -> None:
    """Set aside what no market can have done; strange but possible prices stay."""
    opened, high, low, close = (values[name] for name in words.PRICES)
    with np.errstate(invalid="ignore"):
        faults.mark(np.isnan(close), NO_PRICE)
        for price in (close, opened, high, low):
            faults.mark(price <= 0, "a price of zero or less")
        faults.mark(high < low, "the high is below the low")
        for price, name in ((close, "close"), (opened, "open")):
            faults.mark(price > high * (1 + _SLACK), f"the {name} is above the high")
            faults.mark(price < low * (1 - _SLACK), f"the {name} is below the low")
        faults.mark(values["volume"] < 0, "a volume below zero")
        for name in ("bid", "ask"):
            values[name][values[name] <= 0] = np.nan  # some feeds write 0 for no quote


def require_most_lines(table: RawTable, rejects: Sequence[Reject]) -> None:
    """Raise FileRefused if what is left is the lesser part: then the file was misread rather than damaged.

    Lines without a price do not count: some feeds write one for each minute in which nothing traded.
    """
    lost = {reject.line: reject for reject in rejects if reject.reason not in (NO_PRICE, UNFINISHED)}
    if len(lost) > 0.5 * (table.rows + len(table.rejects)):
        first = lost[min(lost)]
        raise FileRefused(
            f"{len(lost):,} of its {table.rows + len(table.rejects):,} lines cannot be used, the first (line "
            f"{first.line}) for {first.reason!r}: mend the file, or split off the part that is good."
        )


def _row_text(table: RawTable, at: int) -> str:
    cells = (column[at].as_py() for column in table.columns[:12])
    text = " | ".join("" if cell is None else str(cell)[:24] for cell in cells)[:120]
    return printable(text)


def printable(text: str) -> str:
    """Text from a file without what a terminal would obey: escape sequences, bells, reversed writing."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
