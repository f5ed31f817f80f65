"""A small grammar over terms: a rule is a row of concepts, and says what a run of terms that fits it becomes.

    "number '-'? unit"     a number, perhaps a hyphen, a unit
    "from|since month"     either of two concepts, then a month

An element is a concept, several parted by "|", or a mark in quotes; a ? behind it makes it optional.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.goals.lexicon import Term

Made = Term | list[Term] | None


@dataclass(frozen=True)
class Rule:
    """What a run of terms becomes. `make` gets one entry per element, None for an optional one that is absent."""

    pattern: str
    make: Callable[..., Made]
    elements: tuple[tuple[tuple[str, ...], bool], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Read the pattern once."""
        elements = tuple(
            (tuple(part.rstrip("?").split("|")), part.endswith("?")) for part in self.pattern.split()
        )
        object.__setattr__(self, "elements", elements)


def reduce(terms: list[Term], rules: Sequence[Rule]) -> list[Term]:
    """Replace, from left to right, each run that fits a rule; the first rule that makes something wins."""
    made: list[Term] = []
    at = 0
    while at < len(terms):
        for rule in rules:
            bound = _bind(rule.elements, terms, at, ())
            if bound is None:
                continue
            result = rule.make(*bound)
            if result is None:
                continue
            found = result if isinstance(result, list) else [result]
            used = sum(term is not None for term in bound)
            if not isinstance(result, list):
                found[0].text = spell(terms[at : at + used])
                found[0].glued = terms[at].glued
            made.extend(found)
            at += used
            break
        else:
            made.append(terms[at])
            at += 1
    return made


def spell(terms: Sequence[Term]) -> str:
    """The words of terms as they were typed."""
    return "".join((" " if at and not term.glued else "") + term.text for at, term in enumerate(terms))


def _bind(
    elements: Sequence[tuple[tuple[str, ...], bool]],
    terms: Sequence[Term],
    at: int,
    bound: tuple[Term | None, ...],
) -> tuple[Term | None, ...] | None:
    if not elements:
        return bound if any(bound) else None
    (wanted, optional), rest = elements[0], elements[1:]
    if at < len(terms) and _is(terms[at], wanted):
        found = _bind(rest, terms, at + 1, (*bound, terms[at]))
        if found is not None:
            return found
    return _bind(rest, terms, at, (*bound, None)) if optional else None


def _is(term: Term, wanted: tuple[str, ...]) -> bool:
    return any(term.text == want[1:-1] if want[0] == "'" else want in term.tags for want in wanted)
