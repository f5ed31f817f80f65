"""Figures as they stand in a text: their value, how exactly it is given, their unit and their sign."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

# "%": also percentage points. "time": in minutes. "": a plain number.
Unit = Literal["%", "bp", "money", "time", ""]

_FIGURE = re.compile(
    r"""(?<![\w.,])
    (?P<sign>[-+])?\s?(?P<money>[$€£]\s?)?(?P<late_sign>[-+])?
    (?P<whole>\d{1,3}(?:[,'\s]\d{3})+(?!\d)|\d+)(?P<places>\.\d+)?
    (?:[\s-]?(?P<unit>%|percent\b|per\ cent\b|(?:percentage\ |auc\ )?points?\b|prozent\b|bps?\b|basis[\s-]points?\b|basispunkte?n?\b
        |k\b|thousand\b|million\b|M\b|x\b|dollars?\b|euros?\b|usdt?\b|aud\b
        |(?:min(?:ute)?s?|m|hours?|h|days?|d|weeks?|w|tagen?|stunden?|minuten?|tage)\b(?![\w'])))?
    (?![\w])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MINUTES = {
    "m": 1,
    "min": 1,
    "h": 60,
    "hour": 60,
    "stunde": 60,
    "d": 1440,
    "day": 1440,
    "tag": 1440,
    "w": 10080,
    "week": 10080,
}
_TENS = {
    word: 10 * at
    for at, word in enumerate(
        ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 1
    )
}
_UNITS = {
    word: at
    for at, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_SPELLED = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<unit>{'|'.join(list(_UNITS)[1:10])}))?|(?P<small>{'|'.join(_UNITS)}))"
    r"(?=[ -](?P<following>percent|per cent|basis points?|dollars?|times|fold)\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:about|around|roughly|approximately|some|nearly|almost|circa|ca\.|etwa|rund|ungefähr|~|≈)\s?$",
    re.IGNORECASE,
)
_UNDER = re.compile(
    r"(?:less than|fewer than|below|under|at most|up to|weniger als|unter|<|≤)\s?=?\s?$", re.IGNORECASE
)
_OVER = re.compile(r"(?:more than|over|above|at least|beyond|mehr als|über|>|≥)\s?=?\s?$", re.IGNORECASE)
_LOST = re.compile(
    r"\b(?:lost|lose|loses|losing|fell|falls|dropped|declined|down|loss of|fall of|drop of|minus|verlor|fiel)"
    r"(?:\s(?:by|about|around|some|nearly|almost|roughly|um))*\s?$",
    re.IGNORECASE,
)
_WON = re.compile(
    r"\b(?:made|gained|gains|earned|earns|rose|won|up|gain of|profit of|rise of|gewann|stieg)"
    r"(?:\s(?:by|about|around|some|nearly|almost|roughly|um))*\s?$",
    re.IGNORECASE,
)
_LOST_AFTER = re.compile(r"\s?-?(?:loss|fall|drop|decline|verlust)\b", re.IGNORECASE)
_WON_AFTER = re.compile(r"\s?-?(?:gain|profit|rise|gewinn)\b", re.IGNORECASE)
_P = re.compile(r"\bp(?:[- ]?(?:value|wert))?\s?(?:of|is|was|=|<|>|≈|von|ist)?\s?[<>=]?\s?$", re.IGNORECASE)
_FOLD = re.compile(r"[ -]?fold\b|\s?×", re.IGNORECASE)
_JOINED = re.compile(r"\s?(?:to|and|or|,|-|/|bis|und|oder)\s?(?:about\s)?", re.IGNORECASE)
_OPENS = re.compile(r"\((?:[\d_]+ ?% (?:confidence )?interval:?(?: of| from)?\s)?\s?$", re.IGNORECASE)
_CLOSES = re.compile(r"(?:\s?(?:to|bis|-|\.\.\.?)\s?[-+]?[\d.,]+)?\s?\)", re.IGNORECASE)
_PAIRED = re.compile(r"\s?(?:to|and|-|bis|und|\.\.\.?)\s?", re.IGNORECASE)


@dataclass(frozen=True)
class Figure:
    """A figure in a text. Values that would be so written lie from `low` to `high`; `start` and `end` are its place.

    `sign` is 0 where none is given; `is_multiple` that it is written as so many times ("3 x", "× 3", "3-fold"),
    `is_p` that it is called p. `pair` is shared by the two ends of a range, 0 outside of one.
    """

    text: str
    value: float
    low: float
    high: float
    places: int
    unit: Unit
    sign: int
    start: int
    end: int
    pair: int = 0
    is_multiple: bool = False
    is_p: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is a plain whole number, as counts are."""
        return self.unit == "" and self.places == 0


def plain(text: str) -> str:
    """One way of writing digits, signs and spaces."""
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[−–—‐‑‒]", "-", text).replace("\u202f", " ").replace("\xa0", " ").replace("’", "'")


def figures(text: str) -> list[Figure]:
    """The figures of a plain text, in their order."""
    found = sorted([*_digits(text), *_spelled(text)], key=lambda figure: figure.start)
    return _with_pairs(_with_units(found, text), text)


def _digits(text: str) -> Iterator[Figure]:
    for part in _FIGURE.finditer(text):
        written, before, after = part.group().strip(), text[: part.start()], text[part.end() :]
        places = len(part["places"] or ".") - 1
        value = float(re.sub(r"[,'\s]", "", part["whole"]) + (part["places"] or ""))
        scale, unit = _unit(part["unit"] or "", bool(part["money"]))
        sign = {"-": -1, "+": 1}.get(part["sign"] or part["late_sign"] or "", 0)
        if not sign and unit != "time":
            sign = _direction(before, after)
        low, high = _span(value, places, before)
        yield Figure(
            written, value * scale, low * scale, high * scale, places, unit, sign, part.start(), part.end(),
            is_multiple=(part["unit"] or "").lower() == "x" or before.rstrip().endswith("×") or bool(_FOLD.match(after)),
            is_p=bool(_P.search(before)),
        )  # fmt: skip


def _spelled(text: str) -> Iterator[Figure]:
    for part in _SPELLED.finditer(text):
        words = {name: (part[name] or "").lower() for name in ("tens", "unit", "small")}
        value = float(
            _UNITS[words["small"]] if words["small"] else _TENS[words["tens"]] + _UNITS.get(words["unit"], 0)
        )
        following = part["following"].lower()
        unit: Unit = "%" if following.startswith("per") else "bp" if following.startswith("basis") else ""
        sign = _direction(text[: part.start()], "")
        yield Figure(part.group(), value, value - 0.5, value + 0.5, 0, unit, sign, part.start(), part.end())


def _span(value: float, places: int, before: str) -> tuple[float, float]:
    """The values that are written as this one: by rounding; after "about" by the zeros it ends with; "over", "under"."""
    half = 0.5 * 10.0**-places * (1 + 1e-9)
    whole = str(int(value))
    zeros = len(whole) - len(whole.rstrip("0")) if places == 0 and value >= 10 else 0
    coarse = 10.0 ** min(zeros, max(0, len(whole) - 2)) if places == 0 else 10.0**-places
    if _ABOUT.search(before):
        return value - max(half, coarse / 2), value + max(half, coarse / 2)
    if _OVER.search(before):
        return value - half, value + coarse
    if _UNDER.search(before):
        return value - coarse, value + half
    return value - half, value + half


def _unit(written: str, money: bool) -> tuple[float, Unit]:
    """A factor and the unit after it is applied."""
    word = written.lower()
    factor = {"k": 1e3, "thousand": 1e3, "million": 1e6}.get(word, 1.0)
    if written == "M":
        factor = 1e6
    if money or word.startswith(("dollar", "euro", "usd", "aud")):
        return factor, "money"
    if word.startswith(("%", "per", "proz", "point", "auc")):
        return 1.0, "%"
    if word.startswith(("bp", "basis")):
        return 1.0, "bp"
    if factor == 1.0 and word and word not in ("x",):
        stem = next((one for one in sorted(_MINUTES, key=len, reverse=True) if word.startswith(one)), "")
        if stem:
            return float(_MINUTES[stem]), "time"
    return factor, ""


def _direction(before: str, after: str) -> int:
    if _LOST.search(before) or _LOST_AFTER.match(after):
        return -1
    return 1 if _WON.search(before) or _WON_AFTER.match(after) else 0


def _with_units(found: list[Figure], text: str) -> list[Figure]:
    """Give the first of "51 to 54 %" and those of "52 % (51 to 54)" the unit of the one they go with."""
    done = list(found)
    for at in range(len(done) - 2, -1, -1):
        one, after = done[at], done[at + 1]
        if (
            one.unit == ""
            and after.unit not in ("", "time")
            and _JOINED.fullmatch(text[one.end : after.start])
        ):
            done[at] = replace(one, unit=after.unit)
    for at in range(1, len(done)):
        before, one = done[at - 1], done[at]
        between = text[before.end : one.start]
        opens = bool(_OPENS.search(between)) and len(between) < 60
        inside = before.pair == -1 and _PAIRED.fullmatch(between)
        if one.unit == "" and before.unit in ("%", "bp") and (opens or inside):
            if _CLOSES.match(text[one.end :]):
                done[at] = replace(one, unit=before.unit, pair=-1)
    return [replace(one, pair=0) for one in done]


def _with_pairs(found: list[Figure], text: str) -> list[Figure]:
    done = list(found)
    number = 0
    for at in range(len(done) - 1):
        one, after = done[at], done[at + 1]
        between = text[one.end : after.start]
        opened = re.search(
            r"(?:\(|between |from |zwischen |von |interval (?:of |is |from )?)\D{0,12}$", text[: one.start]
        )
        if one.unit == after.unit != "time" and opened and _PAIRED.fullmatch(between):
            number += 1
            done[at], done[at + 1] = replace(one, pair=number), replace(after, pair=number)
    return done
