"""Stamps that are dates: ISO, day or month first, with names of months, and any clock beside them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing import zones
from storage.importing.errors import Unclear
from storage.importing.stamp_values import (
    BLOCK_ROWS,
    DAY_MICROS,
    INSTANT,
    UNKNOWN_ZONE,
    UNREADABLE,
    WALL,
    YEARS,
    Array,
    Stamps,
    bools,
    days_of,
)

_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "jan januar janvier janv enero ene gennaio gen january januari janeiro ocak",
            "feb februar fevrier fev febrero febbraio february februari fevereiro subat",
            "mar marz maerz mars marzo march maart mrt marco mart mrz",
            "apr april avril avr abril abr aprile nisan",
            "may mai mayo maggio mag mei maio mayis",
            "jun juni juin junio giugno giu june junho haziran",
            "jul juli juillet juil julio luglio lug july julho temmuz",
            "aug august aout agosto ago agustos augustus",
            "sep sept september septembre septiembre settembre set setembro eylul",
            "oct okt oktober octobre october octubre ottobre ott outubro out ekim",
            "nov november novembre noviembre novembro kasim",
            "dec dez dezember decembre december diciembre dicembre dic dezembro aralik",
        ],
        start=1,
    )
    for name in names.split()
}
_CLOCK = (
    r"(?:[T\s,_-]+(?P<H>\d{1,2})"
    r"(?:[:.hH](?P<M>\d{2})?(?::?(?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?|(?P<M2>\d{2})(?P<S2>\d{2})?)?)?"
    r"\s*(?:uhr|Uhr|h)?[\s-]*(?P<ap>[AaPp]\.?\s?[Mm]\.?)?"
    r"\s*\[?(?P<z>[A-Za-z]{1,5}[+-]\d{1,2}(?::?\d{2})?|[A-Z][A-Za-z_]+/[A-Za-z_/]+|[A-Za-z]{1,5}"
    r"|[+-]\d{1,2}(?::?\d{2})?)?\]?\s*(?:[\[(][^)\]]*[\])]|UTC)?$"
)
_WEEKDAY = r"^(?:[A-Za-z]{2,10}\.?,?\s+)?"
_YEAR_FIRST = (
    _WEEKDAY + r"(?P<a>\d{4})(?:[-/. ](?P<b>\d{1,2})[-/. ](?P<c>\d{1,2})|(?P<b2>\d{2})(?P<c2>\d{2}))" + _CLOCK
)
_YEAR_LAST = _WEEKDAY + r"(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<c>\d{4}|\d{2})" + _CLOCK
_DAY_MONTH = (
    _WEEKDAY
    + r"(?P<a>\d{1,2})(?:st|nd|rd|th)?\.?[\s-]*(?:de\s)?(?P<b>[A-Za-z]{3,10})\.?,?[\s-]*(?:de\s)?(?P<c>\d{4}|\d{2})"
    + _CLOCK
)
_MONTH_DAY = (
    _WEEKDAY + r"(?P<b>[A-Za-z]{3,10})\.?[\s-]+(?P<a>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?P<c>\d{4})" + _CLOCK
)


def read_dates(texts: pa.Array, stamps: Stamps, day_first: bool | None) -> None:
    """Read those of `texts` that nothing else has read; `day_first` decides what the column itself cannot.

    Raises Unclear (option `dates`) if it cannot and nobody says.
    """
    for pattern, style in (
        (_YEAR_FIRST, "year first"),
        (_YEAR_LAST, ""),
        (_DAY_MONTH, "day and name of month"),
        (_MONTH_DAY, "name of month and day"),
    ):
        open_rows = np.flatnonzero(stamps.kind == UNREADABLE)
        if not len(open_rows):
            return
        # Only the order of day and month needs to see them all.
        blocks = 1 if pattern is _YEAR_LAST else len(open_rows) // BLOCK_ROWS + 1
        for where in np.array_split(open_rows, blocks):
            _read_pattern(texts, where, stamps, pattern, style, day_first)


def _read_pattern(
    texts: pa.Array, where: Array, stamps: Stamps, pattern: str, style: str, day_first: bool | None
) -> None:
    parts = pc.extract_regex(texts.take(pa.array(where)), pattern)
    hit = bools(parts.is_valid())
    if not hit.any():
        return
    where, parts = where[hit], parts.filter(pa.array(hit))
    a, b, c = (_field(parts, name) for name in "abc")
    clock, clock_valid = _clock(parts)
    if pattern is _YEAR_FIRST:
        b = np.where(b < 0, _field(parts, "b2"), b)
        c = np.where(c < 0, _field(parts, "c2"), c)
        year, month, day = a, b, c
    elif pattern is _YEAR_LAST:
        year, month, day, style = _order(a, b, c, clock, texts.take(pa.array(where)), day_first)
    else:
        names = pc.dictionary_encode(pc.struct_field(parts, "b"))
        numbers = np.array([_MONTHS.get(name.lower(), 0) for name in names.dictionary.to_pylist()])
        month, year, day = numbers[names.indices.to_numpy()], _full_year(c), a
    days, valid = days_of(year, month, day)
    valid &= clock_valid & (year >= YEARS[0]) & (year < YEARS[1])
    micros, kind = zoned(days * DAY_MICROS + clock, pc.struct_field(parts, "z"))
    stamps.put(where, micros, np.where(valid, kind, UNREADABLE), style)


def _clock(parts: pa.StructArray) -> tuple[Array, Array]:
    """The time of day in microseconds, and whether it is one."""
    hour, minute, second = (_field(parts, name) for name in "HMS")
    minute = np.where(minute < 0, _field(parts, "M2"), minute)
    second = np.where(second < 0, _field(parts, "S2"), second)
    hour, minute, second = (np.maximum(part, 0) for part in (hour, minute, second))
    half = pc.utf8_lower(pc.utf8_slice_codeunits(pc.struct_field(parts, "ap"), 0, 1))
    morning, evening = (bools(pc.equal(half, letter).fill_null(False)) for letter in "ap")
    valid = (minute < 60) & (second < 60) & ((hour < 24) | ((hour == 24) & (minute == 0) & (second == 0)))
    # Some programs write 13:05 PM: the half of the day then says nothing new.
    valid &= ~(morning & (hour > 12))
    hour = np.where(morning & (hour == 12), 0, np.where(evening & (hour < 12), hour + 12, hour))
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(parts, "f"), 6, "0"), 0, 6)
    micros = pc.if_else(pc.equal(pc.utf8_length(fraction), 6), fraction, "0").cast(pa.int64()).to_numpy()
    return (hour * 3600 + minute * 60 + second) * 1_000_000 + micros, valid


def _order(
    a: Array, b: Array, c: Array, clock: Array, texts: pa.Array, day_first: bool | None
) -> tuple[Array, Array, Array, str]:
    """Year, month and day of values such as 03/04/2023, and in words which is which."""
    if (c < 100).all() and (c < 9).any() and (a >= 9).all():
        return _full_year(a), b, c, "two-digit year first"
    year = _full_year(c)
    a_is_day, b_is_day = bool((a > 12).any()), bool((b > 12).any())
    if a_is_day and b_is_day and day_first is None:
        raise Unclear(
            "dates",
            "Some dates have the day first and some the month first, such as "
            f"{texts[int(np.argmax(a > 12))]} and {texts[int(np.argmax(b > 12))]}: split the file.",
        )
    if a_is_day == b_is_day:
        dotted = bool(pc.all(pc.match_substring_regex(texts, r"^\D*\d{1,2}\.")).as_py())
        if day_first is not None:
            a_is_day = day_first
        elif dotted:
            a_is_day = True
        else:
            day_micros, month_micros = (
                days_of(year, month, day)[0] * DAY_MICROS + clock for month, day in ((b, a), (a, b))
            )
            steady_day, steady_month = _steadiness(day_micros), _steadiness(month_micros)
            if steady_day == steady_month and (a != b).any():
                raise Unclear(
                    "dates",
                    f"{texts[0]} could be day or month first: say --dates day-first or --dates month-first.",
                    ("day-first", "month-first"),
                )
            a_is_day = steady_day > steady_month
    return (year, b, a, "day first") if a_is_day else (year, a, b, "month first")


def _steadiness(micros: Array) -> tuple[int, int]:
    """How many steps between rows have the commonest length, then how few days the longest step is.

    The right order of day and month has more of the one; across a night with a hole in it the other tells.
    """
    steps = np.abs(np.diff(micros))
    if not len(steps):
        return 0, 0
    return int(np.unique(steps, return_counts=True)[1].max()), -int(steps.max() // DAY_MICROS)


def zoned(micros: Array, texts: pa.Array) -> tuple[Array, Array]:
    """The readings moved to UTC where they carry an offset or a zone, and what each now is."""
    encoded = pc.dictionary_encode(texts.fill_null(""))
    codes = encoded.indices.to_numpy()
    kind = np.full(len(micros), WALL, np.uint8)
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        if not text:
            continue
        here = codes == code
        offset = zones.offset_seconds(text)
        if offset is not None:
            micros = np.where(here, micros - offset * 1_000_000, micros)
            kind[here] = INSTANT
        elif "/" in text and (zone := zones.named(text)):
            micros = micros.copy()
            micros[here], certain = zones.certain_utc(micros[here], zone)
            kind[here] = np.where(certain, INSTANT, UNKNOWN_ZONE)
        else:
            kind[here] = UNKNOWN_ZONE
    return micros, kind


def _field(parts: pa.StructArray, name: str) -> Array:
    """A group of digits as numbers; -1 where it did not take part, or is not digits."""
    texts = pc.struct_field(parts, name)
    digits = pc.match_substring_regex(texts, r"^\d+$")
    numbers: Array = pc.if_else(digits, texts, "-1").cast(pa.int64()).fill_null(-1).to_numpy()
    return numbers


def _full_year(year: Array) -> Array:
    return np.where(year < 100, year + 2000, year)
