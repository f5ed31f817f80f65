"""The planning node: a sentence becomes a typed spec, or a question, or a refusal with its reason."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.runtime import Runtime

from engine import goals
from engine.errors import Refused
from engine.goals import Ask, Coverage, Refuse, Run, Spec
from engine.state import AgentState
from engine.work import Work
from storage import prices

STALE_AFTER = timedelta(days=1)


def plan(state: AgentState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Read the goal against the prices there are. Raises Refused."""
    work = runtime.context
    work.enter("planning")
    held = held_prices(work)
    answers = [(a["about"], a["text"]) for a in (state.get("answers") or {}).get("planning", [])]
    assignment = work.assignment
    reading = read_goal(
        state["goal"], held, after=assignment.follows, preferences=state["preferences"], answers=answers
    )
    match reading:
        case Refuse(reason=reason, hint=hint):
            raise Refused(reason, hint, no_data=not held)
        case Ask():
            asked = {
                "stage": "planning",
                "about": reading.about,
                "question": reading.question,
                "choices": list(reading.choices),
                "recommended": reading.recommended,
            }
            return {"clarification": asked, "current_step": "planning"}
        case Run(spec=spec):
            written = spec.as_dict()
            work.enter("planning", spec=written)
            payload = {
                "spec": written,
                "reasons": dict(spec.reasons),
                "notes": _staleness(held, spec.coins),
            }
            work.tell("planned", "planned", payload)
            return {"spec": written, "clarification": None, "current_step": "planning"}


def read_goal(
    goal: str,
    held: Mapping[str, Coverage],
    *,
    after: dict[str, Any] | None = None,
    preferences: dict[str, Any] | None = None,
    answers: list[tuple[str, str]] | None = None,
) -> Run | Ask | Refuse:
    """Read a goal at the end of the newest bar held: first of any coin, then of the coins it names."""

    def read(now: datetime) -> Run | Ask | Refuse:
        return goals.read(
            goal,
            now=now,
            coverage=held,
            after=Spec.from_dict(after) if after else None,
            preferences=preferences,
            answers=answers or (),
        )

    newest = max((coverage.end for coverage in held.values()), default=datetime.now(UTC))
    reading = read(newest)
    if isinstance(reading, Run):
        ends = [held[coin].end for coin in (*reading.spec.coins, *reading.spec.driver_coins) if coin in held]
        if ends and min(ends) < newest:
            return read(min(ends))
    return reading


def held_prices(work: Work) -> dict[str, Coverage]:
    """What is held of each coin in its default series."""
    with work.database.begin() as db:
        connection = db.connection()
        rows = prices.coverage(connection)
        chosen = {coin: prices.default_series(connection, [coin]) for coin in {row.coin for row in rows}}
    return {row.coin: Coverage(row.start, row.end) for row in rows if chosen[row.coin] == row.series}


def _staleness(held: Mapping[str, Coverage], coins: tuple[str, ...]) -> list[str]:
    """A sentence when the newest prices are more than a day behind the clock."""
    newest = min((held[coin].end for coin in coins if coin in held), default=None)
    if newest is None or datetime.now(UTC) - newest <= STALE_AFTER:
        return []
    days = (datetime.now(UTC) - newest).days
    return [
        f"The newest price is {days:,} days old ({newest:%Y-%m-%d %H:%M} UTC): "
        f"“now” means that moment throughout this run."
    ]
