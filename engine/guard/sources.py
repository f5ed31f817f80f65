"""The figures, days and names that a session's tools have returned, each with its unit and what it speaks of."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from engine.guard import topics, written

# "share": a fraction, which may be written in percent. "": a number of a kind that its key does not tell.
Kind = Literal["share", "%", "bp", "p", "money", "time", "count", ""]

NAME = re.compile(r"[\w.:+-]*\d[\w.:+-]*")
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(min|m|h|d|w)")
_UNIT_MINUTES = {"m": 1.0, "min": 1.0, "h": 60.0, "d": 1440.0, "w": 10080.0}
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("", re.compile(r"(?:^|_)times(?:_|$)")),
    ("bp", re.compile(r"(?:^|_)bps(?:_|$)")),
    ("p", re.compile(r"(?:^|_)p(?:_|$)|p_value")),
    ("time", re.compile(r"(?:^|_)(?:minutes|hours|days|seconds|weeks)(?:_|$)|^horizons$")),
    ("share", re.compile(r"return|drawdown|accura|auc|skill|share|change|move|fall|rise|depth|correl|precision|recall")),
    ("money", re.compile(r"^(?:mean|std|min|max|close|price|high|low|bid|ask)$")),
)  # fmt: skip
_TIME_UNITS = {
    "minutes": 1.0,
    "hours": 60.0,
    "days": 1440.0,
    "seconds": 1 / 60,
    "weeks": 10080.0,
    "horizons": 1.0,
}


@dataclass(frozen=True)
class Source:
    """One figure that a tool returned. `span` is shared by the two ends of one interval, 0 for a value.

    `sign` is 0 where it is not known; `value` is without its sign.
    """

    value: float
    sign: int
    kind: Kind
    topics: frozenset[str]
    words: frozenset[str]
    span: int = 0


@dataclass
class Figures:
    """What a model may speak of."""

    sources: list[Source] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    _spans: int = 0

    def take(self, said: Any) -> None:
        """Take in a tool's result: plain JSON, or text that may be JSON."""
        if isinstance(said, str):
            with contextlib.suppress(ValueError):
                said = json.loads(said)
        self._walk(said, ())

    def knows_name(self, name: str) -> bool:
        """Whether a name with digits stands in the results, however its parts are joined."""
        return trim(name) in self.names or _joined(name) in self.names

    def _walk(self, said: Any, path: tuple[str, ...]) -> None:
        match said:
            case bool() | None:
                pass
            case int() | float():
                self._number(said, path)
            case str():
                self._text(said, path)
            case Mapping():
                self._length(len(said), path)
                for key, value in said.items():
                    self._names(written.plain(str(key)))
                    self._walk(value, (*path, str(key)))
            case [int() | float() as value, int() | float() as low, int() | float() as high] if (
                low <= value <= high
            ):
                self._number(value, path)
                self._spans += 1
                self._number(low, path, self._spans)
                self._number(high, path, self._spans)
            case list() | tuple():
                self._length(len(said), path)
                for value in said:
                    self._walk(value, path)

    def _number(self, value: float, path: tuple[str, ...], span: int = 0) -> None:
        key = path[-1] if path else ""
        kind = _kind(path, value)
        scale = (
            next((_TIME_UNITS[word] for word in key.split("_") if word in _TIME_UNITS), 1.0)
            if kind == "time"
            else 1.0
        )
        sign = (value > 0) - (value < 0)
        self.sources.append(Source(abs(value) * scale, sign, kind, *_subject(path), span))

    def _length(self, count: int, path: tuple[str, ...]) -> None:
        """How many there are of something, which only its own name tells."""
        if path:
            self.sources.append(
                Source(count, 1, "count", frozenset(), topics.words_of(path[-1].replace("_", " ")))
            )

    def _names(self, text: str) -> None:
        for name in NAME.findall(text):
            self.names |= {trim(name), _joined(name)}
            self.names |= {part.lower() for part in re.split(r"[T:.+_-]", name) if part}
            length = _LENGTH.fullmatch(name)
            if length:
                minutes = float(length[1]) * _UNIT_MINUTES[length[2]]
                self.sources.append(Source(minutes, 0, "time", frozenset(), frozenset()))
        self.names |= {_joined(pair) for pair in re.findall(r"\b[A-Z]{2,} \d+\b(?![.,]\d)", text)}  # "EMA 20"
        self.names |= set(re.findall(r"(?<=T)\d\d:\d\d", text))
        for year, month, day in _ISO_DAY.findall(text):
            try:
                self.days.add(date(int(year), int(month), int(day)))
            except ValueError:
                continue

    def _text(self, said: str, path: tuple[str, ...]) -> None:
        text = written.plain(said)
        self._names(text)
        base = self._spans
        for sentence in sentences(text):
            about = topics.of_text(sentence) | _subject(path)[0]
            words = topics.words_of(sentence) | _subject(path)[1]
            for figure in written.figures(_ISO_DAY.sub("", sentence)):
                span = base + figure.pair if figure.pair else 0
                self._spans = max(self._spans, span)
                kind: Kind = "p" if figure.is_p else "count" if figure.is_whole else figure.unit
                subject = frozenset({"p"}) if figure.is_p else about
                self.sources.append(Source(figure.value, figure.sign, kind, subject, words, span))
            base = self._spans


def gather(results: Iterable[Any]) -> Figures:
    """What many results hold."""
    figures = Figures()
    for result in results:
        figures.take(result)
    return figures


def sentences(text: str) -> Sequence[str]:
    """The sentences and lines of a text."""
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def trim(name: str) -> str:
    """A name as it is compared."""
    return name.strip(".:+-").lower()


def _joined(name: str) -> str:
    return re.sub(r"[ _()-]", "", name).strip(".:+").lower()


def _kind(path: tuple[str, ...], value: float) -> Kind:
    if isinstance(value, int):
        for kind, keys in _KINDS[1:4]:
            if kind != "p" and path and keys.search(path[-1]):
                return kind
        return "count"
    for part in reversed(path[-3:]):
        for kind, keys in _KINDS:
            if keys.search(part):
                return kind
    return ""


def _subject(path: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """What a value speaks of, from the last keys on the way to it."""
    about: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    for key in path[-3:]:
        about |= topics.of_key(key)
        words |= topics.words_of(key.replace("_", " "))
    return about, words
