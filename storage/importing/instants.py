"""When each row is: its stamps read, and wall clocks turned into instants by whatever names their zone."""

import time
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing import stamps, zones
from storage.importing.errors import Unclear
from storage.importing.judging import Faults
from storage.importing.layout import Layout
from storage.importing.raw import RawTable

Array = np.ndarray[Any, Any]

_FIRST_MICROS = 1_230_768_000_000_000  # 2009: there was no Bitcoin before
_TOMORROW_MICROS = 86_400_000_000


@dataclass(frozen=True)
class Given:
    """What a person said because the file does not."""

    coin: str | None = None
    tz: str | None = None
    dates: str | None = None  # day-first | month-first
    decimal: str | None = None  # point | comma
    now_micros: int | None = None  # the clock, for tests


def instants_of(
    table: RawTable, layout: Layout, given: Given, market: Array, faults: Faults
) -> tuple[Array, str]:
    """Microseconds since 1970 of each row (those without go to `faults`), and in words how they were read.

    Raises Unclear (options `dates`, `tz`) for what must not be guessed.
    """
    times = _stamps(table, layout, given)
    _note_stamps(times, faults)
    micros, zone = _instants(table, layout, times, market, faults, given)
    now = given.now_micros if given.now_micros is not None else int(time.time() * 1e6)
    outside = (micros < _FIRST_MICROS) | (micros > now + _TOMORROW_MICROS)
    faults.mark(outside, "a time before 2009 or in the future")
    return micros, _time_words(table, layout, times, zone)


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
