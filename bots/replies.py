"""What people are told when they ask for something themselves: started, stopped, how it stands."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bots import messages
from bots.platform import Table
from bots.progress import Fact, fold
from bots.text import one_line
from storage.sessions import Answered

NOTHING_YET = 'There are no runs yet. Start one: omc analyze "will btc close higher in the next hour?"'
STATUSES = {
    "queued": "in the queue",
    "running": "at work",
    "awaiting_user": "waiting for an answer",
    "completed": "done",
    "failed": "failed",
    "cancelled": "stopped",
    "expired": "ended without an answer",
}


class Run(Protocol):
    """What a list shows of a session."""

    number: Any
    status: Any
    stage: Any
    goal: Any
    created_at: Any
    result: Any


def begun(number: int) -> str:
    return f"R-{number} is in the queue."


def answered(number: int, outcome: Answered) -> str:
    """What became of an answer."""
    run = f"R-{number}"
    if outcome.accepted:
        return f"{run} goes on with “{one_line(outcome.answer or '', 200)}”."
    if outcome.reason == "already_answered":
        return (
            f"{run}'s question was already answered, by {one_line(outcome.answered_by or 'someone', 60)}: "
            f"“{one_line(outcome.answer or '', 200)}”. The first answer counts."
        )
    return f"{run} asks nothing at the moment."


def cancelled(number: int, *, stopping: bool) -> str:
    return f"R-{number} is being stopped; what was done is kept." if stopping else f"R-{number} is stopped."


def standing(facts: Sequence[Fact], run: str) -> str:
    """How one run stands: its card, its open question, its end."""
    progress = fold(facts)
    card = messages.card(progress, run, datetime.now(UTC))
    parts = [messages.root(progress, run).text(), card.text(datetime.now(UTC))]
    for fact in (progress.question, progress.ending):
        if fact is not None:
            parts.append(messages.posted(fact, run, None).text())
    if progress.question is not None:
        parts.append(f"Answer it: omc answer {run} TEXT")
    return "\n\n".join(parts)


def finish(facts: Sequence[Fact], run: str) -> str | None:
    """The finish of a run, if it has one."""
    ending = fold(facts).ending
    if ending is None or ending.kind != "completed":
        return None
    return messages.posted(ending, run, None).text()


def unfinished(rows: Iterable[Run]) -> str:
    """The runs that are not done."""
    rows = list(rows)
    return _table(rows) if rows else "Nothing is running, queued or waiting for an answer."


def recent(rows: Iterable[Run]) -> str:
    """The newest runs."""
    rows = list(rows)
    return _table(rows) if rows else NOTHING_YET


def _table(rows: Sequence[Run]) -> str:
    return Table(
        columns=("Run", "Asked (UTC)", "State", "Goal"),
        right=(False, False, False, False),
        rows=tuple(
            (f"R-{row.number}", f"{row.created_at:%Y-%m-%d %H:%M}", _state(row), one_line(row.goal, 70))
            for row in rows
        ),
    ).text()


def _state(row: Run) -> str:
    verdict = ((row.result or {}).get("verdict") or {}).get("decision")
    if row.status == "completed" and verdict:
        return one_line(str(verdict).replace("_", " "), 40)
    stage = messages.STAGE_NAMES.get(str(row.stage), "")
    if row.status == "running" and stage:
        return f"{STATUSES[row.status]}: {stage}"
    return STATUSES[str(row.status)]
