"""The languages a goal may be written in: each file of this folder is one, and holds nothing but its words."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Language:
    """The words of one language.

    `words` maps a concept, or concept:value, to its phrases, parted by "|". A word that ends in * stands for every
    word with that beginning. `decimal` is the mark in 0,5 or 0.5. `prefixes` are letters written onto the next word;
    `compounds` says that words are joined into one, as in Stundenkerzen.
    """

    code: str
    name: str
    words: Mapping[str, str]
    decimal: str = "."
    day_first: bool = True
    prefixes: tuple[str, ...] = ()
    compounds: bool = False


@cache
def languages() -> dict[str, Language]:
    """Return every language by its code, English first."""
    names = sorted(
        (m.name for m in pkgutil.iter_modules(__path__)), key=lambda name: (name != "english", name)
    )
    found = [importlib.import_module(f"{__name__}.{name}").LANGUAGE for name in names]
    return {language.code: language for language in found}
