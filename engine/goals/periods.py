"""Which stretch of the past a goal speaks of: named dates, `since`, `last`, and lengths beside a date."""

from datetime import datetime

from engine.goals.lexicon import Term
from engine.goals.period import Period, back, forward
from engine.goals.sentence import Sentence, is_filling
from engine.goals.spoken_periods import since_beginning, spoken
from engine.goals.when import Range, When


def read_periods(sentence: Sentence, now: datetime) -> list[Period]:
    """Every period named by date. The lengths used up by them lose their `length` tag."""
    found: list[Period] = []
    for at, term in enumerate(sentence.terms):
        if term.has("when", "range") and not _is_verb(sentence, at) and not term.has("futurevalue"):
            period = _named(sentence, at, now)
            if period is not None:
                found.append(period)
        elif term.has("yearnumber") and _is_year(sentence, at):
            term.value = When("year", int(term.tags["yearnumber"]))
            period = _named(sentence, at, now)
            if period is not None:
                found.append(period)
        elif term.has("beginning") and (period := since_beginning(sentence, at, now)) is not None:
            found.append(period)
        elif term.has("yesterday", "today", "ytd", "alldata", "weekday", "this", "last", "season"):
            period = spoken(sentence, at, now)
            if period is not None:
                found.append(period)
    return _join(found, now)


def _named(sentence: Sentence, at: int, now: datetime) -> Period | None:
    term = sentence.terms[at]
    value = term.value
    assert isinstance(value, When | Range)
    try:
        start, end = value.span(now)
    except ValueError:
        if not isinstance(value, Range):
            return None
        # A span that ends before it begins is kept as it was said, so that a question can be put.
        start, end = value.first.span(now)[0], value.last.span(now)[1]
    words = sentence.words(at, at)
    unclear = _orders(value)
    relation, left = _relation(sentence, at)
    length_at = _length_before(sentence, left, relation)
    if length_at is not None and isinstance(value, When):
        length = sentence.length(length_at)
        sentence.terms[length_at].tags = {"used": ""}
        words = sentence.words(length_at, at)
        if relation in ("before", "until"):
            edge = (
                start
                if relation == "before" and value.kind == "day"
                else end
                if relation == "until"
                else start
            )
            return Period(back(edge, length), edge, words)
        if relation in ("since", "from", "after"):
            return Period(start, min(forward(start, length), now), words)
        if relation == "last of":
            return Period(back(end, length), end, words)
        return Period(start, forward(start, length), words)
    words = sentence.words(left + 1, at) if relation else words
    if relation and _is_shut_out(sentence, left):
        # "ignore everything before May", "nothing after June": the other side is meant
        relation = {"before": "since", "until": "after", "after": "until", "since": "before"}.get(
            relation, relation
        )
    if relation in ("since", "from", "after"):
        if relation == "from" and _is_source(sentence, left, value):
            return Period(start, end, words, either_order=unclear)
        return Period(
            start if relation != "after" or _has_day(value) is False else end,
            None,
            words,
            either_order=unclear,
        )
    if relation == "older":
        return Period(start, None, words)
    if relation in ("until", "before"):
        edge = start if relation == "before" or isinstance(value, When) and value.part == "beginning" else end
        return Period(None, edge, words, either_order=unclear)
    follower = sentence.beside(at, 1)
    if (
        isinstance(value, When)
        and follower.has("ahead")
        and follower.text.lower() in ("on", "onward", "onwards", "forward")
    ):
        return Period(start, None, words)
    if isinstance(value, When) and follower.has("since", "sincepost"):
        return Period(start, None, words)
    if isinstance(value, When) and follower.has("untilpost"):
        return Period(None, end, words)
    joined = sentence.next_before(at).has("and") or sentence.next_before(at).text in ",/+"
    return Period(start, end, words, either_order=unclear, joined=joined)


def _is_shut_out(sentence: Sentence, left: int) -> bool:
    """Whether `ignore everything`, `no data`, `nothing` leads straight to the word at left + 1."""
    for position in range(left, max(left - 5, -1), -1):
        term = sentence.terms[position]
        if term.has("not", "nothing"):
            return True
        if not (term.has("all", "data", "candle", "skip") or is_filling(term)):
            return False
    return False


def _has_day(value: When | Range) -> bool:
    return isinstance(value, When) and value.kind == "day"


def _orders(value: When | Range) -> tuple[str, str] | None:
    """The two readings of the first date that leaves its order open."""
    for when in (value,) if isinstance(value, When) else (value.first, value.last):
        if when.either_order and when.year is not None:
            one, other = datetime(when.year, when.month, when.day), datetime(when.year, when.day, when.month)  # noqa: DTZ001
            return f"{one.day} {one:%B %Y}", f"{other.day} {other:%B %Y}"
    return None


def _relation(sentence: Sentence, at: int) -> tuple[str, int]:
    """How a date is led in, and the position before the leading words."""
    left = at - 1
    while left >= 0 and is_filling(sentence.terms[left]) and sentence.terms[left].number is None:
        left -= 1
    if left < 0:
        return "", left
    lead = sentence.terms[left]
    beyond = sentence.terms[left - 1] if left else Term("", {})
    if lead.has("older") or lead.text == "than" and beyond.has("older"):
        return "older", left - 1
    word = lead.text.lower()
    if lead.has("to") and not lead.has("until") and beyond.has("when"):
        return "", left
    for relation in ("since", "until", "from", "before", "after"):
        if lead.has(relation):
            if relation == "since" and word in ("from", "starting", "beginning") and beyond.has("beginning"):
                left -= 1
            return relation, left - 1
    if lead.has("in") and word == "after":
        return "after", left - 1
    if lead.has("to") and not beyond.has("number"):
        return "until", left - 1
    return "", left


def _length_before(sentence: Sentence, at: int, relation: str) -> int | None:
    """The length in `two weeks from 1 May`, `the first two weeks of May`."""
    left = at
    while (
        left >= 0
        and is_filling(sentence.terms[left])
        and sentence.terms[left].number is None
        and at - left < 3
    ):
        left -= 1
    if left < 0 or not sentence.terms[left].has("length"):
        return None
    length = sentence.length(left)
    if length.as_history().days < 1 or length.minutes < 1_440 and not length.letter:
        return None
    lead = sentence.next_before(left)
    near = at - left
    if lead.has("in", "next") and not lead.has("ordinal") and relation not in ("before", "until"):
        return None
    return left if near <= 2 else None


def _is_source(sentence: Sentence, left: int, value: When | Range) -> bool:
    """`data from May` is the data of May; `from May` begins there."""
    if isinstance(value, Range):
        return True
    if value.kind == "day":
        return False
    if left < 0:
        return False
    return sentence.terms[left].has("data", "candle", "price", "only") and not sentence.terms[left].has(
        "since"
    )


def _is_verb(sentence: Sentence, at: int) -> bool:
    """`may` and `march` in small letters are months only where a month can stand."""
    if not sentence.terms[at].has("doubtful"):
        return False
    lead, beside = sentence.next_before(at), sentence.beside(at, -1)
    if lead.has(
        "in",
        "since",
        "from",
        "until",
        "last",
        "whole",
        "beginning",
        "mid",
        "end",
        "this",
        "data",
        "between",
        "to",
        "period",
        "only",
        "after",
        "before",
        "alldata",
        "and",
        "when",
        "range",
    ):
        return False
    follower = sentence.beside(at, 1)
    return not (
        beside.text in ("", ",", "(") and (follower.text in ("", ",", ".", ")") or follower.has("data"))
    )


def _is_year(sentence: Sentence, at: int) -> bool:
    follower = sentence.beside(at, 1)
    return not follower.has("unit", "bps", "percent", "bars", "candle") or follower.has("data")


def _join(periods: list[Period], now: datetime) -> list[Period]:
    """`since 1 May` and `until 1 July` are one period; `March and April` are one when they touch."""
    joined: list[Period] = []
    for period in periods:
        before = joined[-1] if joined else None
        if before is not None and before.end is None and before.start and period.start is None and period.end:
            joined[-1] = Period(
                before.start, period.end, f"{before.words} {period.words}", either_order=before.either_order
            )
        elif (
            before is not None
            and period.joined
            and before.start
            and before.end
            and period.start
            and period.end
            and (before.end == period.start or period.end == before.start)
        ):
            joined[-1] = Period(
                min(before.start, period.start),
                max(before.end, period.end),
                f"{before.words}, {period.words}",
            )
        else:
            joined.append(period)
    return joined
