"""What earlier runs found for goals like this one, so that nobody tries the same thing twice without knowing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine import speech
from engine.speech import say
from engine.work import Work
from storage import sessions

MOST = 3
WORDS = {"edge": "an edge", "no_edge": "no edge", "not_enough_data": "not enough data"}
# What makes two goals differ, in the order in which it is said.
PARTS = {
    "horizon": "horizon",
    "interval": "candles",
    "start": "from",
    "end": "until",
    "models": "models",
    "indicators": "indicators",
    "driver_coins": "drivers",
    "costs_bps": "costs",
}


@dataclass(frozen=True)
class Remembered:
    """A finished run of a goal like this one."""

    run: str
    finished_at: datetime
    spec: Mapping[str, Any]
    verdict: Mapping[str, Any]

    def sentence(self, spec: Mapping[str, Any]) -> str:
        """What it found, what helped most, and what is different now."""
        p = self.verdict.get("p_value")
        found = say(WORDS.get(str(self.verdict.get("decision")), "no verdict"))
        chance = say(", p {p:.2f}", p=p) if p is not None else ""
        best = (
            say(" (best: {model})", model=self.verdict["best_model"])
            if self.verdict.get("best_model")
            else ""
        )
        return say(
            "Already tried on {day} ({run}): {found}; {difference}.",
            day=speech.day(self.finished_at),
            run=self.run,
            found=f"{found}{chance}{best}",
            difference=_difference(self.spec, spec),
        )


def recall(work: Work, spec: Mapping[str, Any]) -> list[Remembered]:
    """Finished runs of this workspace about the same coins and target, the most alike and newest first."""
    if not spec.get("target"):
        return []
    with work.database.begin() as db:
        rows = sessions.finished(db, work.assignment.workspace, str(spec["target"]), spec.get("coins") or [])
    found = []
    for row in rows:
        verdict = (row.result or {}).get("verdict")
        if row.spec and row.finished_at and verdict:
            found.append(Remembered(f"R-{row.number}", row.finished_at, row.spec, verdict))
    found.sort(key=lambda one: (_likeness(one.spec, spec), one.finished_at), reverse=True)
    return found[:MOST]


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    same_coins = set(one.get("coins") or ()) == set(other.get("coins") or ())
    return 10 * int(same_coins) + sum(int(one.get(part) == other.get(part)) for part in PARTS)


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    parts = []
    if set(then.get("coins") or ()) != set(now.get("coins") or ()):
        parts.append(_changed("coins", then.get("coins"), now.get("coins")))
    for part, word in PARTS.items():
        if then.get(part) != now.get(part) and not (part == "end" and then.get("start") != now.get("start")):
            parts.append(_changed(word, then.get(part), now.get(part)))
    if not parts:
        return say("nothing differs now but the date")
    if len(parts) > 3:
        return say("what differs now: {parts} and {n} more", parts="; ".join(parts[:3]), n=len(parts) - 3)
    return say("what differs now: {parts}", parts="; ".join(parts))


def _changed(word: str, then: Any, now: Any) -> str:
    return say("{what} {now} (then {then})", what=say(word), now=_said(now), then=_said(then))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or say("none")
    if isinstance(value, float):
        return speech.figures(f"{value:g}")
    text = str(value) if value is not None else say("none")
    return speech.date(datetime.fromisoformat(text)) if "T" in text and text[:4].isdigit() else text
