"""Time stamps as files write them, to microseconds: Unix seconds to nanoseconds, ISO, local, 12-hour, Excel.

Each value is read by itself - one column may hold several spellings - but whether the day or the month
comes first is decided for the column. `zones` turns wall-clock readings into instants.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing import zones
from storage.importing.errors import Unclear

Array = np.ndarray[Any, Any]

# What became of a value.
UNREADABLE, INSTANT, WALL, MISSING, LOST_DIGITS, UNKNOWN_ZONE = range(6)

DAY_MICROS = 86_400_000_000
_BLOCK_ROWS = 100_000
_YEARS = (2009, 2100)  # Bitcoin's first block, and the end of what stamps are likely to mean
_EXCEL_EPOCH_DAYS = 25_569  # 1970-01-01 as an Excel serial day
_UNITS = (("seconds", 1e9), ("milliseconds", 1e12), ("microseconds", 1e15), ("nanoseconds", 1e18))

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
_PURE_NUMBER = r"^\+?\d+(?:[.,]\d+)?(?:[eE]\+?\d{1,2})?$"
_CLOCK = (
    r"(?:[T\s,_-]+(?P<H>\d{1,2})"
    r"(?:[:.hH](?P<M>\d{2})?(?::?(?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?|(?P<M2>\d{2})(?P<S2>\d{2})?)?)?"
    r"\s*(?:uhr|Uhr|h)?[\s-]*(?P<ap>[AaPp]\.?\s?[Mm]\.?)?"
    r"\s*\[?(?P<z>[A-Za-z]{1,5}[+-]\d{1,2}(?::?\d{2})?|[A-Z][A-Za-z_]+/[A-Za-z_/]+|[A-Za-z]{1,5}"
    r"|[+-]\d{1,2}(?::?\d{2})?)?\]?\s*(?:[\[(][^)\]]*[\])]|UTC)?$"
)
_CTIME = r"^[A-Za-z]{3},? ([A-Za-z]{3}) +(\d{1,2}) (\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)( ?(?:[+-]\d{2}:?\d{2}|[A-Z]{3,4}))? (\d{4})$"
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
# Marks of other scripts, and accents in the names of months, in the form the patterns above expect.
_SCRIPTS = (
    ("年|月", "-"),
    ("日", " "),
    ("时|時|点|分", ":"),
    ("秒", ""),
    ("上午|오전|午前", "AM "),
    ("下午|오후|午後", "PM "),
    ("[äàáâã]", "a"),
    ("[éèêë]", "e"),
    ("[ûüú]", "u"),
    ("ç", "c"),
    (r":\s*$", ""),
    (r"(AM|PM)\s*(\d{1,2}:\d{2}(:\d{2})?)", r"\2 \1"),
)


@dataclass
class Stamps:
    """What a column says, value by value.

    `micros` since 1970: UTC where `kind` is INSTANT, a wall clock where it is WALL, nothing elsewhere.
    `styles` counts the spellings met.
    """

    micros: Array
    kind: Array
    styles: Counter[str] = field(default_factory=Counter)

    def _put(self, where: Array, micros: Array, kind: int | Array, style: str) -> None:
        self.micros[where] = micros
        self.kind[where] = kind
        self.styles[style] += len(where)


def parse(column: pa.ChunkedArray | pa.Array, day_first: bool | None = None) -> Stamps:
    """Read a column of stamps; `day_first` says what 03/04/2023 means where the column itself cannot.

    Raises Unclear (option `dates`) if it cannot and nobody says.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed(column)
    if pa.types.is_floating(kind) and pc.all(pc.equal(column, pc.floor(column))).as_py():
        column = column.cast(pa.int64(), safe=False)
    texts = _tidy(column.cast(pa.string()).fill_null(""))
    stamps = Stamps(np.zeros(len(texts), np.int64), np.full(len(texts), UNREADABLE, np.uint8))
    empty = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(["", "-", "nan", "nat", "null", "none", "n/a"]))
    stamps.kind[_bools(empty)] = MISSING
    _read_numbers(texts, stamps)
    _read_dates(texts, stamps, day_first)
    return stamps


def readable(column: pa.Array) -> Array:
    """Which cells are stamps, day or month first, or were until they lost digits; tells data from headers."""
    seen = [parse(column, day_first).kind for day_first in (True, False)]
    good = np.isin(seen[0], (INSTANT, WALL)) | np.isin(seen[1], (INSTANT, WALL))
    if (lost := seen[0] == LOST_DIGITS).any():
        good |= lost & _bools(
            pc.match_substring(column.cast(pa.string()).fill_null(""), "e", ignore_case=True)
        )
    return good


def place(stamps: Stamps, names: pa.Array) -> None:
    """Move wall clocks to UTC by a column that names the zone or offset of each row.

    A zone named throughout keeps its repeated hours in doubt for `zones.to_utc`, which knows the order of rows.
    """
    if len(distinct := pc.unique(names)) == 1 and zones.offset_seconds(distinct[0].as_py()) is None:
        return
    wall = stamps.kind == WALL
    micros, kind = _zoned(stamps.micros, names)
    stamps.micros, stamps.kind = np.where(wall, micros, stamps.micros), np.where(wall, kind, stamps.kind)


def _typed(column: pa.Array) -> Stamps:
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    micros = column.cast(pa.timestamp("us", tz="UTC" if zoned else None), safe=False).cast(pa.int64())
    kind = np.where(_bools(column.is_valid()), INSTANT if zoned else WALL, MISSING).astype(np.uint8)
    style = "stored with a zone" if zoned else "stored without a zone"
    return Stamps(np.array(micros.fill_null(0).to_numpy()), kind, Counter({style: len(column)}))


def _tidy(texts: pa.Array) -> pa.Array:
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.utf8_normalize(texts, form="NFKC")
        for mark, plain in _SCRIPTS:
            texts = pc.replace_substring_regex(texts, mark, plain)
    texts = pc.utf8_trim(texts, " \t\r\n\xa0'\"=\ufeff")
    # C's own form has the year last: Thu Jun  1 00:05:00 2023.
    if pc.any(pc.match_substring_regex(texts, r"^[A-Za-z]{3},? [A-Za-z]{3} ")).as_py():
        texts = pc.replace_substring_regex(texts, _CTIME, r"\1 \2 \5 \3\4")
    return texts


def _read_numbers(texts: pa.Array, stamps: Stamps) -> None:
    """Unix times of any unit, Excel's serial days, and dates written as digits alone."""
    where = np.flatnonzero(
        _bools(pc.match_substring_regex(texts, _PURE_NUMBER)) & (stamps.kind == UNREADABLE)
    )
    if not len(where):
        return
    numbers = pc.replace_substring_regex(texts.take(pa.array(where)), r"^\+|[.,]0+$", "")
    real = pc.replace_substring(numbers, ",", ".").cast(pa.float64()).to_numpy()
    is_whole = _bools(pc.match_substring_regex(numbers, r"^\d{1,19}$")) & (real < 9e18)
    whole = pc.if_else(pa.array(is_whole), numbers, "0").cast(pa.int64()).to_numpy()
    for name, size in _UNITS:
        inside = np.flatnonzero((real >= 1.2 * size) & (real < 4.1 * size))
        if not len(inside):
            continue
        per_unit = 1e15 / size
        exact = whole[inside] // 1000 if per_unit < 1 else whole[inside] * int(per_unit)
        rounded = np.round(real[inside] * per_unit).astype(np.int64)
        micros = np.where(is_whole[inside], exact, rounded)
        stamps._put(where[inside], micros, INSTANT, f"Unix {name}")
    _read_excel(numbers, real, where, stamps)
    _read_digits(numbers, is_whole, whole, where, stamps)
    # 1.68557E+12 has lost the digits that tell one bar from the next.
    rough = np.flatnonzero(_bools(pc.match_substring_regex(numbers, "[eE]")))
    for at, text in zip(rough, numbers.take(pa.array(rough)).to_pylist(), strict=True):
        mantissa, _, exponent = text.lower().replace(",", ".").partition("e")
        digits = len(mantissa.replace(".", "").lstrip("0"))
        magnitude = int(exponent) + len(mantissa.partition(".")[0])
        unit = next((size for _, size in _UNITS if 1.2 * size <= real[at] < 4.1 * size), 1e9)
        if 10.0 ** (magnitude - digits) > unit / 1e9:
            stamps.kind[where[at]] = LOST_DIGITS


def _read_excel(numbers: pa.Array, real: Array, where: Array, stamps: Stamps) -> None:
    inside = np.flatnonzero((real >= 39_814) & (real < 73_051))
    if not len(inside):
        return
    text = numbers.take(pa.array(inside))
    decimals = pc.utf8_length(pc.replace_substring_regex(text, r"^\d+[.,]?", "")).to_numpy()
    seconds = (real[inside] - _EXCEL_EPOCH_DAYS) * 86_400
    # Excel drops closing zeros, so few digits may still be exact: then they are a whole number of minutes.
    exact = np.abs(seconds - np.round(seconds / 60) * 60) < 1e-3
    step = np.where(decimals >= 5, 1, 60)
    micros = (np.round(seconds / step) * step).astype(np.int64) * 1_000_000
    kind = np.where(exact | (decimals >= 4), WALL, LOST_DIGITS)
    stamps._put(where[inside], micros, kind, "Excel serial days")


def _read_digits(numbers: pa.Array, is_whole: Array, whole: Array, where: Array, stamps: Stamps) -> None:
    """20230601, 202306010005 and 20230601000500: no unit of Unix time gives such numbers a likely year."""
    length = pc.utf8_length(numbers).to_numpy()
    for digits, scale in ((8, 1), (12, 10**4), (14, 10**6)):
        year = whole // (scale * 10_000)
        inside = np.flatnonzero(is_whole & (length == digits) & (year >= _YEARS[0]) & (year < _YEARS[1]))
        if not len(inside):
            continue
        date, clock = np.divmod(whole[inside], scale)
        clock = clock * 100 if digits == 12 else clock
        days, valid = _days(date // 10_000, date // 100 % 100, date % 100)
        hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
        valid &= (hour < 24) & (minute < 60) & (second < 60)
        micros = days * DAY_MICROS + (hour * 3600 + minute * 60 + second) * 1_000_000
        stamps._put(where[inside], micros, np.where(valid, WALL, UNREADABLE), "digits alone")


def _read_dates(texts: pa.Array, stamps: Stamps, day_first: bool | None) -> None:
    for pattern, style in (
        (_YEAR_FIRST, "year first"),
        (_YEAR_LAST, ""),
        (_DAY_MONTH, "day and name of month"),
        (_MONTH_DAY, "name of month and day"),
    ):
        open_rows = np.flatnonzero(stamps.kind == UNREADABLE)
        if not len(open_rows):
            return
        # The parts of a million stamps fill 200 MB. Only the order of day and month needs to see them all.
        blocks = 1 if pattern is _YEAR_LAST else len(open_rows) // _BLOCK_ROWS + 1
        for where in np.array_split(open_rows, blocks):
            _read_pattern(texts, where, stamps, pattern, style, day_first)


def _read_pattern(
    texts: pa.Array, where: Array, stamps: Stamps, pattern: str, style: str, day_first: bool | None
) -> None:
    parts = pc.extract_regex(texts.take(pa.array(where)), pattern)
    hit = _bools(parts.is_valid())
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
    days, valid = _days(year, month, day)
    valid &= clock_valid & (year >= _YEARS[0]) & (year < _YEARS[1])
    micros, kind = _zoned(days * DAY_MICROS + clock, pc.struct_field(parts, "z"))
    stamps._put(where, micros, np.where(valid, kind, UNREADABLE), style)


def _clock(parts: pa.StructArray) -> tuple[Array, Array]:
    """The time of day in microseconds, and whether it is one."""
    hour, minute, second = (_field(parts, name) for name in "HMS")
    minute = np.where(minute < 0, _field(parts, "M2"), minute)
    second = np.where(second < 0, _field(parts, "S2"), second)
    hour, minute, second = (np.maximum(part, 0) for part in (hour, minute, second))
    half = pc.utf8_lower(pc.utf8_slice_codeunits(pc.struct_field(parts, "ap"), 0, 1))
    morning, evening = (_bools(pc.equal(half, letter).fill_null(False)) for letter in "ap")
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
                _days(year, month, day)[0] * DAY_MICROS + clock for month, day in ((b, a), (a, b))
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


def _zoned(micros: Array, texts: pa.Array) -> tuple[Array, Array]:
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


def _days(year: Array, month: Array, day: Array) -> tuple[Array, Array]:
    """Days since 1970-01-01, and whether there is such a date."""
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (year - 1970) * 12 + np.where(valid, month, 1) - 1
    first = months.astype("M8[M]")
    days = first.astype("M8[D]").astype(np.int64) + np.where(valid, day, 1) - 1
    return days, valid & (days.astype("M8[D]").astype("M8[M]") == first)


def _field(parts: pa.StructArray, name: str) -> Array:
    """A group of digits as numbers; -1 where it did not take part, or is not digits."""
    texts = pc.struct_field(parts, name)
    digits = pc.match_substring_regex(texts, r"^\d+$")
    numbers: Array = pc.if_else(digits, texts, "-1").cast(pa.int64()).fill_null(-1).to_numpy()
    return numbers


def _full_year(year: Array) -> Array:
    return np.where(year < 100, year + 2000, year)


def _bools(values: pa.Array) -> Array:
    result: Array = values.to_numpy(zero_copy_only=False).astype(bool)
    return result
