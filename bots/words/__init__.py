"""All wording of the conversation: one file a language, every file with the same keys."""

import re
from collections.abc import Mapping
from datetime import datetime

from bots.text import count, money
from bots.words.english import ENGLISH
from bots.words.german import GERMAN

_FIGURES: Mapping[str, Mapping[int, str]] = {"de": {ord(","): ".", ord("."): ","}}
LANGUAGES = {"en": ENGLISH, "de": GERMAN}


class Words:
    """The wording of one language; called with a key and the values it speaks of.

    `omc` is what stands before a command where it is typed: nothing in a chat, whose bot is spoken to by name.
    """

    def __init__(self, language: str, omc: str = "") -> None:
        self.language = language
        self._omc = omc
        self._texts = LANGUAGES[language]

    def __call__(self, key: str, **values: object) -> str:
        """The text under `key`. Raises KeyError for a key no language has."""
        return self._texts[key].format(omc=self._omc, **values)

    def figures(self, text: str) -> str:
        """A number written in the English way (12,345.6), as the language writes it."""
        return text.translate(_FIGURES.get(self.language, {}))

    def plain(self, figure: str) -> float | None:
        """A number as the language writes it, back as a number; None for anything else."""
        there = _FIGURES.get(self.language, {})
        back = {ord(written): chr(english) for english, written in there.items()}
        text = figure.translate(back).replace("−", "-").replace(",", "")
        return float(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None

    def count(self, number: int) -> str:
        """A whole number: 1,234,567."""
        return self.figures(count(number))

    def money(self, usd: float) -> str:
        """US dollars, as many digits as it takes to see what little it was."""
        return self.figures(money(usd))

    def minute(self, moment: datetime) -> str:
        """A moment to the minute, without its zone."""
        return moment.strftime(self("format.minute"))

    def day(self, moment: datetime) -> str:
        """A date in figures."""
        return moment.strftime(self("format.day"))

    def in_shell(self) -> "Words":
        """The same wording where commands are typed into a shell."""
        return Words(self.language, "omc ")

    def named(self, family: str, name: str) -> str:
        """The text of `family.name`; the name itself, made readable, where there is none."""
        return self._texts.get(f"{family}.{name}") or name.replace("_", " ").capitalize()

    def knows(self, key: str) -> bool:
        return key in self._texts


_WORDS = {language: Words(language) for language in LANGUAGES}


def words_of(*languages: str | None) -> Words:
    """The wording of the first language that is known ("de", "de-AT", "German" ...); English if none is."""
    for given in languages:
        known = find_language(given or "")
        if known:
            return _WORDS[known]
    return _WORDS["en"]


def find_language(text: str) -> str | None:
    """The language a code or a name stands for."""
    lowered = text.strip().casefold()
    names = {"english": "en", "englisch": "en", "german": "de", "deutsch": "de"}
    code = names.get(lowered) or lowered.replace("_", "-").split("-")[0]
    return code if code in LANGUAGES else None
