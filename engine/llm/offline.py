"""The offline planner: a chat model that follows a written policy instead of guessing.

A policy is a generator. It yields tool calls and is sent their results; what it returns is the stage's
answer. The model keeps no state: on every turn the policy is replayed from its start and each call is
answered from the conversation, so it goes on exactly where a killed run, or a language model that gave up,
has left off.
"""

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from engine import speech
from engine.speech import Said

MODEL_NAME = "offline planner"
# Marks the result of a tool that cannot go on because there can be no answer; its value is the reason's code.
NO_ANSWER = "no_answer"
# What a failed tool said, to be worded in any language.
SAID = "said"
# Arguments that are a model's own words: a call is the same with others.
FREE_WORDS = frozenset({"explanation", "why"})
# Arguments in which every letter matters.
VERBATIM = frozenset({"code"})


@dataclass(frozen=True)
class Call:
    """A tool to use, with its arguments."""

    tool: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Brief:
    """What a policy knows when it starts: the plan, what earlier stages found, what the person answered."""

    goal: str
    spec: dict[str, Any]
    findings: dict[str, Any]
    answers: list[dict[str, str]]
    # Forecasts walked in this stage's conversation by whoever thinks: everything tried must be judged.
    tried: tuple[str, ...] = ()
    # Features that a model wrote in this stage's conversation and that passed.
    written: tuple[str, ...] = ()

    def handle(self, name: str) -> str:
        """The handle that an earlier stage left under `name`; the latest stage wins."""
        for finding in reversed(list(self.findings.values())):
            if name in (finding.get("handles") or {}):
                return str(finding["handles"][name])
        raise KeyError(name)

    def fact(self, name: str) -> Any:
        """A fact that an earlier stage left under `name`, or None."""
        for finding in reversed(list(self.findings.values())):
            if name in (finding.get("facts") or {}):
                return finding["facts"][name]
        return None


def tried_in(messages: Sequence[BaseMessage]) -> tuple[str, ...]:
    """The forecasts that tools have returned in a conversation, in their order."""
    return _returned(messages, "cross_validate_model", "forecasts")


def written_in(messages: Sequence[BaseMessage]) -> tuple[str, ...]:
    """The features of an agent's own that were accepted in a conversation, in their order."""
    return _returned(messages, "write_feature", "own_feature")


def _returned(messages: Sequence[BaseMessage], tool: str, name: str) -> tuple[str, ...]:
    found = [
        _read(str(message.content)).get(name)
        for message in messages
        if isinstance(message, ToolMessage) and message.name == tool and message.status != "error"
    ]
    return tuple(dict.fromkeys(handle for handle in found if isinstance(handle, str)))


class CallFailed(Exception):
    """Thrown into a policy at the call whose tool reported an error.

    `no_answer` is the code of the reason where nothing is wrong with the call: there can be no answer, and that is one.
    """

    def __init__(self, message: str, *, no_answer: str = "", said: Said | None = None) -> None:
        super().__init__(message)
        self.no_answer = no_answer
        self.said = said or Said(message)


Policy = Callable[[Brief], Generator[Call, Any, Call]]


class OfflinePlanner(BaseChatModel):
    """Answers as a chat model would, by a policy."""

    policy: Any
    brief: Any

    @property
    def _llm_type(self) -> str:
        return "omc-offline"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "OfflinePlanner":
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call, index = next_call(self.policy, self.brief, messages)
        reply = AIMessage(
            content="",
            tool_calls=[{"name": call.tool, "args": call.args, "id": f"call_{index}_{call.tool}"}],
            usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
            response_metadata={"model_name": MODEL_NAME},
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])


def next_call(policy: Policy, brief: Brief, messages: Sequence[BaseMessage]) -> tuple[Call, int]:
    """The first call of the policy that the conversation has no result for, and its place in the row.

    Results are matched by tool and arguments, so whatever a language model already did counts too.
    """
    results = _results(messages)
    steps = policy(brief)
    index = 0
    try:
        call = next(steps)
        while True:
            key = call_key(call.tool, call.args)
            if not results.get(key):
                return call, index
            result = results[key].pop(0)
            if result.status == "error":
                no_answer = str(result.additional_kwargs.get(NO_ANSWER) or "")
                told = result.additional_kwargs.get(SAID)
                why = speech.read(told) if told else None
                call = steps.throw(CallFailed(str(result.content), no_answer=no_answer, said=why))
            else:
                call = steps.send(_read(str(result.content)))
            index += 1
    except StopIteration as end:
        return end.value, index


def _results(messages: Sequence[BaseMessage]) -> dict[str, list[ToolMessage]]:
    asked: dict[str, str] = {}
    results: dict[str, list[ToolMessage]] = {}
    for message in messages:
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                asked[str(call["id"])] = call_key(call["name"], call["args"])
        elif isinstance(message, ToolMessage) and message.tool_call_id in asked:
            results.setdefault(asked[message.tool_call_id], []).append(message)
    # A failure that was made good by the same call later is over.
    return {
        key: [result for result in found if result.status != "error"] or found
        for key, found in results.items()
    }


def call_key(tool: str, args: dict[str, Any]) -> str:
    """One text for each use of a tool, however its arguments are written.

    A language model leaves out what is null, writes a day without its hour and a coin in capitals.
    """
    return tool + json.dumps(_plain(args), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: inner if name in VERBATIM else _plain(inner)
                for name, inner in value.items()
                if inner is not None and name not in FREE_WORDS
            }
        case list():
            return [_plain(inner) for inner in value]
        case str():
            return _moment(value)
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _moment(text: str) -> str:
    """A date in its full form; anything else in small letters."""
    if text[:4].isdigit() and text[4:5] == "-":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return text.casefold()


def _read(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content
