"""A goal as terms: words, numbers and dates with the concepts they may mean, in the language it is written in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.goals.languages import Language
from engine.goals.slips import guess, guess_number, guess_unit, is_unit
from engine.goals.tables import Table, longest, tables
from engine.goals.text import fold
from engine.goals.tokens import Token, split

_FUZZY_WORDS = 80  # misspelt words looked up in one goal at most
_MOST_TOKENS = 600  # looked at in one goal


@dataclass
class Term:
    """A phrase of the goal with what it may mean: concept -> value. `number` is its value when it is one."""

    text: str
    tags: Mapping[str, str]
    glued: bool = False
    number: float | None = None
    token: Token | None = None
    guessed: bool = False
    value: object = None

    def has(self, *concepts: str) -> bool:
        """Whether it may mean one of the concepts."""
        return any(concept in self.tags for concept in concepts)


def read_terms(text: str) -> tuple[list[Term], Language]:
    """Return the goal as terms, and the language it is mostly written in."""
    tokens = _ends(split(text))
    every = tables()
    chosen = _language_of(tokens, every)
    active = [every[code] for code in dict.fromkeys((chosen, "en"))]
    words = [token.folded for token in tokens]
    terms: list[Term] = []
    at, guesses = 0, 0
    unspaced = [table for table in every.values() if table.unspaced]
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "ideographs":
            terms.extend(_cut_unspaced(token, unspaced, chosen))
            at += 1
            continue
        taken, tags = longest(active, words, at)
        if token.kind in ("number", "iso", "figures", "yearmonth", "monthyear", "daymonth") and taken <= 1:
            taken, tags = 1, {token.kind: token.text}
        if not taken and token.kind == "word":
            parts = _cut_compound(token, active)
            if parts:
                terms.extend(parts)
                at += 1
                continue
        if not taken and token.kind == "word" and terms and "number" in terms[-1].tags:
            unit = guess_unit(token.folded, active)
            if unit:
                terms.append(Term(token.text, unit, token.glued, None, token, guessed=True))
                at += 1
                continue
        if not taken and token.kind == "word" and is_unit(active, words, at + 1):
            number = guess_number(token.folded, active)
            if number:
                terms.append(
                    Term(token.text, number, token.glued, float(number["number"]), token, guessed=True)
                )
                at += 1
                continue
        if not taken and token.kind == "word" and guesses < _FUZZY_WORDS and 4 <= len(token.folded) <= 18:
            tags = guess(token.folded, tuple(table.language.code for table in active))
            guesses += 1
            if tags:
                terms.append(Term(token.text, tags, token.glued, None, token, guessed=True))
                at += 1
                continue
        covered = tokens[at : at + max(taken, 1)]
        shown = "".join(("" if t.glued or t is token else " ") + t.text for t in covered)
        kind = {"word": "unknown", "mark": "mark"}.get(token.kind, token.kind)
        terms.append(Term(shown, tags or {kind: token.text}, token.glued, None, token))
        if "number" in tags and token.kind != "number":
            terms[-1].number = float(tags["number"])
        at += max(taken, 1)
    return terms, every[chosen].language


def _ends(tokens: list[Token]) -> list[Token]:
    """The tokens, or of a text too long to be a goal the first and the last ones: there the question stands."""
    half = _MOST_TOKENS // 2
    if any(len(token.text) > _MOST_TOKENS for token in tokens):
        parts = [_shortened(token) for token in tokens]
        tokens = [token for part in parts for token in part]
    if len(tokens) <= _MOST_TOKENS:
        return tokens
    return [*tokens[:half], Token("mark", "\n", "\n", glued=False), *tokens[-half:]]


def _shortened(token: Token) -> list[Token]:
    """The beginning and the end of a word that is longer than a text may be."""
    size = _MOST_TOKENS // 4
    if len(token.text) <= _MOST_TOKENS:
        return [token]
    first, last = token.text[:size], token.text[-size:]
    return [
        Token(token.kind, first, fold(first), token.glued),
        Token(token.kind, last, fold(last), glued=False),
    ]


def _language_of(tokens: Sequence[Token], tables: Mapping[str, Table]) -> str:
    """The language with most words of the goal that English does not have; English when none has more."""
    words = [token.folded for token in tokens[:400]]
    hits = dict.fromkeys(tables, 0)
    for at, token in enumerate(tokens[:400]):
        if token.kind == "ideographs":
            for code, table in tables.items():
                if table.unspaced:
                    hits[code] += sum(
                        1 for t in _cut_unspaced(token, [table], code) if "unknown" not in t.tags
                    )
            continue
        if token.kind != "word":
            continue
        english = bool(tables["en"].match(words, at)[0])
        hits["en"] += english
        for code, table in tables.items():
            if code != "en" and table.match(words, at)[0]:
                hits[code] += 1 if english else 2
    best = max(hits, key=lambda code: (hits[code], code == "en"))
    return best if best == "en" or hits[best] > hits["en"] else "en"


def _cut_unspaced(token: Token, tables: Sequence[Table], chosen: str) -> list[Term]:
    """Cut a run without spaces into its longest known phrases."""
    terms: list[Term] = []
    ordered = sorted(tables, key=lambda table: table.language.code != chosen)
    at, text = 0, token.folded
    while at < len(text):
        tags: dict[str, str] = {}
        size = 1
        for table in ordered:
            for length in range(min(table.longest_unspaced, len(text) - at), size - (not tags), 0 - 1):
                if length < 1:
                    break
                found = table.unspaced.get(text[at : at + length])
                if found is not None:
                    tags, size = found, length
                    break
        piece = text[at : at + size]
        term = Term(piece, tags or {"unknown": piece}, glued=token.glued or at > 0, token=token)
        if "number" in tags:
            term.number = float(tags["number"])
        terms.append(term)
        at += size
    return terms


def _cut_compound(token: Token, tables: Iterable[Table]) -> list[Term]:
    """Two known words written as one, where the language joins words: `stundenkerzen`, `uurkaarsen`.

    A unit of time as the first part says the size of the second: it may also mean `hourly`.
    """
    word = token.folded
    for table in tables:
        if not table.language.compounds or not 7 <= len(word) <= 40:
            continue
        for cut in range(len(word) - 3, 2, -1):
            head, tail = table.word(word[:cut]), table.word(word[cut:])
            if head and tail and not {"skip", "a", "number"} & (set(head) | set(tail)):
                if "unit" in head:
                    head = {**head, "each": head["unit"]}
                first = Term(token.text[:cut], head, token.glued, token=token)
                return [first, Term(token.text[cut:], tail, glued=True, token=token)]
    return []
