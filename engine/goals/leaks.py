"""Look-ahead requests: words that would let a model see what lies after the moment it forecasts from."""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from engine.goals.lexicon import Term
from engine.goals.ranking import is_ranked
from engine.goals.sentence import Sentence


class _Span(NamedTuple):
    """Positions of the first and the last term of a request."""

    start: int
    end: int


def mark_leaks(sentence: Sentence) -> str | None:
    """The words of the first look-ahead request, or None; the terms of all lose every other meaning."""
    first = None
    for at in range(len(sentence.terms)):
        span = next(_leaks_at(sentence, at), None)
        if span is not None:
            first = first or sentence.words(*span)
            for position in range(span.start, span.end + 1):
                tags = sentence.terms[position].tags
                sentence.terms[position].tags = {k: v for k, v in tags.items() if k in _KEPT} | {"leaked": ""}
    return first


_KEPT = frozenset(("coin", "model", "indicator"))


def _leaks_at(sentence: Sentence, at: int) -> Iterator[_Span]:
    """The requests that begin or end at a term, each kind by its own rule."""
    term = sentence.terms[at]
    if term.has("futurevalue") or _is_next_value(sentence, at):
        end = _used_as_feature(sentence, at)
        if end is not None:
            yield _Span(at, end)
    if term.has("pricefield", "price", "source"):
        end = _field_ahead(sentence, at)
        if end is not None:
            yield _Span(at, end)
    if _is_denied(sentence, at):
        return
    if term.has("testset"):
        start = _chosen_by(sentence, at)
        if start is not None:
            yield _Span(start, at)
    if term.has("mix"):
        end = _what_is_mixed(sentence, at)
        if end is not None:
            yield _Span(at, end)
    if term.has("scaling") or (
        term.has("chosen") and sentence.next_after(at).has("feature", "indicatorword")
    ):
        end = _fitted_on_all(sentence, at)
        if end is not None:
            yield _Span(min(at, end), max(at, end))
    if term.has("leak"):
        match term.tags["leak"]:
            case "lookahead" if sentence.beside(at, 1).has("length", "horizon"):
                term.tags = {"horizon": ""}  # "look-ahead of 4h" is the horizon
            case "kfold" if sentence.has("walkforward"):
                pass
            case _:
                yield _Span(at, at)


def _what_is_mixed(sentence: Sentence, at: int) -> int | None:
    """Where `mix the candles` ends, or None."""
    for position in range(at + 1, min(at + 5, len(sentence.terms))):
        if sentence.terms[position].has("data", "candle", "bars", "rows"):
            return position
    return None


def _chosen_by(sentence: Sentence, at: int) -> int | None:
    """The start of `choose the model by its score on the test set`, or None."""
    for position in range(at - 1, max(at - 10, -1), -1):
        term = sentence.terms[position]
        if term.has("chosen"):
            return None if sentence.beside(position, -1).has("not") else position
        if term.text in ".;!?":
            return None
    return None


def _fitted_on_all(sentence: Sentence, at: int) -> int | None:
    """Where `normalise ... with the whole sample`, `select features over the entire dataset` ends, or None."""
    behind, ahead = range(at - 1, max(at - 4, -1), -1), range(at + 1, min(at + 14, len(sentence.terms)))
    for position in chain(ahead, behind):
        term = sentence.terms[position]
        if term.has("wholesample", "alldata"):
            return position
        if term.text in ".;!?" or term.text.lower() == "train":
            return None
    return None


def _field_ahead(sentence: Sentence, at: int) -> int | None:
    """The end of `the high of the coming two hours` or `the close two hours later` where it feeds the model."""
    position = at + 1
    while position - at < 6 and (
        sentence.beside(position, 0).has("skip", "pricefield", "infuture", "from")
        or _is_after(sentence.beside(position, 0))
        or sentence.beside(position, 0).text in ("(", "[")
    ):
        if sentence.beside(position, 0).has("next"):
            break
        position += 1
    lead, behind = sentence.beside(position, 0), sentence.beside(position, 1)
    if lead.has("next") and position > at + 1 and behind.has("unit", "length", "bars", "candle"):
        end = position + 1
    elif lead.has("unit", "length", "bars", "candle") and any(
        _is_after(term) for term in sentence.terms[at + 1 : position]
    ):
        end = position  # "the close after that hour"
    elif lead.has("barsahead", "futurevalue") or lead.has("tomorrow") and position > at + 1:
        end = position
    elif lead.has("length") and (behind.has("ahead") or sentence.beside(position, -1).has("infuture")):
        end = position + 1 if behind.has("ahead") else position
    else:
        return None
    if any(term.has("feature") for term in sentence.terms[end + 1 : end + 6]):
        return end
    for place in range(at - 1, max(at - 12, 0) - 1, -1):
        before = sentence.terms[place]
        if before.has("predict", "willmove") and not before.has("modelword") or before.text in ".;!?":
            return None
        if before.has("feature") and is_ranked(sentence, place):
            return None  # "the best predictors of btc returns in 4h"
        if before.has("feature") or (before.has("with") and lead.has("next", "tomorrow", "futurevalue")):
            return end
    return None


def _is_after(term: Term) -> bool:
    return term.has("after") or (term.has("ahead") and term.text.lower().startswith("after"))


def _is_denied(sentence: Sentence, at: int) -> bool:
    return any(t.has("not", "walkforward") for t in list(sentence.before(at, reach=4))[:2])


def _is_next_value(sentence: Sentence, at: int) -> bool:
    """`the next candle's close`, `tomorrow's open`, `the following hour's volume`."""
    term = sentence.terms[at]
    if term.has("tomorrow"):
        return sentence.beside(at, 1).has("possessive", "pricefield")
    if not term.has("next"):
        return False
    what = sentence.beside(at, 1)
    if sentence.beside(at, 2).has("length", "unit") and what.text == "-":
        what = sentence.beside(at, 2)
    return what.has("unit", "candle", "bars", "length") and any(
        sentence.beside(at, step).has("possessive", "pricefield") for step in (2, 3, 4)
    )


def _used_as_feature(sentence: Sentence, at: int) -> int | None:
    """The end of the look-ahead phrase when its value is fed to the model, else None."""
    fields = [p for p in range(at, min(at + 6, len(sentence.terms))) if sentence.terms[p].has("pricefield")]
    if not fields:
        return None
    end = fields[-1]
    leads = list(sentence.before(at, reach=5))[:3]
    if any(t.has("predict", "willmove", "compare", "importance", "not") for t in leads[:2]):
        return None
    for position in range(end, min(end + 7, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("feature"):
            return position
        if term.text in ".;!?":
            break
    fed = any(
        t.has("with", "add", "feature", "knowing") and t.text.lower() not in ("on", "through") for t in leads
    )
    told = sentence.terms[at].has("futurevalue") or any(
        sentence.beside(at, step).has("possessive") for step in (1, 2, 3, 4)
    )
    return end if fed and told else None
