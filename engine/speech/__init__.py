"""What the engine says to people, in the language of the run's thread.

English stands where it is said, as a sentence with the places of its values in braces; every other language is one
file that gives the same sentences. What is kept (findings, files, the report) is English; what a thread is told is
worded inside `speaking(language)`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import Formatter
from typing import Any, Final

from engine.speech.german import GERMAN
from engine.speech.language import ENGLISH, Language

LANGUAGES: Final[Mapping[str, Language]] = {"en": ENGLISH, "de": GERMAN}
_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


def find(language: str) -> Language:
    """The language of a code; English where it is not known."""
    return LANGUAGES.get(language.strip().casefold().replace("_", "-").split("-")[0], ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Word everything said inside in a language by its code ("de", "de-AT"); in English where it is not known."""
    token = _spoken.set(find(language))
    try:
        yield
    finally:
        _spoken.reset(token)


@dataclass(frozen=True)
class Said:
    """A sentence with its values, worded whenever it is read: as text it is in the language spoken then.

    Numbers among the values are written as that language writes them; a value may be another `Said`.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        spoken = _spoken.get()
        template = spoken.sentences.get(self.template, self.template)
        return _Worded().vformat(template, (), self.values) if self.values else template

    def as_json(self) -> list[Any]:
        """Plain JSON, for what a tool returns; `read` reads it back."""
        values = {name: v.as_json() if isinstance(v, Said) else v for name, v in self.values.items()}
        return [self.template, values]


def read(written: Any) -> Said:
    """A sentence back from its JSON."""
    template, values = written
    return Said(template, {name: read(v) if isinstance(v, list) else v for name, v in values.items()})


def said(template: str, **values: Any) -> Said:
    """A sentence to be worded later."""
    return Said(template, values)


def say(template: str, /, **values: Any) -> str:
    """A sentence in the language spoken now. The template is a literal, so that a test can find it in every language."""
    return str(Said(template, values))


def figures(text: str) -> str:
    """A number written in the English way (12,345.6), as the language spoken writes it."""
    return text.translate(_spoken.get().figures)


def noun(amount: float, one: str) -> str:
    """The noun for an amount of it: "day" and "days", "Tag" and "Tage"."""
    spoken = _spoken.get()
    singular, plural = spoken.nouns.get(one, (one, f"{one}s"))
    return singular if amount == 1 else plural


def day(moment: datetime, *, year: bool = False) -> str:
    """A date in words: 15 Aug, 15 Aug 2023; 15. Aug."""
    spoken = _spoken.get()
    text = spoken.day.format(day=moment.day, month=spoken.months[moment.month - 1])
    return f"{text} {moment.year}" if year else text


def minute(moment: datetime) -> str:
    """A moment to the minute, without its zone: 2023-09-27 18:10; 27.09.2023 18:10."""
    return moment.strftime(_spoken.get().minute)


def date(moment: datetime) -> str:
    """A date in figures: 2023-09-27; 27.09.2023."""
    return moment.strftime(_spoken.get().date)


def minute_of(iso: str) -> str:
    """The same of a moment written as ISO, in UTC."""
    return minute(datetime.fromisoformat(iso).astimezone(UTC))


class _Worded(Formatter):
    """Braces filled in, numbers as the language spoken writes them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return figures(format(value, format_spec))
        return format(str(value), format_spec)
