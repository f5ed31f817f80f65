"""Asking a language model once: within the budget and the time, written down, and told apart from a failure."""

import json
import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel

from engine import audit
from engine.budget import OverCap
from engine.llm.failures import ModelFailure, explain
from engine.speech import say
from engine.work import Work

LONGEST_TEXT = 2_000
MOST_CALLS_AT_ONCE = 24
# Fewer than text in Latin letters and figures has: an estimate must not come out too low. Of other letters each is one.
CHARACTERS_PER_TOKEN = 3.0
# A shorter answer is none: a call with a few sentences takes so many tokens.
LEAST_ANSWER = 256
# More characters a token than any answer has on the whole.
LONGEST_TOKEN = 12

logger = logging.getLogger(__name__)

# A tool of the agent, or the form of an answer.
Offered = BaseTool | dict[str, Any] | type[BaseModel]


def ask(
    work: Work,
    agent: str,
    model_name: str,
    messages: Sequence[BaseMessage],
    tools: Sequence[Offered],
    *,
    seconds: float,
) -> AIMessage | ModelFailure:
    """One answer with at least one tool call, or why there is none of use. Raises LeaseLost and stops.

    `seconds` bounds all of it, the retries of the provider's library included.
    """
    settings = work.models.settings
    schemas = [convert_to_openai_tool(offered) for offered in tools]
    read = estimate_tokens(messages, schemas)
    reserved = work.budget.reserve(agent, model_name, read, settings.max_tokens_per_request, LEAST_ANSWER)
    if isinstance(reserved, OverCap):
        return ModelFailure("budget", reserved.message)
    most = reserved.output_tokens
    names = [schema["function"]["name"] for schema in schemas]
    audit.prompt(work, agent, messages, model=model_name, tools=names)
    began = time.monotonic()
    try:
        model = work.models.open(model_name)
        model.client.deadline = began + seconds
        said = _answer(
            model.bound(schemas, most),
            messages,
            streamed=settings.enable_streaming,
            most_tokens=most,
        )
    except GraphBubbleUp:
        raise
    except Exception as error:
        # Whatever a provider's library raises, the run goes on without it: this is where that is decided.
        with work.speaking():
            failed = explain(error, settings, model_name)
        logger.warning("%s: %s", model_name, failed.message, exc_info=not failed.foreseen)
        # A request that was answered with an error is not charged; one that broke off probably is.
        answered = getattr(error, "status_code", None) or failed.kind == "lasting"
        charged = 0 if answered or not failed.reached else read
        cost = work.budget.settle(reserved.usage_id, model_name, charged, 0)
        audit.failure(work, agent, failed.message, model=model_name, usd=cost, seconds=_since(began))
        return failed
    used_read, used_wrote, counted = _usage(said, read)
    cost = work.budget.settle(reserved.usage_id, model_name, used_read, used_wrote)
    failure = examine(said, streamed=settings.enable_streaming)
    if failure and most < settings.max_tokens_per_request and _is_cut(said):
        with work.speaking():
            failure = ModelFailure(
                "budget",
                say("The {n:,} tokens that the model budget left were too few for an answer.", n=most),
            )
    audit.reply(
        work,
        agent,
        said,
        model=model_name,
        input_tokens=used_read,
        output_tokens=used_wrote,
        counted_by="provider" if counted else "estimate",
        usd=cost,
        seconds=_since(began),
        **({"failed": failure.message} if failure else {}),
    )
    return failure or said


def _answer(
    model: Runnable[Any, AIMessage], messages: Sequence[BaseMessage], *, streamed: bool, most_tokens: int
) -> AIMessage:
    """One whole answer. A stream is put together here: the library's own way mends broken parts.

    It is left where it grows far beyond `most_tokens`, whatever its server was told.
    """
    if not streamed:
        return model.invoke(list(messages))
    parts: list[AIMessageChunk] = []
    left = most_tokens * LONGEST_TOKEN
    for part in model.stream(list(messages)):
        assert isinstance(part, AIMessageChunk)
        parts.append(part)
        left -= len(audit.text_of(part)) + sum(len(call["args"] or "") for call in part.tool_call_chunks)
        if left < 0:
            break
    if not parts:
        raise ValueError("an empty stream")
    # All at once: one by one, each step would read everything before it again.
    whole = parts[0].__add__(parts[1:]) if len(parts) > 1 else parts[0]
    if left < 0:
        whole.response_metadata["finish_reason"] = "length"
    return whole


def _has_broken_arguments(said: AIMessage) -> bool:
    """Whether a tool call came with half an object: the library mends it, and half a sentence would be kept."""
    for call in said.tool_call_chunks if isinstance(said, AIMessageChunk) else ():
        try:
            json.loads(call["args"] or "{}")
        except ValueError:
            return True
    return bool(said.invalid_tool_calls)


def examine(said: AIMessage, *, streamed: bool) -> ModelFailure | None:
    """What is wrong with an answer, before anybody looks at what its tool calls want."""
    ended = _end(said)
    if _is_cut(said):
        return _useless("its answer was longer than a request may be")
    if ended in ("content_filter", "refusal"):
        return _useless("it refused to answer")
    if streamed and not ended:
        return _useless("its answer broke off")
    if _has_broken_arguments(said):
        return _useless("the arguments of its tool call are no valid JSON")
    if len(said.tool_calls) > MOST_CALLS_AT_ONCE:
        return _useless(f"it called {len(said.tool_calls)} tools at once")
    if not said.tool_calls:
        return _useless("it said something, but used no tool and gave no result" if audit.text_of(said).strip() else "its answer was empty")  # fmt: skip
    return None


def _end(said: AIMessage) -> str:
    """Why an answer ended, as its provider calls it; "" where it does not say."""
    return str(said.response_metadata.get("finish_reason") or said.response_metadata.get("stop_reason") or "")


def _is_cut(said: AIMessage) -> bool:
    return _end(said) in ("length", "max_tokens")


def estimate_tokens(messages: Sequence[BaseMessage], schemas: Sequence[dict[str, Any]]) -> int:
    """About how many tokens a request has; rather too many."""
    texts = [audit.text_of(message) for message in messages]
    texts += [json.dumps(getattr(message, "tool_calls", None) or "") for message in messages]
    texts += [json.dumps(schema) for schema in schemas]
    return sum(map(_tokens, texts)) + 6 * len(messages)


def _tokens(text: str) -> int:
    plain = len(text.encode("ascii", "ignore"))
    return math.ceil(plain / CHARACTERS_PER_TOKEN) + len(text) - plain


def _useless(why: str) -> ModelFailure:
    return ModelFailure("reply", f"The model gave no usable answer: {why}.")


def _usage(said: AIMessage, estimated: int) -> tuple[int, int, bool]:
    """Tokens read and written as the provider counted them; else as they look."""
    if said.usage_metadata and said.usage_metadata["total_tokens"] > 0:
        read, wrote = said.usage_metadata["input_tokens"], said.usage_metadata["output_tokens"]
        # Whoever counts nothing for what was read (or less than nothing) must not lower the meter.
        return int(read) if read > 0 else estimated, max(0, int(wrote)), read > 0
    calls = json.dumps([said.tool_calls, said.invalid_tool_calls], default=str)
    return estimated, _tokens(audit.text_of(said)) + _tokens(calls), False


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
