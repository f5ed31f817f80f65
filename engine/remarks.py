"""What people say while a run is at work: taken up by the next stage where it still can be, else left for afterwards."""

from dataclasses import dataclass
from typing import Any

from engine import planning
from engine.goals import Run, Spec
from engine.work import Work
from storage import events, remarks, sessions

# What a change of the plan may touch before these stages begin; what is not here is settled with the plan.
STILL_OPEN: dict[str, frozenset[str]] = {
    "feature_engineering": frozenset({"indicators", "models", "costs_bps", "metric"}),
    "data_analysis": frozenset({"indicators", "models", "costs_bps", "metric"}),
    "data_retrieval": frozenset({"indicators", "models", "costs_bps", "metric"}),
    "model_training": frozenset({"models", "costs_bps", "metric"}),
    "model_evaluation": frozenset({"costs_bps", "metric"}),
}
# These follow from the others, or only say where a value comes from.
TOLD = frozenset({"reasons", "stated", "costs_stated", "warnings", "language"})


@dataclass(frozen=True)
class Taken:
    """What a stage takes up: the words, and the plan as they change it (None: it stays)."""

    words: tuple[str, ...]
    spec: dict[str, Any] | None


def take_up(work: Work, stage: str, spec: dict[str, Any]) -> Taken:
    """Take up what was said since the last stage, as far as this one still can; the thread hears of it.

    Raises LeaseLost.
    """
    with work.database.begin() as db:
        waiting = [(remark.id, remark.content) for remark in remarks.kept(db, work.lease.session_id)]
    if not waiting:
        return Taken((), None)
    held = planning.held_prices(work)
    used, changed = [], spec
    for remark_id, text in waiting:
        after = changed_by(text, changed, held, STILL_OPEN.get(stage, frozenset()))
        if after is not None:
            used.append((remark_id, text))
            changed = after
    with work.database.begin() as db:
        row = sessions.held(db, work.lease)
        for remark in remarks.kept(db, work.lease.session_id):
            if (remark.id, remark.content) not in used:  # left for later, or edited meanwhile
                continue
            remarks.use(remark, stage)
            payload = {"text": remark.content, "stage": stage, "applied": True}
            events.append(db, row.id, f"remark:{remark.id}", "remark", payload)
        if used:
            row.spec = changed
    return Taken(tuple(text for _, text in used), changed if used else None)


def changed_by(
    text: str, spec: dict[str, Any], held: Any, still_open: frozenset[str]
) -> dict[str, Any] | None:
    """The plan as `text` changes it; None when it says nothing, or something that is settled already."""
    outcome = planning.read_goal(text, held, after=spec)
    if not isinstance(outcome, Run):
        return None
    after = outcome.spec.as_dict()
    before = Spec.from_dict(spec).as_dict()
    differing = {name for name in after if after[name] != before.get(name)} - TOLD
    if not differing or not differing <= still_open:
        return None
    return after
