"""Dates in figures: 2023-05-01, 01.05.2023, 05/2023, and the order of day and month they leave open."""

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, datetime

from engine.goals.lexicon import Term
from engine.goals.when import When


def read_figures(terms: list[Term], *, day_first: bool) -> list[Term]:
    """Turn dates in figures into `when`; another date of the goal may settle which number is the day."""
    order = _figures_order(terms)
    return [_read_figures(term, order, day_first) for term in terms]


def _figures_order(terms: list[Term]) -> bool | None:
    """Whether some date in figures settles that the day (True) or the month (False) comes first."""
    for term in terms:
        if term.has("figures", "daymonth"):
            first, second = _parts(term)[:2]
            if first > 12 or (term.has("daymonth") and "." in term.text):
                return True
            if second > 12:
                return False
    return None


def _parts(term: Term) -> list[int]:
    return [int(p) for p in term.text.replace("/", ".").replace("-", ".").rstrip(".").split(".")]


def _read_figures(term: Term, order: bool | None, day_first: bool) -> Term:
    kind = next((k for k in ("iso", "figures", "yearmonth", "monthyear") if k in term.tags), None)
    if term.has("daymonth") and "." in term.text:
        day, month = _parts(term)
        return dated(When("day", None, month=month, day=day), term) if month <= 12 else term
    if kind is None:
        return term
    if kind == "iso":
        return _read_iso(term)
    if kind == "yearmonth":
        year, month = _parts(term)
        return dated(When("month", year, month=month), term)
    if kind == "monthyear":
        month, year = _parts(term)
        return dated(When("month", year, month=month), term)
    first, second, year = _parts(term)
    year += 2000 if year < 100 else 0
    unclear = order is None and first != second and not day_first and "." not in term.text
    day, month = (first, second) if (order if order is not None else True) else (second, first)
    if first > 12 >= second:
        day, month = first, second
    elif second > 12 >= first:
        day, month = second, first
    if month > 12 or day > monthrange(year, month)[1]:
        return term
    return dated(When("day", year, month=month, day=day, either_order=unclear), term)


def _read_iso(term: Term) -> Term:
    text = term.text.replace("/", "-").replace(".", "-", 2) if "T" not in term.text else term.text
    head, _, clock = text.replace("T", " ").partition(" ")
    year, month, day = (int(p) for p in head.replace("/", "-").replace(".", "-").split("-"))
    if day > monthrange(year, month)[1]:
        return term
    when = When("day", year, month=month, day=day)
    if clock:
        try:
            at = datetime.fromisoformat(f"{year}-{month:02}-{day:02}T{clock.replace('Z', '+00:00')}")
        except ValueError:
            return dated(when, term)
        when = replace(when, instant=at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC))
    return dated(when, term)


def dated(when: When, term: Term | None = None) -> Term:
    """Return a term for a piece of the calendar, in place of another one."""
    if term is None:
        return Term("", {"when": ""}, value=when)
    return Term(term.text, {"when": ""}, term.glued, token=term.token, value=when)
