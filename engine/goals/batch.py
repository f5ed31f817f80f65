"""Many goals at once: one JSON line in, one answer out, threads included."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.goals.outcome import Ask, Coverage, Outcome
from engine.goals.reading import follow, read
from engine.goals.spec import BAR_MINUTES

_BAR = timedelta(minutes=BAR_MINUTES)
_UNKNOWN_HISTORY = timedelta(days=3_650)  # taken for a coin of which only the name is given


class BadLine(ValueError):
    """A line that is no goal; the message says what is wrong with it."""


@dataclass
class Batch:
    """The goals of one file, answered in order; a reply finds the goal it replies to among the earlier ones."""

    answered: dict[str, Outcome] = field(default_factory=dict)

    def answer(self, line: str) -> dict[str, Any]:
        """Answer {id, goal, now?, after?, coverage?, available_coins?} with {id, outcome, spec, asked_about, ...}.

        `after` is the id of an earlier line of the same thread, or the words of the earlier goal.
        Raises BadLine where the line is no such object.
        """
        try:
            asked = json.loads(line)
            goal = str(asked["goal"])
            now = _moment(asked["now"]) if asked.get("now") else datetime.now(UTC)
            held = _coverage(asked, now)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise BadLine(f"no goal in JSON with the keys id and goal: {fault}") from fault
        before = self._before(asked.get("after"), now, held)
        outcome = (
            follow(goal, before, now=now, coverage=held) if before else read(goal, now=now, coverage=held)
        )
        if asked.get("id") is not None:
            self.answered[str(asked["id"])] = outcome
        return {"id": asked.get("id"), **_answer(outcome)}

    def _before(self, after: object, now: datetime, held: Mapping[str, Coverage]) -> Outcome | None:
        if not after:
            return None
        return self.answered.get(str(after)) or read(str(after), now=now, coverage=held)


def answer_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer each line that is not empty. Raises BadLine at the first that is no goal."""
    batch = Batch()
    for line in lines:
        if line.strip():
            yield batch.answer(line)


def _answer(outcome: Outcome) -> dict[str, Any]:
    written = outcome.as_dict()
    spec = written.pop("draft", None) or written.pop("spec", None)
    asked = [outcome.about] if isinstance(outcome, Ask) else []
    return {**written, "spec": spec, "asked_about": asked}


def _coverage(asked: dict[str, Any], now: datetime) -> dict[str, Coverage]:
    """What the line says is held; the end of the last candle is not after now."""
    given = asked.get("coverage") or {}
    held = {
        str(coin).lower(): Coverage(_moment(first), min(_moment(last) + _BAR, max(now, _moment(last))))
        for coin, (first, last) in given.items()
    }
    named = asked.get("available_coins")
    if named is None:
        return held
    wanted = {str(coin).lower() for coin in named}
    return {coin: held.get(coin) or Coverage(now - _UNKNOWN_HISTORY, now) for coin in sorted(wanted)}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
