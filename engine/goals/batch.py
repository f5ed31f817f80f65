"""Many goals at once: one JSON line in, one answer out, threads included."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.goals.outcome import Ask, Coverage, Outcome, Run
from engine.goals.reading import read
from engine.goals.spec import BAR_MINUTES

_BAR = timedelta(minutes=BAR_MINUTES)
_UNKNOWN_HISTORY = timedelta(days=730)  # taken for a coin of which only the name is given


def answer_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer each line of a JSON Lines file: {id, goal, now?, after?, coverage?, available_coins?}.

    `after` is the id of an earlier line of the same thread. Yields {id, outcome, spec, asked_about, ...}.
    Raises ValueError, naming the line, where one is no such object.
    """
    answered: dict[str, Outcome] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            goal = asked["goal"]
            now = _moment(asked["now"]) if asked.get("now") else datetime.now(UTC)
            coverage = _coverage(asked, now)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ValueError(
                f"line {number} is no goal in JSON with the keys id and goal: {fault}"
            ) from fault
        before = answered.get(asked["after"]) if asked.get("after") else None
        outcome = read(
            str(goal),
            now=now,
            coverage=coverage,
            after=before.spec
            if isinstance(before, Run)
            else before.draft
            if isinstance(before, Ask)
            else None,
            after_question=before if isinstance(before, Ask) else None,
        )
        if asked.get("id") is not None:
            answered[asked["id"]] = outcome
        yield {"id": asked.get("id"), **_answer(outcome)}


def _answer(outcome: Outcome) -> dict[str, Any]:
    written = outcome.as_dict()
    spec = written.pop("draft", None) or written.pop("spec", None)
    asked = [outcome.about] if isinstance(outcome, Ask) else []
    return {**written, "spec": spec, "asked_about": asked}


def _coverage(asked: dict[str, Any], now: datetime) -> dict[str, Coverage]:
    """What the line says is held; the end of the last candle is not after now."""
    given = asked.get("coverage") or {}
    held = {
        coin.lower(): Coverage(_moment(first), min(_moment(last) + _BAR, max(now, _moment(last))))
        for coin, (first, last) in given.items()
    }
    for coin in asked.get("available_coins") or []:
        held.setdefault(coin.lower(), Coverage(now - _UNKNOWN_HISTORY, now))
    return held


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
