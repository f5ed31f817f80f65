"""What can go wrong with a question or its prices, in words a person can act on.

ScienceError
  UnknownIndicator, UnknownModel   a name we do not have; the message names near ones
  BadSetting                       a number that makes no sense (a horizon of 0, a cost of -5)
  Unanswerable                     there can be no answer as things are: the reason stands in the verdict's place
    BadPrices                      prices that are not what they claim to be, or in which nothing happens
    TooFewBars                     fine in kind, too short for the question
    LooksAhead                     a feature knows what it cannot have known: no verdict until it is gone
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from engine.speech import Said


class ScienceError(Exception):
    """An expected failure; its message says what to do next. With values it is worded in the language it is read in."""

    def __init__(self, message: str | Said, **values: Any) -> None:
        super().__init__(message)
        self.said = message if isinstance(message, Said) else Said(message, values)

    def __str__(self) -> str:
        return str(self.said)


class UnknownIndicator(ScienceError):
    """The indicator asked for is not in the registry."""


class UnknownModel(ScienceError):
    """The model type asked for is not in the registry."""


class BadSetting(ScienceError):
    """A setting outside its sensible range."""


class Unanswerable(ScienceError):
    """There can be no answer to the question as things are. `code` names the reason in metrics.json."""

    code = "unanswerable"


class BadPrices(Unanswerable):
    """Prices that cannot be worked on as they are."""

    code = "bad_prices"


class TooFewBars(Unanswerable):
    """Not enough prices for the horizon and the features asked for."""

    code = "too_few_bars"


class LooksAhead(Unanswerable):
    """A feature uses later bars, or depends on where the prices begin."""

    code = "looks_ahead"


def near(name: str, known: Iterable[str]) -> str:
    """Name up to three known names that resemble `name`, else all of them; a phrase for an error message."""
    names = sorted(known)
    by_lower = {known_name.lower(): known_name for known_name in names}
    found = [by_lower[hit] for hit in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    return f"Did you mean {' or '.join(found)}?" if found else f"There are: {', '.join(names)}."
