"""What an agent is told of its session, and how its conversation is shown to a language model."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from engine.llm.offline import Call
from engine.untrusted import clean, fence

GOAL_CHARACTERS = 4_000
ANSWER_CHARACTERS = 2_000
SUMMARY_CHARACTERS = 600
RESULT_CHARACTERS = 2_600
# For the thread in its language: a model has the same in `summary`.
UNTOLD = frozenset({"said"})
FACT_CHARACTERS = 700
SPEC = (
    "coins", "driver_coins", "task", "target", "horizon", "horizons", "interval", "start", "end", "period_days",
    "models", "indicators", "costs_bps", "costs_stated", "metric", "warnings", "stated",
)  # fmt: skip


def brief(stage: str, state: Any, first: Call | None) -> str:
    """The opening message of a stage: the goal, the plan, what earlier stages found, and the first planned step."""
    spec = {name: state["spec"].get(name) for name in SPEC if state["spec"].get(name) not in (None, [], "")}
    parts = [
        f"Stage: {stage.replace('_', ' ')}",
        fence("goal", state["goal"], GOAL_CHARACTERS),
        f"Plan: {json.dumps(spec, separators=(',', ':'))}",
    ]
    for name, found in (state.get("findings") or {}).items():
        parts.append(fence(f"found_{name}", found["summary"], SUMMARY_CHARACTERS))
        handles = found.get("handles") or {}
        if handles and not any(key.startswith("forecasts_") for key in handles):
            parts.append(f"Handles: {json.dumps(handles, separators=(',', ':'))}")
    if first is not None:
        parts.append(
            f"First planned step: {first.tool}({json.dumps(first.args, default=str)[:FACT_CHARACTERS]})"
        )
    return "\n".join(parts)


def with_remarks(said: str, words: Sequence[str]) -> str:
    """An opening message with what the person added while the run was at work."""
    return "\n".join([said, *(fence("added", text, ANSWER_CHARACTERS) for text in words)])


def answer(text: str) -> str:
    """A person's reply to a question."""
    return fence("answer", text, ANSWER_CHARACTERS)


def conversation(messages: Sequence[AnyMessage]) -> list[BaseMessage]:
    """The conversation as a model may see it: results fenced, cleaned and shortened."""
    shown: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            result = fence("result", _compact(str(message.content)), RESULT_CHARACTERS)
            shown.append(ToolMessage(result, tool_call_id=message.tool_call_id, name=message.name))
        elif isinstance(message, AIMessage):
            shown.append(AIMessage(message.content, tool_calls=message.tool_calls))
        else:
            shown.append(HumanMessage(message.content))
    return shown


def nudge(why: str, said: str = "") -> HumanMessage:
    """What a model is told when its answer was of no use."""
    quoted = f"\n{fence('your_answer', said, SUMMARY_CHARACTERS)}" if said else ""
    return HumanMessage(
        f"That could not be used: {clean(why, 400)}{quoted}\nUse one of your tools, or end with Conclusion or Question."
    )


def _compact(result: str) -> str:
    """Figures with six digits: a model needs no more, and each one costs."""
    try:
        found = json.loads(result)
        if isinstance(found, dict):
            found.pop("said", None)  # the summary once more, with its values apart
        return json.dumps(_rounded(found), separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return result


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.6g}")
        case dict():
            return {key: _rounded(inner) for key, inner in value.items()}
        case list():
            return [_rounded(inner) for inner in value]
        case _:
            return value
