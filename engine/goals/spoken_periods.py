"""Periods named from now: yesterday, this month, since the start of the year, all there is."""

from datetime import datetime, timedelta

from engine.goals.period import Period
from engine.goals.sentence import Sentence, is_filling
from engine.goals.when import DAY, When, add_months


def spoken(sentence: Sentence, at: int, now: datetime) -> Period | None:
    """Periods named from now: yesterday, this month, the previous quarter, all there is."""
    term = sentence.terms[at]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    words = sentence.words(at, at)
    lead = sentence.next_before(at)
    follower = sentence.beside(at, 1)
    if term.has("alldata"):
        return Period(None, None, words, whole=True)
    if term.has("ytd") and not (follower.has("ahead")):
        return Period(midnight.replace(month=1, day=1), now, words)
    if term.has("yesterday"):
        start = midnight - DAY if now != midnight else midnight - DAY
        return Period(start, None if lead.has("since", "from") else start + DAY, words)
    if term.has("today") and (
        lead.has("since", "from") or sentence.has("look") and not follower.has("possessive")
    ):
        return Period(midnight - (DAY if now == midnight else timedelta(0)), now, words)
    if term.has("weekday") and (lead.has("since", "from", "last") or sentence.beside(at, -1).has("last")):
        days = (now.weekday() - int(term.tags["weekday"])) % 7 or 7
        start = midnight - days * DAY
        return Period(start, None if sentence.has("since") else start + DAY, words)
    if term.has("season") and (
        lead.has("in", "last", "this", "since", "from", "whole") or sentence.beside(at, -1).has("this")
    ):
        start, end = When("season", index=int(term.tags["season"])).span(now)
        return Period(start, None if lead.has("since") else end, words)
    if (
        term.has("this")
        and follower.has("unit")
        and len(follower.text) > 2
        and not lead.has("in")
        or (term.has("this") and follower.has("unit") and sentence.has("data", "since", "look"))
    ):
        return _since_unit_began(follower.tags["unit"], midnight, now, sentence.words(at, at + 1))
    if term.has("last") and term.text.lower() in ("previous", "prior", "preceding") and follower.has("unit"):
        return _unit_before(follower.tags["unit"], midnight, sentence.words(at, at + 1))
    return None


def since_beginning(sentence: Sentence, at: int, now: datetime) -> Period | None:
    """`since the start of the year`, `from the beginning of this month`: the unit that runs now."""
    lead = sentence.next_before(at)
    if not (lead.has("since", "from", "after") or sentence.terms[at].has("since")):
        return None
    for position in range(at + 1, min(at + 5, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("unit") and not term.has("length"):
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            period = _since_unit_began(term.tags["unit"], midnight, now, sentence.words(at, position))
            if period is not None:
                term.tags = {"used": ""}
            return period
        if not (is_filling(term) or term.has("this")):
            return None
    return None


def _unit_began(unit: str, midnight: datetime) -> datetime | None:
    match unit:
        case "week":
            return midnight - midnight.weekday() * DAY
        case "month":
            return midnight.replace(day=1)
        case "quarter":
            return midnight.replace(month=midnight.month - (midnight.month - 1) % 3, day=1)
        case "year":
            return midnight.replace(month=1, day=1)
    return None


def _since_unit_began(unit: str, midnight: datetime, now: datetime, words: str) -> Period | None:
    start = _unit_began(unit, midnight)
    return Period(start, now, words) if start is not None and start < now else None


def _unit_before(unit: str, midnight: datetime, words: str) -> Period | None:
    end = _unit_began(unit, midnight)
    if end is None:
        return None
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    return Period(add_months(end, -months) if months else end - 7 * DAY, end, words)
