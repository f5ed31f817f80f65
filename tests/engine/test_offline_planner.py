"""The offline planner: replays a policy against the conversation and goes on wherever that stands."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from engine.llm.offline import Brief, Call, CallFailed, OfflinePlanner, next_call

BRIEF = Brief(goal="count", spec={}, findings={}, answers=[])


def count(brief: Brief) -> Generator[Call, Any, Call]:
    first = yield Call("add", {"a": 1, "b": 2})
    second = yield Call("add", {"a": first["sum"], "b": 10})
    return Call("Finding", {"summary": f"the sum is {second['sum']}"})


def twice(brief: Brief) -> Generator[Call, Any, Call]:
    one = yield Call("draw")
    two = yield Call("draw")
    return Call("Finding", {"summary": f"{one} then {two}"})


def careful(brief: Brief) -> Generator[Call, Any, Call]:
    try:
        yield Call("add", {"a": "x"})
    except CallFailed as error:
        return Call("Finding", {"summary": f"could not: {error}"})
    return Call("Finding", {"summary": "fine"})


def turn(call: Call, result: Any, number: int, *, error: bool = False) -> list[BaseMessage]:
    name = f"any_{number}"
    content = result if isinstance(result, str) else json.dumps(result)
    return [
        AIMessage("", tool_calls=[{"name": call.tool, "args": call.args, "id": name}]),
        ToolMessage(content, tool_call_id=name, status="error" if error else "success"),
    ]


def test_a_policy_goes_one_call_at_a_time_and_sees_each_result() -> None:
    conversation: list[BaseMessage] = [HumanMessage("count")]
    first, _ = next_call(count, BRIEF, conversation)
    assert first == Call("add", {"a": 1, "b": 2})
    conversation += turn(first, {"sum": 3}, 0)
    second, _ = next_call(count, BRIEF, conversation)
    assert second == Call("add", {"a": 3, "b": 10})
    conversation += turn(second, {"sum": 13}, 1)
    end, _ = next_call(count, BRIEF, conversation)
    assert end.args == {"summary": "the sum is 13"}


def test_what_another_mind_already_did_is_not_done_again() -> None:
    """A language model that gave up had made the second call only; its result is used when its turn comes."""
    done = turn(Call("add", {"b": 10, "a": 3}), {"sum": 13}, 7)
    first, _ = next_call(count, BRIEF, done)
    assert first == Call("add", {"a": 1, "b": 2})
    end, _ = next_call(count, BRIEF, [*turn(first, {"sum": 3}, 8), *done])
    assert end.args == {"summary": "the sum is 13"}


def test_the_same_call_made_twice_needs_two_results() -> None:
    one = turn(Call("draw"), "red", 0)
    assert next_call(twice, BRIEF, one)[0] == Call("draw")
    end, _ = next_call(twice, BRIEF, [*one, *turn(Call("draw"), "blue", 1)])
    assert end.args == {"summary": "red then blue"}


def test_a_tools_error_reaches_the_policy_as_an_exception() -> None:
    failed = turn(Call("add", {"a": "x"}), "a must be a number", 0, error=True)
    assert next_call(careful, BRIEF, failed)[0].args == {"summary": "could not: a must be a number"}
    with pytest.raises(CallFailed, match="no"):
        next_call(count, BRIEF, turn(Call("add", {"a": 1, "b": 2}), "no", 0, error=True))


def test_it_speaks_like_a_chat_model_that_costs_nothing() -> None:
    reply = OfflinePlanner(policy=count, brief=BRIEF).invoke([HumanMessage("count")])
    assert isinstance(reply, AIMessage)
    assert reply.tool_calls[0]["name"] == "add"
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] == 0


def test_a_brief_finds_what_earlier_stages_left() -> None:
    brief = Brief(
        goal="",
        spec={},
        findings={
            "one": {"summary": "", "handles": {"prices": "old"}, "facts": {"tune": True}},
            "two": {"summary": "", "handles": {"prices": "new"}},
        },
        answers=[],
    )
    assert brief.handle("prices") == "new"
    assert brief.fact("tune") is True
    assert brief.fact("unknown") is None
    with pytest.raises(KeyError):
        brief.handle("unknown")
