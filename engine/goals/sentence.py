"""The terms of a goal with their neighbours: what stands before and behind a term, and in its clause."""

from collections.abc import Iterator, Sequence

from engine.goals.amounts import Length, read_amounts, read_numbers
from engine.goals.coins import mark_coins
from engine.goals.dates import read_dates
from engine.goals.indicators import read_indicators
from engine.goals.languages import Language
from engine.goals.lexicon import Term, read_terms
from engine.goals.patterns import spell

_CLAUSE_ENDS = frozenset(".;!?\n:()—")
_ASIDES = frozenset(("demand", "reveal", "pondering"))  # told apart by the guards only
_FILLING = frozenset(("skip", "a", "number", "possessive")) | _ASIDES


class Sentence:
    """A parsed goal. Positions are indexes into `terms`."""

    def __init__(self, terms: Sequence[Term], language: Language) -> None:
        self.terms = list(terms)
        self.language = language

    @classmethod
    def parse(cls, text: str, coins: Sequence[str]) -> "Sentence":
        """Parse a cleaned goal; `coins` are those there are prices of."""
        terms, language = read_terms(text)
        terms = mark_coins(terms, coins)
        terms = read_numbers(terms, language.decimal)
        terms = read_indicators(terms)
        terms = read_dates(terms, day_first=language.day_first and language.code != "en")
        return cls(read_amounts(terms), language)

    def find(self, *concepts: str) -> list[int]:
        """Positions of the terms that may mean one of the concepts."""
        return [at for at, term in enumerate(self.terms) if term.has(*concepts)]

    def has(self, *concepts: str) -> bool:
        """Whether any term may mean one of the concepts."""
        return any(term.has(*concepts) for term in self.terms)

    def before(self, at: int, *, reach: int = 6) -> Iterator[Term]:
        """Terms to the left in the same clause, nearest first, without filling words."""
        return self._walk(range(at - 1, max(at - 1 - reach, -1), -1))

    def after(self, at: int, *, reach: int = 6) -> Iterator[Term]:
        """Terms to the right in the same clause, nearest first, without filling words."""
        return self._walk(range(at + 1, min(at + 1 + reach, len(self.terms))))

    def next_before(self, at: int) -> Term:
        """The nearest meaningful term to the left, or an empty one."""
        return next(self.before(at), _NOTHING)

    def next_after(self, at: int) -> Term:
        """The nearest meaningful term to the right, or an empty one."""
        return next(self.after(at), _NOTHING)

    def beside(self, at: int, step: int) -> Term:
        """The very next term to the left (-1) or right (1), or an empty one."""
        return self.terms[at + step] if 0 <= at + step < len(self.terms) else _NOTHING

    def clause(self, at: int) -> range:
        """The positions of the clause a term stands in; commas end it too."""
        start = at
        while start > 0 and not self._ends(start - 1, commas=True):
            start -= 1
        end = at
        while end + 1 < len(self.terms) and not self._ends(end + 1, commas=True):
            end += 1
        return range(start, end + 1)

    def words(self, start: int, end: int) -> str:
        """The terms from start to end, end included, as typed."""
        return spell(self.terms[max(start, 0) : end + 1])

    def length(self, at: int) -> Length:
        """The length of time at a position that has one."""
        value = self.terms[at].value
        assert isinstance(value, Length)
        return value

    def _walk(self, positions: range) -> Iterator[Term]:
        for at in positions:
            if self._ends(at):
                return
            if not is_filling(self.terms[at]):
                yield self.terms[at]

    def _ends(self, at: int, *, commas: bool = False) -> bool:
        text = self.terms[at].text
        return text in _CLAUSE_ENDS or (text == "," and commas)


def is_filling(term: Term) -> bool:
    """Whether a term only fills the sentence: the, please, of."""
    return (
        "skip" in term.tags
        and not set(term.tags) - _FILLING
        or term.has("a")
        and not set(term.tags) - _FILLING
    )


_NOTHING = Term("", {})
