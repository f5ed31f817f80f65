"""Numbers as people's files write them - 1.234,56, $0.307, '0.3067, 314.19K, 3.0660e-01 - to float64.

Which mark is the decimal one is decided for the file as a whole, from every value that leaves no choice;
a value that stays open is not read rather than guessed.
"""

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = frozenset(
    ["", "-", "--", "---", "n/a", "na", "n.a.", "#n/a", "nan", "null", "none", "nil", "nul", "?", ".", "\\n", "—",
     "–", "undefined", "missing", "(null)", "<na>", "nat", "k.a.", "n.v.", "nd", "n/d", "n.d.", "#value!", "#div/0!", "#ref!", "#num!", "#name?",
     "#null!", "tbd", "nothing", "void", "non", "keine angabe", "1.#qnan", "1.#ind", "-1.#ind", "-nan"]
)  # fmt: skip

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# What may stand round a number: currency signs and codes, quotes, blanks, an approximate sign.
_ORNAMENT = (
    r"^[\s'\"=~≈]*([A-Z]{1,2}\$|[$€£¥₿₹₩]|[A-Z]{3,5})?[\s'\"]*"
    r"|[\s'\"]*([$€£¥₿₹₩]|USDT?|USDC|AUD|EUR|GBP|BTC|ETH)?[\s'\"]*$"
)
_SCALE = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "t": 1e12}


class Decimal(enum.Enum):
    """The decimal mark of a file. OPEN: nothing in it decides."""

    POINT = "."
    COMMA = ","
    OPEN = ""


def decimal_mark(columns: Sequence[pa.ChunkedArray | pa.Array]) -> Decimal:
    """The mark that the values of text columns prove, by majority of the values that prove anything."""
    if not any(pc.any(pc.match_substring_regex(column, "[,，]")).as_py() for column in columns):
        return Decimal.POINT
    point = comma = 0
    for texts in (_tidy(_texts(column)) for column in columns):
        # A lone mark is a decimal one unless exactly three digits follow; with both, the last one is; a mark
        # that occurs twice groups thousands.
        point += _matching(
            texts, r"^[+-]?\d*\.(\d{0,2}|\d{4,})([eEkKmMbB].*)?$|,\d{3}\.\d*|^[+-]?\d{4,}\.\d{3}$"
        )
        point += _matching(texts, r"\d,\d{3},\d{3}|^[+-]?0?\.\d{3}$")
        comma += _matching(
            texts, r"^[+-]?\d*,(\d{1,2}|\d{4,})([eEkKmMbB].*)?$|\.\d{3},\d*|^[+-]?\d{4,},\d{3}$"
        )
        comma += _matching(texts, r"\d\.\d{3}\.\d{3}|^[+-]?0?,\d{3}$")
    if point == comma:
        return Decimal.OPEN
    return Decimal.POINT if point > comma else Decimal.COMMA


def parse(
    column: pa.ChunkedArray | pa.Array, mark: Decimal
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The values as float64 (NaN where missing or unreadable), and which of them are unreadable."""
    if (
        pa.types.is_floating(column.type)
        or pa.types.is_integer(column.type)
        or pa.types.is_decimal(column.type)
    ):
        values = column.cast(pa.float64()).fill_null(float("nan")).to_numpy()
        return np.array(values), np.isinf(values)
    texts = _texts(column)
    plain = pc.match_substring_regex(texts, _PLAIN).to_numpy(zero_copy_only=False)
    # With a decimal comma, 1.234 may be a thousand: only a file without commas is read as it stands.
    if plain.all() and mark is not Decimal.COMMA:
        values = np.array(texts.cast(pa.float64()).to_numpy())
        return values, np.isinf(values)
    tidy = _tidy(texts)
    tidy, scale = _unscale(tidy)
    ready = _with_point(tidy, mark)
    good = pc.match_substring_regex(ready, _PLAIN)
    numbers = pc.if_else(good, ready, None).cast(pa.float64()).fill_null(float("nan"))
    values = np.array(numbers.to_numpy()) * scale
    missing = pc.is_in(pc.utf8_lower(tidy), value_set=pa.array(sorted(MISSING))).to_numpy(
        zero_copy_only=False
    )
    bad = (np.isnan(values) & ~missing) | np.isinf(values)
    values[bad] = np.nan
    return values, bad


def readable(column: pa.Array) -> np.ndarray[Any, Any]:
    """Which cells hold a number or a missing value under either mark; tells data from headers."""
    good = np.zeros(len(column), bool)
    for mark in (Decimal.POINT, Decimal.COMMA):
        _, bad = parse(column, mark)
        good |= ~bad
    return good


def _texts(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(pa.string()).fill_null("")


def _tidy(texts: pa.Array) -> pa.Array:
    """Without ornament: currency, quotes, blanks and apostrophes between thousands."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.utf8_normalize(texts, form="NFKC")
        texts = pc.replace_substring(texts, "\u2212", "-")
    texts = pc.utf8_trim_whitespace(texts)
    plain = pc.match_substring_regex(texts, _PLAIN)
    if pc.all(plain).as_py():
        return texts
    # As Python shows values that were never meant to be saved: np.float64(27009.33), Decimal('27009.33').
    bare = pc.replace_substring_regex(texts, r"^(?:np\.float\d+|Decimal)\(['\"]?(.*?)['\"]?\)$", r"\1")
    bare = pc.replace_substring_regex(bare, _ORNAMENT, "")
    bare = pc.replace_substring_regex(bare, r"^\((.+)\)$", r"-\1")
    bare = pc.replace_substring_regex(bare, r"^([+-])[$€£¥₿]", r"\1")
    grouped = pc.match_substring_regex(bare, r"^[+-]?\d{1,3}([ '’_\x{a0}\x{202f}\x{2009}]\d{3})+([.,]\d*)?$")
    bare = pc.if_else(grouped, pc.replace_substring_regex(bare, r"[ '’_\x{a0}\x{202f}\x{2009}]", ""), bare)
    missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(MISSING)))
    return pc.if_else(pc.or_(plain, missing), texts, bare)


def _unscale(texts: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    parts = pc.extract_regex(
        texts, r"^(?P<number>[+-]?[\d.,]+)\s?(?P<unit>[kKmMbBtT]|mn|Mn|mio|Mio|bn|Bn|Mrd|mrd)$"
    )
    if parts.null_count == len(parts):
        return texts, np.ones(len(texts))
    units = pc.utf8_lower(pc.struct_field(parts, "unit"))
    scale = np.array([_SCALE.get(unit or "", 1.0) for unit in units.to_pylist()])
    return pc.if_else(parts.is_valid(), pc.struct_field(parts, "number"), texts), scale


def _with_point(texts: pa.Array, mark: Decimal) -> pa.Array:
    """Values with a decimal point and without thousands marks; what cannot be told stays unreadable."""
    if mark is Decimal.COMMA:
        grouped = pc.match_substring_regex(texts, r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$")
        lone_point = pc.match_substring_regex(texts, r"^[+-]?\d*\.\d+([eE][+-]?\d+)?$")
        bare = pc.if_else(grouped, pc.replace_substring(texts, ".", ""), texts)
        bare = pc.replace_substring(bare, ",", ".")
        # 1.5 in a file of decimal commas: not a group of thousands, so it can only be a decimal point.
        return pc.if_else(pc.and_not(lone_point, grouped), texts, bare)
    grouped = pc.match_substring_regex(
        texts, r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$|^[+-]?\d{1,2}(,\d{2})+,\d{3}(\.\d*)?$"
    )
    if mark is Decimal.OPEN:
        # 27,234 and nothing in the file that decides: only what has both marks or several commas is clear.
        lone = pc.match_substring_regex(texts, r"^[+-]?\d{1,3},\d{3}$")
        grouped = pc.and_not(grouped, lone)
    bare = pc.if_else(grouped, pc.replace_substring(texts, ",", ""), texts)
    if mark is Decimal.POINT:
        # 1,5 in a file of decimal points can only be a decimal comma; 1,234 was a thousand.
        lone_comma = pc.match_substring_regex(bare, r"^[+-]?\d*,(\d{1,2}|\d{4,})$")
        bare = pc.if_else(lone_comma, pc.replace_substring(bare, ",", "."), bare)
    return bare


def _matching(texts: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)
