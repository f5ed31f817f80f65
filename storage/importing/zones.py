"""From wall-clock readings to instants: what zone a text names, what a clock change in the data proves."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

HOUR_MICROS = 3_600_000_000

# Offsets in minutes of abbreviations that mean one thing only when they stand beside a time.
_ABBREVIATIONS = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "mez": 60, "cest": 120,
    "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "sgt": 480, "hkt": 480, "awst": 480, "jst": 540, "kst": 540,
    "acst": 570, "aest": 600, "acdt": 630, "aedt": 660, "nzst": 720, "nzdt": 780, "est": -300, "edt": -240,
    "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}  # fmt: skip
# Over a whole column the same letters are often used all year round: the place is meant, clock changes and all.
_PLACES = {
    "cet": "Europe/Berlin", "mez": "Europe/Berlin", "cest": "Europe/Berlin", "mesz": "Europe/Berlin",
    "est": "America/New_York", "edt": "America/New_York", "cst": "America/Chicago", "cdt": "America/Chicago",
    "mst": "America/Denver", "mdt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
    "bst": "Europe/London", "eet": "Europe/Athens", "eest": "Europe/Athens", "et": "America/New_York",
    "pt": "America/Los_Angeles", "aedt": "Australia/Sydney", "nzst": "Pacific/Auckland", "nzdt": "Pacific/Auckland",
}  # fmt: skip
# One place for each rule of clock changes that prices are likely to be stamped with.
_RULES = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "America/Santiago",
    "America/Sao_Paulo",
)  # fmt: skip
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(\d{2}))?", re.I)


def offset_seconds(text: str) -> int | None:
    """The offset beside a time - Z, +05:30, UTC+2, CEST - in seconds east of UTC; None if it is none."""
    word = text.strip().lower()
    if word in _ABBREVIATIONS:
        return _ABBREVIATIONS[word] * 60
    match = _OFFSET.fullmatch(word)
    if not match:
        return None
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60
    return None if seconds > 15 * 3600 else seconds if match[1] == "+" else -seconds


def named(text: str) -> tzinfo | None:
    """The zone a person or a header names: Europe/Berlin, Berlin, UTC+10, AEST, utc; None if unknown."""
    word = text.strip()
    if word.lower() in ("utc", "gmt", "z", "zulu"):
        return UTC
    if word.lower() in _PLACES:
        return ZoneInfo(_PLACES[word.lower()])
    offset = offset_seconds(word)
    if offset is not None:
        return timezone(timedelta(seconds=offset)) if offset else UTC
    name = _cities().get(word.lower().replace(" ", "_"))
    return ZoneInfo(name) if name else None


def mentioned(text: str, *, loosely: bool = False) -> tzinfo | None:
    """The zone mentioned among other words: "Times in Europe/Berlin", "Time (UTC+2)", "(AEST)".

    `loosely` takes small letters too, as in the header "time_aest"; in a sentence "est" may be any word.
    """
    if match := re.search(r"\b(?:utc|gmt)\s*[+-]\s*\d{1,2}(?::?\d{2})?\b", text, re.I):
        return named(match[0].replace(" ", ""))
    if match := re.search(r"\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+\b", text):
        return named(match[0])
    for word in re.split(r"[^A-Za-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text)):
        if word.lower() in _ABBREVIATIONS and len(word) > 2 and (loosely or word.isupper()):
            return named(word)
    return None


def to_utc(walls: Array, zone: tzinfo, groups: Array) -> tuple[Array, Array, Array]:
    """Instants of wall-clock readings in file order; also which readings are in doubt, and which never were.

    An hour that occurs twice is told apart by the order of the rows of each group (a coin): after the jump
    back it is the second. Without such a jump the hour stays in doubt.
    """
    if isinstance(zone, timezone) or zone is UTC:
        offset = zone.utcoffset(None)
        assert offset is not None
        nothing = np.zeros(len(walls), bool)
        return walls - int(offset.total_seconds()) * 1_000_000, nothing, nothing
    utc, certain = certain_utc(walls, zone)
    open_rows = np.flatnonzero(~certain)
    if not len(open_rows):
        return utc, ~certain, np.zeros(len(walls), bool)
    first, exists = _with_fold(walls[open_rows], zone, 0)
    second, _ = _with_fold(walls[open_rows], zone, 1)
    never = np.zeros(len(walls), bool)
    never[open_rows[~exists]] = True
    fold = np.full(len(walls), -1)
    for group in np.unique(groups[open_rows]):
        rows = np.flatnonzero((groups == group) & ~never)
        fold[rows] = _folds(walls[rows], ~certain[rows])
    utc[open_rows] = np.where(fold[open_rows] == 1, second, first)
    return utc, (fold < 0) & ~certain & ~never, never


def certain_utc(walls: Array, zone: tzinfo) -> tuple[Array, Array]:
    """Instants of the readings that occur exactly once in the zone, and which those are."""
    index = pd.DatetimeIndex(walls.astype("M8[us]"))
    local = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    certain = ~np.asarray(local.isna())
    micros = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[us]").astype(np.int64)
    return np.where(certain, micros, 0), certain


def fitting(walls: Array) -> list[str]:
    """The places whose clock changes the readings of one coin (in any order) show; empty if they show none.

    A place fits if every hour its clocks skip is empty and every hour they repeat is there twice, with at
    least one of either inside the data.
    """
    ordered = np.sort(walls)
    return [place for place in _RULES if _fits(ordered, place)]


def shows_doubled_hours(walls: Array) -> bool:
    """Whether a night of the readings has an hour in it twice, as after clocks were put back."""
    hours, counts = np.unique(walls // HOUR_MICROS, return_counts=True)
    usual = np.median(counts)
    return bool(len(hours) > 24 and ((counts >= 1.8 * usual) & (counts <= 2 * usual)).any())


def _fits(ordered: Array, place: str) -> bool:
    shown = False
    for start, seconds in _changes(place):
        size = abs(seconds) * 1_000_000
        before, after = (
            _distinct_and_all(ordered, start - size, start),
            _distinct_and_all(ordered, start + size, start + 2 * size),
        )
        if not before[0] or not after[0]:
            continue
        distinct, rows = _distinct_and_all(ordered, start, start + size)
        if seconds > 0:  # clocks forward: these readings do not exist
            if rows:
                return False
        elif rows < 1.5 * distinct or not rows:
            return False
        shown = True
    return shown


def _distinct_and_all(ordered: Array, start: int, end: int) -> tuple[int, int]:
    rows = ordered[np.searchsorted(ordered, start) : np.searchsorted(ordered, end)]
    return len(np.unique(rows)), len(rows)


@cache
def _changes(place: str) -> Sequence[tuple[int, int]]:
    """The clock changes of a place: the first wall-clock microsecond skipped (+) or repeated (-), and seconds."""
    zone = ZoneInfo(place)
    changes = []
    day = 86_400
    end = int(datetime.now(UTC).timestamp()) + 400 * day
    for start in range(int(datetime(2009, 1, 1, tzinfo=UTC).timestamp()), end, day):
        before, after = _offset(start, zone), _offset(start + day, zone)
        if before == after:
            continue
        low, high = start, start + day
        while high - low > 60:
            middle = low + (high - low) // 120 * 60
            low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
        # Forward: the readings from the old offset to the new are skipped. Back: those from the new to the old.
        changes.append(((high + min(before, after)) * 1_000_000, after - before))
    return changes


def _offset(instant: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _with_fold(walls: Array, zone: tzinfo, fold: int) -> tuple[Array, Array]:
    """Instants with the first (0) or second (1) meaning of a repeated hour, and whether the reading exists."""
    index = pd.DatetimeIndex(walls.astype("M8[us]"))
    local = index.tz_localize(zone, ambiguous=np.full(len(walls), fold == 0), nonexistent="NaT")
    exists = ~np.asarray(local.isna())
    micros = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[us]").astype(np.int64)
    return np.where(exists, micros, 0), exists


def _folds(walls: Array, repeated: Array) -> Array:
    """For the rows of one coin in file order: 0 or 1 where the hour occurs twice, -1 where it cannot be told."""
    folds = np.full(len(walls), -1)
    steps = np.sign(np.diff(walls))
    forward, backward = int((steps > 0).sum()), int((steps < 0).sum())
    if min(forward, backward) > 0.05 * max(forward, backward, 20):
        return folds  # shuffled: the order says nothing
    rows = np.flatnonzero(repeated)
    if backward > forward:
        rows = rows[::-1]
    nights = walls[rows] // (24 * HOUR_MICROS)
    for night in np.unique(nights):
        here = rows[nights == night]
        readings = walls[here]
        back = np.flatnonzero(np.diff(readings) < 0)
        if not len(back) and len(np.unique(readings)) == 1 and len(readings) == 2:
            back = np.array([0])  # hourly bars: the same reading twice
        if len(back) == 1:
            folds[here] = np.arange(len(here)) > back[0]
    return folds


@cache
def _cities() -> dict[str, str]:
    """Zone names by themselves and by their last part, in lower case."""
    names = sorted(available_timezones())
    by_city = {
        name.rpartition("/")[2].lower(): name for name in names if "/" in name and not name.startswith("Etc")
    }
    return by_city | {name.lower(): name for name in names}
