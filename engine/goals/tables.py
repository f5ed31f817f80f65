"""The tables of all languages: phrases to concepts, looked up by the longest phrase."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.goals.languages import Language, languages
from engine.goals.text import fold
from engine.goals.tokens import split


@dataclass
class Table:
    """The phrases of one language by their first word; `stems` are those that begin with a word ending in *."""

    language: Language
    phrases: dict[str, list[tuple[tuple[str, ...], dict[str, str]]]] = field(default_factory=dict)
    stems: dict[str, list[tuple[tuple[str, ...], dict[str, str]]]] = field(default_factory=dict)
    unspaced: dict[str, dict[str, str]] = field(default_factory=dict)
    longest_unspaced: int = 0
    by_concept: dict[str, list[str]] = field(default_factory=dict)

    def match(self, words: Sequence[str], at: int) -> tuple[int, dict[str, str]]:
        """Return how many words from `at` on the longest phrase takes, and its tags; (0, {}) for none."""
        best: tuple[int, dict[str, str]] = (0, {})
        first = words[at]
        for rest, tags in self.phrases.get(first, ()):
            if len(rest) >= best[0] and _fits(rest, words, at + 1):
                best = (len(rest) + 1, tags)
        if not best[0]:
            for length in range(min(len(first), 14), 2, -1):
                for rest, tags in self.stems.get(first[:length], ()):
                    if len(rest) >= best[0] and _fits(rest, words, at + 1):
                        best = (len(rest) + 1, tags)
                if best[0]:
                    break
        if not best[0] and self.language.prefixes:
            for prefix in self.language.prefixes:
                bare = first.removeprefix(prefix)
                if bare != first and len(bare) > 1:
                    best = self._match_bare(bare, words, at)
                    if best[0]:
                        break
        return best

    def word(self, word: str) -> dict[str, str]:
        """The tags of a phrase of this one word."""
        return next((tags for rest, tags in self.phrases.get(word, ()) if not rest), {})

    def words_of(self, concept: str) -> list[str]:
        """The words of three letters or more that mean a concept."""
        if concept not in self.by_concept:
            self.by_concept[concept] = self._find_words(concept)
        return self.by_concept[concept]

    def _find_words(self, concept: str) -> list[str]:
        return [
            word
            for word, entries in self.phrases.items()
            if len(word) > 2 and any(not rest and concept in tags for rest, tags in entries)
        ]

    def _match_bare(self, bare: str, words: Sequence[str], at: int) -> tuple[int, dict[str, str]]:
        for rest, tags in self.phrases.get(bare, ()):
            if _fits(rest, words, at + 1):
                return len(rest) + 1, tags
        return 0, {}


@cache
def tables() -> dict[str, Table]:
    """Return the table of every language by its code."""
    return {code: _compile(language) for code, language in languages().items()}


def _compile(language: Language) -> Table:
    table = Table(language)
    for key, written in language.words.items():
        concept, _, value = key.partition(":")
        for phrase in written.split("|"):
            _enter(table, phrase.strip(), concept, value)
    return table


def _enter(table: Table, phrase: str, concept: str, value: str) -> None:
    tokens = split(phrase)
    if not tokens:
        return
    if tokens[0].kind == "ideographs" or (len(tokens) > 1 and tokens[1].kind == "ideographs"):
        key = fold(phrase)
        table.unspaced.setdefault(key, {})[concept] = value
        table.longest_unspaced = max(table.longest_unspaced, len(key))
        return
    words: list[str] = []
    for token in tokens:
        if token.text == "*" and token.glued and words:
            words[-1] += "*"
        else:
            words.append(token.folded)
    first, rest = words[0], tuple(words[1:])
    index = table.phrases
    if first[-1] == "*" and len(first) > 1:
        index, first = table.stems, first[:-1]
    entries = index.setdefault(first, [])
    for known, tags in entries:
        if known == rest:
            tags[concept] = value
            return
    entries.append((rest, {concept: value}))


def known_word(word: str) -> bool:
    """Whether an English phrase of one word is spelt like this."""
    return any(not rest for rest, _ in tables()["en"].phrases.get(word, ()))


def longest(chosen: Iterable[Table], words: Sequence[str], at: int) -> tuple[int, dict[str, str]]:
    """The longest phrase of any table; the first table wins a draw."""
    best: tuple[int, dict[str, str]] = (0, {})
    for table in chosen:
        found = table.match(words, at)
        if found[0] > best[0]:
            best = found
    return best


def _fits(rest: tuple[str, ...], words: Sequence[str], at: int) -> bool:
    if at + len(rest) > len(words):
        return False
    return all(
        word.startswith(want[:-1]) if want[-1] == "*" and len(want) > 1 else word == want
        for want, word in zip(rest, words[at : at + len(rest)], strict=True)
    )
