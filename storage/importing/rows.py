"""From a raw table to rows: instants, numbers and coins, and every line that cannot be one set aside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage import coins
from storage.importing import columns as words
from storage.importing import numbers
from storage.importing.errors import FileRefused, Unclear
from storage.importing.instants import Given, instants_of
from storage.importing.judging import UNFINISHED, Faults, judge, require_most_lines
from storage.importing.layout import Layout, Panel
from storage.importing.markets import markets_of
from storage.importing.raw import RawTable, Reject

Array = np.ndarray[Any, Any]

VALUES = (*words.PRICES, words.VOLUME, words.BID, words.ASK)


@dataclass
class Rows:
    """Rows of one file. `market` is a place in `markets`; `line` is where the row stood; missing values are NaN.

    `aside` holds market and time of the rows whose prices are impossible: another row may stand at that time.
    """

    markets: list[coins.Market]
    market: Array
    micros: Array
    line: Array
    values: dict[str, Array]  # by the names in VALUES
    rejects: list[Reject] = field(default_factory=list)
    understood: dict[str, str] = field(default_factory=dict)
    aside: tuple[Array, Array] = field(default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64)))

    def __len__(self) -> int:
        return len(self.micros)

    def take(self, where: Array | slice) -> "Rows":
        """The rows at some places, in that order."""
        values = {name: column[where] for name, column in self.values.items()}
        return Rows(self.markets, self.market[where], self.micros[where], self.line[where], values)


def join(parts: Sequence[Rows], markets: list[coins.Market]) -> Rows:
    """Rows one after the other; their markets are places in the one list `markets`."""
    if len(parts) == 1:
        (one,) = parts
        return Rows(
            markets, one.market, one.micros, one.line, one.values, one.rejects, one.understood, one.aside
        )
    return Rows(
        markets,
        np.concatenate([part.market for part in parts]),
        np.concatenate([part.micros for part in parts]),
        np.concatenate([part.line for part in parts]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in VALUES},
        [reject for part in parts for reject in part.rejects],
        aside=(
            np.concatenate([part.aside[0] for part in parts]),
            np.concatenate([part.aside[1] for part in parts]),
        ),
    )


def extract(table: RawTable, layout: Layout, given: Given) -> Rows:
    """The rows of a table. Raises Unclear for what must not be guessed, FileRefused if nothing is left."""
    understood: dict[str, str] = {}
    rejects = list(table.rejects)
    market, markets = markets_of(table, layout, given.coin, understood)
    faults = Faults(table.rows)
    faults.mark(market < 0, "no coin symbol")
    if layout.finished is not None:
        faults.mark(_unfinished(table.columns[layout.finished]), UNFINISHED)
    micros, understood["time"] = instants_of(table, layout, given, market, faults)
    mark = _decimal(table, layout, given)
    if mark is numbers.Decimal.COMMA:
        understood["numbers"] = "decimal comma"
    parts = []
    for panel in layout.panels:
        code = market
        if panel.market and panel.market.coin:
            code = np.full(table.rows, markets.index(panel.market))
        parts.append(_panel_rows(table, panel, code, micros, faults, mark, len(layout.panels) > 1))
    rows = join(parts, markets)
    rows.rejects = sorted(rejects + rows.rejects, key=lambda reject: reject.line)
    rows.understood = understood
    if not len(rows):
        first = rows.rejects[0] if rows.rejects else Reject(1, "empty")
        raise FileRefused(
            f"No line of it can be used: {len(rows.rejects):,} were set aside, the first (line {first.line}) for "
            f"{first.reason!r}."
        )
    require_most_lines(table, rows.rejects)
    understood["columns"] = _column_words(table, layout)
    return rows


def _unfinished(column: pa.ChunkedArray) -> Array:
    """Which bars a column that answers yes or no calls unfinished; none if it says anything else."""
    texts = pc.utf8_lower(column.cast(pa.string()).combine_chunks().fill_null(""))
    no = pc.is_in(texts, value_set=pa.array(["0", "false", "f", "no", "n"]))
    yes = pc.is_in(texts, value_set=pa.array(["1", "true", "t", "yes", "y", ""]))
    answers: Array = no.to_numpy(zero_copy_only=False)
    return answers if pc.all(pc.or_(no, yes)).as_py() else np.zeros(len(texts), bool)


def _decimal(table: RawTable, layout: Layout, given: Given) -> numbers.Decimal:
    if given.decimal:
        return numbers.Decimal.COMMA if given.decimal == "comma" else numbers.Decimal.POINT
    texts = [
        table.columns[at]
        for panel in layout.panels
        for at in panel.columns.values()
        if pa.types.is_string(table.columns[at].type) or pa.types.is_large_string(table.columns[at].type)
    ]
    mark = numbers.decimal_mark(texts)
    if mark is numbers.Decimal.OPEN:
        raise Unclear(
            "decimal",
            "Whether the comma divides decimals or thousands cannot be told: say --decimal comma or --decimal point.",
            ("comma", "point"),
        )
    return mark


def _panel_rows(
    table: RawTable,
    panel: Panel,
    market: Array,
    micros: Array,
    faults: Faults,
    mark: numbers.Decimal,
    many: bool,
) -> Rows:
    """The good rows of one panel, and its rejects. In a table of many coins an empty cell is just not there."""
    faults = faults.copy()
    values = {}
    for name in VALUES:
        if name not in panel.columns:
            values[name] = np.full(table.rows, np.nan)
            continue
        values[name], bad = numbers.parse(table.columns[panel.columns[name]], mark)
        faults.mark(bad, f"no number for {name}")
    if words.CLOSE not in panel.columns:
        values["close"] = (values["bid"] + values["ask"]) / 2
    blank = np.isnan(values["close"]) if many else np.zeros(table.rows, bool)
    timed = faults.none
    judge(values, faults)
    good = faults.none
    if len(good) == table.rows:
        return Rows([], market, micros, table.lines, values)
    kept = {name: column[good] for name, column in values.items()}
    rejects = faults.rejects(table, blank)
    aside = np.setdiff1d(timed, good, assume_unique=True)
    return Rows(
        [], market[good], micros[good], table.lines[good], kept, rejects, aside=(market[aside], micros[aside])
    )


def _column_words(table: RawTable, layout: Layout) -> str:
    parts = []
    for panel in layout.panels[:6]:
        named = [
            f"{role} = {' '.join(table.headers[at]).strip()[:24] or f'column {at + 1}'}"
            for role, at in panel.columns.items()
        ]
        coin = f"{panel.market.coin}: " if panel.market and panel.market.coin else ""
        parts.append(coin + ", ".join(named))
    more = len(layout.panels) - 6
    return "; ".join(parts) + (f" and {more} more coins" if more > 0 else "")
