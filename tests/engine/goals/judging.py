"""The goals of `rounds/`: what each must come to, and why a reading misses it.

A line has a goal, its kind, the earlier goal it replies to (`after`), the prices there are (`held`), and one of
`run` (slots that must hold), `ask` (what a question must be about) or `refuse`; `or` lists other fair outcomes.
Each file was written before the code had read it; what missed was then mended by the grammar.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.goals import Ask, Coverage, Outcome, Refuse, Run, Spec, follow, read
from engine.goals.spec import span_text

ROUNDS = Path(__file__).parent / "rounds"
_TASKS = {"direction": "classification", "return": "regression", "volatility": "regression"}


@dataclass(frozen=True)
class Held:
    """Prices there are, and the moment of asking."""

    coins: str
    first: str
    now: str

    @property
    def moment(self) -> datetime:
        """The moment of asking."""
        return _moment(self.now)

    @property
    def coverage(self) -> dict[str, Coverage]:
        """The span of every coin."""
        return {coin: Coverage(_moment(self.first), self.moment) for coin in self.coins.split()}


HELD = {
    "eight": Held("ada btc doge eth link ltc sol xrp", "2022-08-01", "2023-09-27"),
    "three": Held("btc eth xrp", "2023-06-01", "2023-09-01"),
    "wide": Held("avax bnb btc dot eth matic near shib sol trx uni xlm", "2021-01-01", "2024-05-16T09:35"),
}


@dataclass(frozen=True)
class Goal:
    """One line of a round."""

    name: str
    kind: str
    goal: str
    after: str | None = None
    held: str = "eight"
    run: dict[str, Any] | None = None
    ask: str | None = None
    refuse: bool = False
    others: tuple[str, ...] = field(default=())


def goals() -> list[Goal]:
    """Every goal of every round."""
    found = []
    for path in sorted(ROUNDS.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            written = json.loads(line)
            others = tuple(written.pop("or", ()))
            found.append(Goal(f"{path.stem}-{number}", others=others, **written))
    return found


def answer(goal: Goal) -> Outcome:
    """Read a goal, after the one it replies to."""
    held = HELD[goal.held]
    now, coverage = held.moment, held.coverage
    if goal.after is None:
        return read(goal.goal, now=now, coverage=coverage)
    before = read(goal.after, now=now, coverage=coverage)
    return follow(goal.goal, before, now=now, coverage=coverage)


def misses(goal: Goal, outcome: Outcome) -> list[str]:
    """What is wrong with a reading; nothing when it is right."""
    now = HELD[goal.held].moment
    match outcome:
        case Run(spec=spec) if goal.run is not None:
            return _slots(goal.run, spec, now)
        case Ask(about=about) if goal.ask is not None:
            return [] if about in goal.ask.split("|") else [f"asked about {about}, expected {goal.ask}"]
        case Refuse() if goal.refuse:
            return []
    found = outcome.as_dict()["outcome"]
    if found in goal.others:
        return []
    about = f" about {outcome.about}: {outcome.question}" if isinstance(outcome, Ask) else ""
    return [f"outcome {found}{about}"]


def _slots(want: dict[str, Any], spec: Spec, now: datetime) -> list[str]:
    found = _found(spec)
    wrong = [f"{slot} {found[slot]}, expected {want[slot]}" for slot in _EXACT if _differs(slot, want, found)]
    target = want.get("target")
    task = want.get("task") or _TASKS.get(target or "")
    if task and spec.task != task:
        wrong.append(f"task {spec.task}, expected {task}")
    for slot, had in (("models", spec.models), ("indicators", spec.indicators), ("warns", spec.warnings)):
        named = [want["warns"]] if slot == "warns" and "warns" in want else want.get(slot, [])
        if slot == "indicators":
            lost = [n for n in named if not any(h == n or h.startswith(f"{n}_") for h in had)]
        else:
            lost = [name for name in named if name not in had]
        if lost:
            wrong.append(f"{slot} {list(had)}, without {lost}")
    kept = [name for name in want.get("not_models", []) if name in spec.models]
    kept += [
        name for name in want.get("not_indicators", []) if any(h.startswith(name) for h in spec.indicators)
    ]
    if kept:
        wrong.append(f"{kept} not left out")
    if "no_warning" in want and want["no_warning"] in spec.warnings:
        wrong.append(f"warns of {want['no_warning']}")
    for edge in ("start", "end"):
        if edge in want:
            moment = getattr(spec, edge)
            if moment is None or abs(moment - _moment(want[edge])) > timedelta(days=1):
                wrong.append(f"{edge} {moment:%Y-%m-%d}, expected {want[edge]}")
    if ("start" in want or "days" in want) and "end" not in want:
        if spec.end is None or abs(now - spec.end) > timedelta(days=2):
            wrong.append(f"ends {spec.end:%Y-%m-%d}, expected now")
    if "days" in want and abs((spec.period_days or 0) - want["days"]) > 0.03 * want["days"]:
        wrong.append(f"{spec.period_days} days, expected {want['days']}")
    return wrong


_EXACT = ("coins", "drivers", "target", "horizon", "horizons", "interval", "costs_bps", "metric", "focus")


def _found(spec: Spec) -> dict[str, Any]:
    return {
        "coins": sorted(spec.coins),
        "drivers": sorted(spec.driver_coins),
        "target": spec.target,
        "horizon": span_text(spec.horizons[0]) if spec.horizons else None,
        "horizons": [span_text(minutes) for minutes in spec.horizons],
        "interval": span_text(spec.interval_minutes) if spec.interval_minutes else None,
        "costs_bps": spec.costs_bps,
        "metric": spec.metric,
        "focus": spec.focus,
    }


def _differs(slot: str, want: dict[str, Any], found: dict[str, Any]) -> bool:
    return slot in want and found[slot] != want[slot]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
