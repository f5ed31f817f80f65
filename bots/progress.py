"""Where a session stands, folded from its events: the facts behind the card, without a word of wording."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

State = Literal["queued", "running", "waiting", "stopping", "completed", "failed", "cancelled", "expired"]
StageState = Literal["running", "done", "waiting", "failed", "stopped"]


@dataclass(frozen=True)
class Fact:
    """One event of a session, as much of it as a reader needs."""

    seq: int
    kind: str
    payload: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Stage:
    """How far one stage has come."""

    name: str
    state: StageState
    started_at: datetime
    step: int = 0
    steps: int = 0
    label: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    summary: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    """A session as its thread sees it."""

    number: int = 0
    goal: str = ""
    asked_by: str = ""
    follows: str = ""
    schedule: str = ""  # the name of the schedule that asked
    state: State = "queued"
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    title: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    question: Fact | None = None
    usage: dict[str, Any] = field(default_factory=dict)  # what its language model has cost so far
    interruption: Fact | None = None  # a worker was lost or stopped, and nothing has advanced since
    ending: Fact | None = None
    seq: int = 0


def fold(facts: Iterable[Fact]) -> Progress:
    """Where a session stands after `facts`, which are in order. Unknown kinds change nothing."""
    progress = Progress()
    for fact in facts:
        progress = replace(_after(progress, fact), seq=fact.seq)
    return progress


def _after(progress: Progress, fact: Fact) -> Progress:
    said = fact.payload
    match fact.kind:
        case "opened":
            return replace(
                progress,
                number=int(said.get("number", 0)),
                goal=str(said.get("goal", "")),
                asked_by=str(said.get("asked_by", "")),
                follows=str(said.get("follows", "")),
                schedule=str(said.get("schedule", "")),
                opened_at=fact.at,
            )
        case "planned":
            notes = (*said.get("warnings", ()), *said.get("notes", ()))
            planned = replace(
                progress,
                state=_at_work(progress),
                title=str(said.get("title", "")),
                spec=dict(said.get("spec") or {}),
                usage={"estimate": said["estimate"], **progress.usage}
                if said.get("estimate")
                else progress.usage,
                notes=(*progress.notes, *map(str, notes)),
            )
            return _set_stage(planned, "planning", fact, state="done")
        case "stage_started":
            return _started(progress, fact)
        case "progress":
            return _set_stage(
                replace(progress, state=_at_work(progress), interruption=None),
                str(said.get("stage", "")),
                fact,
                state="running",
                label=str(said.get("label", "")),
                unit=str(said.get("unit", "")),
                done=int(said.get("done", 0)),
                total=int(said.get("total", 0)),
            )
        case "stage_done":
            return _set_stage(
                replace(progress, interruption=None),
                str(said.get("stage", "")),
                fact,
                state="done",
                summary=str(said.get("summary", "")),
                seconds=said.get("seconds"),
            )
        case "question":
            stage = str(said.get("stage", "")) or "planning"
            return _set_stage(
                replace(progress, state="waiting", question=fact, interruption=None),
                stage,
                fact,
                state="waiting",
            )
        case "answered":
            stage = str(said.get("stage", "")) or "planning"
            return _set_stage(replace(progress, state="queued", question=None), stage, fact, state="running")
        case "resumed" | "requeued":
            return replace(
                progress, state="running" if fact.kind == "resumed" else "queued", interruption=fact
            )
        case "usage":
            return replace(progress, usage={**progress.usage, **said})
        case "goal_changed":
            return replace(progress, goal=str(said.get("goal", progress.goal)))
        case "continued":
            return replace(progress, state="queued", ending=None, ended_at=None, question=None)
        case "stopping":
            return replace(progress, state="stopping")
        case "completed" | "failed" | "cancelled" | "expired":
            return _ended(progress, fact)
        case _:
            return progress


def _started(progress: Progress, fact: Fact) -> Progress:
    said = fact.payload
    return _set_stage(
        replace(progress, state=_at_work(progress), interruption=None),
        str(said.get("stage", "")),
        fact,
        state="running",
        step=int(said.get("step", 0)),
        steps=int(said.get("steps", 0)),
    )


def _at_work(progress: Progress) -> State:
    return "stopping" if progress.state == "stopping" else "running"


def _ended(progress: Progress, fact: Fact) -> Progress:
    state: State = fact.kind  # type: ignore[assignment]
    left: StageState = {"completed": "done", "failed": "failed"}.get(fact.kind, "stopped")  # type: ignore[assignment]
    stages = tuple(
        stage if stage.state == "done" else replace(stage, state=left, seconds=_seconds(stage, fact))
        for stage in progress.stages
    )
    return replace(
        progress,
        state=state,
        stages=stages,
        question=None,
        interruption=None,
        ending=fact,
        ended_at=fact.at,
    )


def _set_stage(progress: Progress, name: str, fact: Fact, **changes: Any) -> Progress:
    """The stage with its changes; a stage that was not seen before begins now."""
    stages = {stage.name: stage for stage in progress.stages}
    known = stages.get(name)
    stage = known or Stage(name, "running", fact.at)
    if fact.kind == "stage_started" and stage.state == "done":
        stage = Stage(name, "running", fact.at)
    if fact.kind == "answered":  # the time people think is not the stage's
        stage = replace(stage, started_at=fact.at)
    stage = replace(stage, **changes)
    if known and stage.state == "done" and stage.seconds is None:
        stage = replace(stage, seconds=_seconds(stage, fact))
    stages[name] = stage
    return replace(progress, stages=tuple(stages.values()))


def _seconds(stage: Stage, fact: Fact) -> float:
    return max(0.0, (fact.at - stage.started_at).total_seconds())
