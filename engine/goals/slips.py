"""Misspelt words: the word of a table that was probably meant."""

from collections.abc import Iterable, Sequence
from functools import cache

from rapidfuzz.distance import OSA

from engine.goals.tables import Table, tables

_NOT_FUZZY = frozenset(
    (
        "skip",
        "errand",
        "thanks",
        "hello",
        "yes",
        "command",
        "secret",
        "others",
        "number",
        "a",
        "demand",
        "reveal",
        "pondering",
    )
)


def guess_unit(word: str, active: Iterable[Table]) -> dict[str, str]:
    """The unit of time a misspelt word behind a number stands for: `30 dayz`, `2 horus`."""
    if not 3 <= len(word) <= 9:
        return {}
    for table in active:
        for candidate in table.words_of("unit"):
            if candidate[0] == word[0] and OSA.distance(word, candidate, score_cutoff=1) <= 1:
                return table.word(candidate)
    return {}


def is_unit(active: Iterable[Table], words: Sequence[str], at: int) -> bool:
    """Whether the word at a position is a unit of time, spelt out."""
    return at < len(words) and len(words[at]) > 2 and any("unit" in table.word(words[at]) for table in active)


def guess_number(word: str, active: Iterable[Table]) -> dict[str, str]:
    """The number word one slip away: `tow hours`."""
    if not 3 <= len(word) <= 10:
        return {}
    for table in active:
        for candidate in table.words_of("number"):
            if candidate[0] == word[0] and OSA.distance(word, candidate, score_cutoff=1) <= 1:
                return table.word(candidate)
    return {}


@cache
def _vocabulary(codes: tuple[str, ...]) -> dict[int, list[str]]:
    """Words a misspelt one may have meant, by length."""
    found: dict[int, list[str]] = {}
    for code in codes:
        for word, entries in tables()[code].phrases.items():
            plain = [tags for rest, tags in entries if not rest]
            if plain and len(word) >= 4 and word.isalpha() and any(set(tags) - _NOT_FUZZY for tags in plain):
                found.setdefault(len(word), []).append(word)
    return found


def guess(word: str, codes: tuple[str, ...]) -> dict[str, str]:
    """The tags of the word that was probably meant: one slip, or two in a long word, the first letter right."""
    slips = 2 if len(word) >= 8 else 1
    vocabulary = _vocabulary(codes)
    best, best_slips = "", slips + 1
    for length in range(max(4, len(word) - slips), len(word) + slips + 1):
        for candidate in vocabulary.get(length, ()):
            if candidate[0] != word[0] or (
                len(word) == 4
                and len(candidate) == 4
                and candidate[1:3] != word[1:3][::-1]
                and candidate[2:] != word[2:][::-1]
            ):
                continue
            distance = OSA.distance(word, candidate, score_cutoff=slips)
            if distance == 2 and candidate[-1] != word[-1]:
                continue  # another word of the same stem: normalise is not normality
            if distance < best_slips:
                best, best_slips = candidate, distance
    if not best:
        return {}
    for code in codes:
        taken, tags = tables()[code].match([best], 0)
        if taken:
            return tags
    return {}
