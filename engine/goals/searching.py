"""Time given to a search for models, settings and features: `search for two minutes`, `90 seconds of automl`."""

from dataclasses import dataclass

from engine.goals.amounts import Length
from engine.goals.lexicon import Term
from engine.goals.roles import TARGETS
from engine.goals.sentence import Sentence, is_filling

LEAST_SECONDS, MOST_SECONDS = 5, 1_800
_REACH = 6  # terms between the word and its time


@dataclass(frozen=True)
class Search:
    """The time of a search and the words it came from."""

    seconds: int
    words: str


def take_search(sentence: Sentence) -> Search | None:
    """The time for a search, if one is given; its words lose every other meaning, so that none is taken for a horizon."""
    for at in sentence.find("search"):
        if sentence.terms[at].guessed:
            continue
        for step in (1, -1):
            time = _time(sentence, at, step)
            if time is not None:
                start, end = min(at, time), max(at, time)
                found = Search(round(sentence.length(time).minutes * 60), sentence.words(start, end))
                for term in sentence.terms[start : end + 1]:
                    term.tags, term.value, term.number = {"searched": ""}, None, None
                return found
    return None


def _time(sentence: Sentence, at: int, step: int) -> int | None:
    """The position of the time that belongs to the word at a position, looking one way; None for none."""
    for position in range(at + step, at + step * (_REACH + 1), step):
        if not 0 <= position < len(sentence.terms):
            return None
        term = sentence.terms[position]
        if term.has("length"):
            return (
                position
                if _is_short(sentence.length(position)) and _is_free(sentence, position, step)
                else None
            )
        if not _is_joint(term):
            return None
    return None


def _is_short(length: Length) -> bool:
    return length.unit in ("second", "minute", "hour") and not length.code


def _is_free(sentence: Sentence, at: int, step: int) -> bool:
    """Whether the time is nothing else's: `search the 15 min direction` and `next 15 minutes` speak of a horizon."""
    behind, before = sentence.beside(at, 1), sentence.beside(at, -1)
    taken = ("ahead", "candle", "interval", "horizon", "ago", "data", *TARGETS)
    return not before.has("next", "last") and not (step > 0 and behind.has(*taken))


def _is_joint(term: Term) -> bool:
    return is_filling(term) or term.has("in", "to", "a", "on", "time", "every") or term.text in tuple("-:=,")
