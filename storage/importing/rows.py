"""From a raw table to rows: instants, numbers and coins, and every line that cannot be one set aside."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage import coins
from storage.importing import columns as words
from storage.importing import numbers, stamps, zones
from storage.importing.errors import FileRefused, Unclear
from storage.importing.layout import Layout, Panel
from storage.importing.markets import markets_of
from storage.importing.raw import RawTable, Reject

Array = np.ndarray[Any, Any]

VALUES = (*words.PRICES, words.VOLUME, words.BID, words.ASK)
_FIRST_MICROS = 1_230_768_000_000_000  # 2009: there was no Bitcoin before
_TOMORROW_MICROS = 86_400_000_000
_SLACK = 1e-3  # how far a close may lie outside its bar before the bar is impossible rather than rounded

_NO_PRICE = "no price"
_UNFINISHED = "a bar that was not finished yet"


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


@dataclass(frozen=True)
class Given:
    """What a person said because the file does not."""

    coin: str | None = None
    tz: str | None = None
    dates: str | None = None  # day-first | month-first
    decimal: str | None = None  # point | comma
    now_micros: int | None = None  # the clock, for tests


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


def extract(table: RawTable, layout: Layout, given: Given) -> Rows:
    """The rows of a table. Raises Unclear for what must not be guessed, FileRefused if nothing is left."""
    understood: dict[str, str] = {}
    rejects = list(table.rejects)
    market, markets = markets_of(table, layout, given.coin, understood)
    times = _stamps(table, layout, given)
    faults = Faults(table.rows)
    _note_stamps(times, faults)
    faults.mark(market < 0, "no coin symbol")
    if layout.finished is not None:
        faults.mark(_unfinished(table.columns[layout.finished]), _UNFINISHED)
    micros, zone_words = _instants(table, layout, times, market, faults, given)
    understood["time"] = _time_words(table, layout, times, zone_words)
    now = given.now_micros if given.now_micros is not None else int(time.time() * 1e6)
    outside = (micros < _FIRST_MICROS) | (micros > now + _TOMORROW_MICROS)
    faults.mark(outside, "a time before 2009 or in the future")
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
    _require_most_lines(table, rows.rejects)
    understood["columns"] = _column_words(table, layout)
    return rows


def _require_most_lines(table: RawTable, rejects: Sequence[Reject]) -> None:
    """Raise FileRefused if what is left is the lesser part: then the file was misread rather than damaged.

    Lines without a price do not count: some feeds write one for each minute in which nothing traded.
    """
    lost = {reject.line: reject for reject in rejects if reject.reason not in (_NO_PRICE, _UNFINISHED)}
    if len(lost) > 0.5 * (table.rows + len(table.rejects)):
        first = lost[min(lost)]
        raise FileRefused(
            f"{len(lost):,} of its {table.rows + len(table.rejects):,} lines cannot be used, the first (line "
            f"{first.line}) for {first.reason!r}: mend the file, or split off the part that is good."
        )


def _stamps(table: RawTable, layout: Layout, given: Given) -> stamps.Stamps:
    column = table.columns[layout.time[0]]
    if len(layout.time) == 2:
        clock = table.columns[layout.time[1]].cast(pa.string()).combine_chunks()
        date = column.cast(pa.string()).combine_chunks()
        if pc.all(pc.match_substring_regex(clock.fill_null(""), r"^\s*\d{0,6}\s*$")).as_py():
            clock = pc.utf8_trim_whitespace(clock)  # 5 is five past midnight, as 0005 is
            clock = pc.utf8_lpad(clock, 4 if pc.max(pc.utf8_length(clock)).as_py() <= 4 else 6, "0")
        # A date that was stored with a time of day of nought keeps only its date.
        date = pc.replace_substring_regex(date, r"[T ]00:00(:00)?$", "")
        column = pc.binary_join_element_wise(date, clock, " ")
    day_first = None if given.dates is None else given.dates == "day-first"
    times = stamps.parse(column, day_first)
    if layout.zone is not None and (times.kind == stamps.WALL).any():
        names = table.columns[layout.zone].cast(pa.string()).combine_chunks()
        stamps.place(times, pc.utf8_trim_whitespace(names.fill_null("")))
    return times


def _unfinished(column: pa.ChunkedArray) -> Array:
    """Which bars a column that answers yes or no calls unfinished; none if it says anything else."""
    texts = pc.utf8_lower(column.cast(pa.string()).combine_chunks().fill_null(""))
    no = pc.is_in(texts, value_set=pa.array(["0", "false", "f", "no", "n"]))
    yes = pc.is_in(texts, value_set=pa.array(["1", "true", "t", "yes", "y", ""]))
    answers: Array = no.to_numpy(zero_copy_only=False)
    return answers if pc.all(pc.or_(no, yes)).as_py() else np.zeros(len(texts), bool)


def _note_stamps(times: stamps.Stamps, faults: Faults) -> None:
    faults.mark(times.kind == stamps.MISSING, "no time")
    faults.mark(times.kind == stamps.UNREADABLE, "no time that can be read")
    faults.mark(times.kind == stamps.LOST_DIGITS, "a time that lost its last digits (export whole numbers)")
    faults.mark(times.kind == stamps.UNKNOWN_ZONE, "a time in an unknown zone")


def _instants(
    table: RawTable, layout: Layout, times: stamps.Stamps, market: Array, faults: Faults, given: Given
) -> tuple[Array, str]:
    micros = times.micros.copy()
    wall = np.flatnonzero(times.kind == stamps.WALL)
    if not len(wall):
        return micros, "UTC"
    zone, how = _zone(table, layout, times, market, wall, given)
    utc, doubtful, never = zones.to_utc(micros[wall], zone, market[wall])
    micros[wall] = utc
    for which, reason in (
        (doubtful, f"an hour that {zone} had twice, and the order of the lines does not tell which"),
        (never, f"a time that {zone} never had (clocks went forward)"),
    ):
        here = np.zeros(table.rows, bool)
        here[wall[which]] = True
        faults.mark(here, reason)
    return micros, how


def _zone(
    table: RawTable, layout: Layout, times: stamps.Stamps, market: Array, wall: Array, given: Given
) -> tuple[tzinfo, str]:
    if given.tz:
        zone = zones.named(given.tz)
        if zone is None:
            raise Unclear("tz", f"{given.tz[:40]!r} is no zone: write UTC, Europe/Berlin or UTC+10.")
        return zone, f"local time of {zone}, as given"
    if layout.zone is not None:
        names = pc.unique(table.columns[layout.zone].cast(pa.string())).to_pylist()
        if len(names) == 1 and (zone := zones.named(names[0] or "")):
            return zone, f"local time of {zone}, as a column of its own says"
    header = " ".join(text for at in layout.time for text in table.headers[at])
    if zone := zones.mentioned(header, loosely=True):
        return zone, f"{zone}, as the header says"
    for text in (*table.remarks, *table.metadata.values()):
        if zone := zones.mentioned(text):
            return zone, f"{zone}, as a remark in the file says"
    first = wall[market[wall] == np.bincount(np.maximum(market[wall], 0)).argmax()]
    places = zones.fitting(times.micros[first])
    zoned = np.flatnonzero((times.kind == stamps.INSTANT) & (market == market[first[0]]))
    if len(zoned) and len(places) != 1:
        if _alternate(times.micros[zoned], times.micros[first]):
            return UTC, "UTC (times without a zone lie between those with one)"
        raise Unclear(
            "tz",
            "Some of its times carry a zone and some do not: say what zone those are in, as in --tz UTC.",
        )
    if len(places) == 1:
        named = zones.named(places[0])
        assert named is not None
        return named, f"local time of {places[0]}: its clock changes show in the data"
    if places:
        raise Unclear(
            "tz",
            "The times are local: a clock change shows in them, which fits several zones. Say which with --tz: "
            f"{', '.join(places)}.",
            tuple(places),
        )
    return UTC, "no zone given: read as UTC (--tz says otherwise)"


def _alternate(zoned: Array, walls: Array) -> bool:
    """Whether readings taken as UTC fill the places between the instants, rather than lie beside or upon them."""
    if np.isin(walls, zoned).mean() > 0.05:
        return False
    order = np.argsort(np.concatenate([zoned, walls]), kind="stable")
    changes = np.count_nonzero(np.diff(order < len(zoned)))
    return bool(changes > 0.3 * min(len(zoned), len(walls)))


def _time_words(table: RawTable, layout: Layout, times: stamps.Stamps, zone: str) -> str:
    names = " + ".join(" ".join(table.headers[at]).strip() or f"column {at + 1}" for at in layout.time)
    spellings = " and ".join(style for style, count in times.styles.most_common(3) if count)
    return f"{names!r}, {spellings}, {zone}"


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
    _judge(values, faults)
    good = faults.none
    if len(good) == table.rows:
        return Rows([], market, micros, table.lines, values)
    kept = {name: column[good] for name, column in values.items()}
    rejects = faults.rejects(table, blank)
    aside = np.setdiff1d(timed, good, assume_unique=True)
    return Rows(
        [], market[good], micros[good], table.lines[good], kept, rejects, aside=(market[aside], micros[aside])
    )


def _judge(values: Mapping[str, Array], faults: Faults) -> None:
    """Set aside what no market can have done; strange but possible prices stay."""
    opened, high, low, close = (values[name] for name in words.PRICES)
    with np.errstate(invalid="ignore"):
        faults.mark(np.isnan(close), _NO_PRICE)
        for price in (close, opened, high, low):
            faults.mark(price <= 0, "a price of zero or less")
        faults.mark(high < low, "the high is below the low")
        for price, name in ((close, "close"), (opened, "open")):
            faults.mark(price > high * (1 + _SLACK), f"the {name} is above the high")
            faults.mark(price < low * (1 - _SLACK), f"the {name} is below the low")
        faults.mark(values["volume"] < 0, "a volume below zero")
        for name in ("bid", "ask"):
            values[name][values[name] <= 0] = np.nan  # some feeds write 0 for no quote


def _row_text(table: RawTable, at: int) -> str:
    cells = (column[at].as_py() for column in table.columns[:12])
    text = " | ".join("" if cell is None else str(cell)[:24] for cell in cells)[:120]
    return printable(text)


def printable(text: str) -> str:
    """Text from a file without what a terminal would obey: escape sequences, bells, reversed writing."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


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
