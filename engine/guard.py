"""The number guard: a figure in a model's words must be in what this session's tools returned, or go.

A figure is found when some result rounds to it at the places it is written with, as itself, as a percentage, in
basis points, or in thousands and millions. What a model worked out by itself (a difference, a ratio) is not found:
tools do the sums. Dates, names and spans of time must stand in the results as they are written.
"""

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIGURE = re.compile(
    r"""(?<![\w.,])
    (?P<sign>[-+])?[$€£]?
    (?P<whole>\d{1,3}(?:[,'\s]\d{3})+|\d+)(?P<places>\.\d+)?
    \s?(?P<unit>%|percent\b|per\ cent\b|percentage\ points?\b|bps?\b|basis\ points?\b|k\b|thousand\b|m\b(?=illion)|
        million\b|M\b|x\b)?
    """,
    re.VERBOSE,
)
# A word with a digit in it that is no bare number: SMA_20, 2023-06-29, 12:30, 1h, R-142, prices-3fa8.
_NAME = re.compile(r"[\w.:+-]*\d[\w.:+-]*")
_BARE = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:bps?|k|M|x)?")
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
    r"(?=[ -](?:percent|per cent|basis points?|dollars?|times|fold)\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:about|around|roughly|approximately|some|nearly|almost|over|under|~|≈)\s?$", re.IGNORECASE
)
# What is said of the method or of chance rather than of this run's results.
_KNOWN = re.compile(
    r"\b9[05]\s?(?:%|percent) (?:confidence|bootstrap|interval|block)|"
    r"\b50\s?(?:%|percent)(?=[^.;]{0,40}\b(?:coin|chance|guess))|\b(?:coin|chance|guess\w*)[^.;]{0,25}\b50\s?(?:%|percent)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass
class Figures:
    """The figures and the names with digits that a model may use."""

    values: list[float] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    _sorted: list[float] | None = None

    def take(self, said: Any) -> None:
        """Take in a tool's result: plain JSON, or text that may be JSON."""
        if isinstance(said, str):
            try:
                read = json.loads(said)
            except ValueError:
                read = said
            said = read
        self._sorted = None
        self._walk(said)

    def has(self, value: float, tolerance: float, *scales: float) -> bool:
        """Whether some value, times one of the scales, lies within the tolerance; signs are not compared."""
        if self._sorted is None:
            self._sorted = sorted({abs(known) for known in self.values})
        for scale in scales:
            low, high = (value - tolerance) / scale, (value + tolerance) / scale
            at = bisect_left(self._sorted, low - 1e-12)
            if at < len(self._sorted) and self._sorted[at] <= high + 1e-12:
                return True
        return False

    def _walk(self, said: Any) -> None:
        match said:
            case bool() | None:
                pass
            case int() | float():
                self.values.append(float(said))
            case str():
                text = _plain(said)
                self.names.update(_trim(name) for name in _NAME.findall(text))
                self.names.update(
                    part.lower()
                    for name in _NAME.findall(text)
                    for part in re.split(r"[T:.+_-]", name)
                    if part
                )
                self.values += [figure.value for figure in _figures(text)]
            case Mapping():
                self.values.append(float(len(said)))
                for key, value in said.items():
                    self._walk(str(key))
                    self._walk(value)
            case list() | tuple():
                self.values.append(float(len(said)))
                for value in said:
                    self._walk(value)


@dataclass(frozen=True)
class Figure:
    """A figure as it stands in a text."""

    text: str
    value: float
    places: int
    unit: str
    start: int
    about: bool = False


def unfounded(text: str, known: Figures) -> list[str]:
    """The figures of `text`, as written, that are in no result."""
    plain = _KNOWN.sub(lambda found: re.sub(r"\d", "_", found.group()), _plain(text))
    names = [
        (found.group(), found.start(), found.end())
        for found in _NAME.finditer(plain)
        if not _BARE.fullmatch(_trim(found.group()))
    ]
    missing = [
        name.strip(".:+-")
        for name, _, _ in names
        if _trim(name) not in known.names and not _is_known_date(name, known)
    ]
    covered = [(start, end) for _, start, end in names]
    for figure in _figures(plain):
        if any(start <= figure.start < end for start, end in covered):
            continue
        if not _is_found(figure, known):
            missing.append(figure.text)
    return list(dict.fromkeys(missing))


def without_unfounded(text: str, known: Figures) -> tuple[str, int]:
    """The text without the sentences that hold an unfounded figure, and how many were left out."""
    sentences = [part for part in _SENTENCE.split(text) if part.strip()]
    kept = [part for part in sentences if not unfounded(part, known)]
    return " ".join(part.strip() for part in kept), len(sentences) - len(kept)


def gather(results: Iterable[Any]) -> Figures:
    """The figures of many results."""
    figures = Figures()
    for result in results:
        figures.take(result)
    return figures


def _is_found(figure: Figure, known: Figures) -> bool:
    tolerance = 0.5 * 10.0**-figure.places
    if figure.about and figure.places == 0 and figure.value >= 100:
        digits = str(int(figure.value))
        tolerance = 0.5 * 10 ** min(len(digits) - len(digits.rstrip("0")), len(digits) - 2)
    scales = {"%": (1.0, 100.0), "bp": (1.0, 10_000.0), "k": (1e-3, 1.0), "m": (1e-6, 1.0)}.get(
        figure.unit, (1.0,)
    )
    return known.has(abs(figure.value), tolerance * (1 + 1e-9), *scales)


def _figures(text: str) -> list[Figure]:
    found = []
    for part in _FIGURE.finditer(text):
        places = len(part["places"] or ".") - 1
        value = float(re.sub(r"[,'\s]", "", part["whole"]) + (part["places"] or ""))
        about = bool(_ABOUT.search(text[: part.start()]))
        found.append(Figure(part.group().strip(), value, places, _unit(part["unit"]), part.start(), about))
    for part in _SPELLED.finditer(text):
        words = {name: (part[name] or "").lower() for name in ("tens", "unit", "small")}
        value = (
            _UNITS[words["small"]] if words["small"] else _TENS[words["tens"]] + _UNITS.get(words["unit"], 0)
        )
        following = text[part.end() :].lstrip(" -").lower()
        unit = "%" if following.startswith("per") else "bp" if following.startswith("basis") else ""
        found.append(Figure(part.group(), float(value), 0, unit, part.start()))
    return found


def _unit(written: str | None) -> str:
    word = (written or "").lower()
    if word.startswith(("%", "per")):
        return "%"
    if word.startswith(("bp", "basis")):
        return "bp"
    if word in ("k", "thousand"):
        return "k"
    return "m" if word.startswith("m") else ""


def _plain(text: str) -> str:
    """One way of writing digits, signs and spaces."""
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[−–—‐‑‒]", "-", text).replace("\u202f", " ").replace("’", "'")


def _trim(name: str) -> str:
    return name.strip(".:+-").lower()


def _is_known_date(name: str, known: Figures) -> bool:
    """Whether a composed name (a date, a span such as 90-day) is made of parts that are all known."""
    parts = [part for part in re.split(r"[t:.+_-]", _trim(name)) if part]
    digits = [part for part in parts if any(c.isdigit() for c in part)]
    return len(parts) > 1 and all(
        part in known.names or (part.isdigit() and known.has(float(part), 1e-9, 1.0)) for part in digits
    )
