"""What a language needs to be spoken: its sentences, its plurals, how it writes numbers and dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Language:
    """One language. `sentences` are by the English ones; `figures` maps the characters of an English number.

    `nouns` give one and many; `day` has the places day and month; `minute` and `date` are for strftime.
    """

    sentences: Mapping[str, str] = field(default_factory=dict)
    nouns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    figures: Mapping[int, str] = field(default_factory=dict)
    months: tuple[str, ...] = (
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    )  # fmt: skip
    day: str = "{day} {month}"
    minute: str = "%Y-%m-%d %H:%M"
    date: str = "%Y-%m-%d"


ENGLISH: Final = Language()
