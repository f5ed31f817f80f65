"""Words to concepts: the tables of all languages, looked up by the longest phrase."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from rapidfuzz.distance import OSA

from engine.goals.languages import Language, languages
from engine.goals.text import fold
from engine.goals.tokens import Token, split

_FUZZY_WORDS = 80  # misspelt words looked up in one goal at most
_MOST_TOKENS = 600  # looked at in one goal
_NOT_FUZZY = frozenset(
    ("skip", "errand", "thanks", "hello", "yes", "command", "secret", "others", "number", "a")
)


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


@dataclass
class Table:
    """The phrases of one language by their first word; `stems` are those that begin with a word ending in *."""

    language: Language
    phrases: dict[str, list[tuple[tuple[str, ...], dict[str, str]]]] = field(default_factory=dict)
    stems: dict[str, list[tuple[tuple[str, ...], dict[str, str]]]] = field(default_factory=dict)
    unspaced: dict[str, dict[str, str]] = field(default_factory=dict)
    longest_unspaced: int = 0

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


def read_terms(text: str) -> tuple[list[Term], Language]:
    """Return the goal as terms, and the language it is mostly written in."""
    tokens = _ends(split(text))
    tables = _tables()
    chosen = _language_of(tokens, tables)
    active = [tables[code] for code in dict.fromkeys((chosen, "en"))]
    words = [token.folded for token in tokens]
    terms: list[Term] = []
    at, guesses = 0, 0
    unspaced = [table for table in tables.values() if table.unspaced]
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "ideographs":
            terms.extend(_cut_unspaced(token, unspaced, chosen))
            at += 1
            continue
        taken, tags = _longest(active, words, at)
        if token.kind in ("number", "iso", "figures", "yearmonth", "monthyear", "daymonth") and taken <= 1:
            taken, tags = 1, {token.kind: token.text}
        if not taken and token.kind == "word":
            parts = _cut_compound(token, active)
            if parts:
                terms.extend(parts)
                at += 1
                continue
        if not taken and token.kind == "word" and terms and "number" in terms[-1].tags:
            unit = _guess_unit(token.folded, active)
            if unit:
                terms.append(Term(token.text, unit, token.glued, None, token, guessed=True))
                at += 1
                continue
        if not taken and token.kind == "word" and _is_unit(active, words, at + 1):
            number = _guess_number(token.folded, active)
            if number:
                terms.append(
                    Term(token.text, number, token.glued, float(number["number"]), token, guessed=True)
                )
                at += 1
                continue
        if not taken and token.kind == "word" and guesses < _FUZZY_WORDS and 4 <= len(token.folded) <= 18:
            tags = _guess(token.folded, tuple(table.language.code for table in active))
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
    return terms, tables[chosen].language


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


def known_word(word: str) -> bool:
    """Whether an English phrase of one word is spelt like this."""
    return any(not rest for rest, _ in _tables()["en"].phrases.get(word, ()))


def _longest(tables: Iterable[Table], words: Sequence[str], at: int) -> tuple[int, dict[str, str]]:
    """The longest phrase of any table; the first table wins a draw."""
    best: tuple[int, dict[str, str]] = (0, {})
    for table in tables:
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


@cache
def _tables() -> dict[str, Table]:
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


def _guess_unit(word: str, tables: Iterable[Table]) -> dict[str, str]:
    """The unit of time a misspelt word behind a number stands for: `30 dayz`, `2 horus`."""
    if not 3 <= len(word) <= 9:
        return {}
    for table in tables:
        for candidate in table.words_of("unit"):
            if candidate[0] == word[0] and OSA.distance(word, candidate, score_cutoff=1) <= 1:
                return table.word(candidate)
    return {}


def _is_unit(tables: Iterable[Table], words: Sequence[str], at: int) -> bool:
    return at < len(words) and len(words[at]) > 2 and any("unit" in table.word(words[at]) for table in tables)


def _guess_number(word: str, tables: Iterable[Table]) -> dict[str, str]:
    """The number word one slip away: `tow hours`."""
    if not 3 <= len(word) <= 10:
        return {}
    for table in tables:
        for candidate in table.words_of("number"):
            if candidate[0] == word[0] and OSA.distance(word, candidate, score_cutoff=1) <= 1:
                return table.word(candidate)
    return {}


@cache
def _vocabulary(codes: tuple[str, ...]) -> dict[int, list[str]]:
    """Words a misspelt one may have meant, by length."""
    found: dict[int, list[str]] = {}
    for code in codes:
        for word, entries in _tables()[code].phrases.items():
            plain = [tags for rest, tags in entries if not rest]
            if plain and len(word) >= 4 and word.isalpha() and any(set(tags) - _NOT_FUZZY for tags in plain):
                found.setdefault(len(word), []).append(word)
    return found


def _guess(word: str, codes: tuple[str, ...]) -> dict[str, str]:
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
        taken, tags = _tables()[code].match([best], 0)
        if taken:
            return tags
    return {}
