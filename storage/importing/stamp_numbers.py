"""Stamps that are numbers: Unix times of any unit, Excel's serial days, and dates written as digits alone."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.importing.stamp_values import (
    DAY_MICROS,
    INSTANT,
    LOST_DIGITS,
    UNREADABLE,
    WALL,
    YEARS,
    Array,
    Stamps,
    bools,
    days_of,
)

_EXCEL_EPOCH_DAYS = 25_569  # 1970-01-01 as an Excel serial day
_UNITS = (("seconds", 1e9), ("milliseconds", 1e12), ("microseconds", 1e15), ("nanoseconds", 1e18))
_PURE_NUMBER = r"^\+?\d+(?:[.,]\d+)?(?:[eE]\+?\d{1,2})?$"


def read_numbers(texts: pa.Array, where: Array, stamps: Stamps) -> None:
    """Read those of `texts` at the places `where` that are numbers."""
    here = texts.take(pa.array(where))
    pure = pc.match_substring_regex(here, _PURE_NUMBER)
    where, here = where[bools(pure)], here.filter(pure)
    if not len(where):
        return
    numbers = pc.replace_substring_regex(here, r"^\+|[.,]0+$", "")
    real = pc.replace_substring(numbers, ",", ".").cast(pa.float64()).to_numpy()
    is_whole = bools(pc.match_substring_regex(numbers, r"^\d{1,19}$")) & (real < 9e18)
    whole = pc.if_else(pa.array(is_whole), numbers, "0").cast(pa.int64()).to_numpy()
    for name, size in _UNITS:
        inside = np.flatnonzero((real >= 1.2 * size) & (real < 4.1 * size))
        if not len(inside):
            continue
        per_unit = 1e15 / size
        exact = whole[inside] // 1000 if per_unit < 1 else whole[inside] * int(per_unit)
        rounded = np.round(real[inside] * per_unit).astype(np.int64)
        micros = np.where(is_whole[inside], exact, rounded)
        stamps.put(where[inside], micros, INSTANT, f"Unix {name}")
    _read_excel(numbers, real, where, stamps)
    _read_digits(numbers, is_whole, whole, where, stamps)
    # 1.68557E+12 has lost the digits that tell one bar from the next.
    rough = np.flatnonzero(bools(pc.match_substring_regex(numbers, "[eE]")))
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
    stamps.put(where[inside], micros, kind, "Excel serial days")


def _read_digits(numbers: pa.Array, is_whole: Array, whole: Array, where: Array, stamps: Stamps) -> None:
    """20230601, 202306010005 and 20230601000500: no unit of Unix time gives such numbers a likely year."""
    length = pc.utf8_length(numbers).to_numpy()
    for digits, scale in ((8, 1), (12, 10**4), (14, 10**6)):
        year = whole // (scale * 10_000)
        inside = np.flatnonzero(is_whole & (length == digits) & (year >= YEARS[0]) & (year < YEARS[1]))
        if not len(inside):
            continue
        date, clock = np.divmod(whole[inside], scale)
        clock = clock * 100 if digits == 12 else clock
        day, valid = days_of(date // 10_000, date // 100 % 100, date % 100)
        hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
        valid &= (hour < 24) & (minute < 60) & (second < 60)
        micros = day * DAY_MICROS + (hour * 3600 + minute * 60 + second) * 1_000_000
        stamps.put(where[inside], micros, np.where(valid, WALL, UNREADABLE), "digits alone")
