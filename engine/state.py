"""What the graph remembers between steps: words, numbers and handles. Frames and models are artifacts."""

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict


def merge(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    """Later entries win; entries of other stages stay."""
    return {**(old or {}), **(new or {})}


class Finding(TypedDict):
    """What a stage found: one sentence for the thread and the handles that the next stages need."""

    summary: str
    handles: NotRequired[dict[str, str]]
    facts: NotRequired[dict[str, Any]]
    by: NotRequired[str]  # whose words the summary is in
    note: NotRequired[str]  # what the report says of how the stage was done


class Question(TypedDict):
    """Something only the asker can decide, with the choices there are and the one that is recommended."""

    question: str
    choices: NotRequired[list[str]]
    recommended: NotRequired[str]
    about: NotRequired[str]


class AgentState(TypedDict, total=False):
    """State maintained throughout the workflow. All of it is plain JSON."""

    session_id: str
    user_id: str
    goal: str
    preferences: dict[str, Any]
    current_step: str
    spec: dict[str, Any]
    findings: Annotated[dict[str, Any], merge]
    answers: Annotated[dict[str, Any], merge]
    clarification: dict[str, Any] | None
    proposal: dict[str, Any]  # what a model made of the goal
    thinking: Annotated[dict[str, str], merge]  # what the run knows of its model: primary_down, offline
