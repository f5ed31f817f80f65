"""Everything a run asked and was told, kept without secrets: prompts, answers, tool calls, results, costs.

The rows are `agent_session_messages` with the roles prompt, model and tool; `omc results RUN --trace` shows them.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage
from sqlalchemy import select

from storage import sessions
from storage.models import SessionMessage
from storage.redaction import redact

if TYPE_CHECKING:
    from engine.work import Work

# An answer of a hundred thousand tokens is kept as what it was: too long.
LONGEST = 60_000


def prompt(
    work: "Work", agent: str, messages: Sequence[BaseMessage], *, model: str, tools: Sequence[str]
) -> None:
    """Keep what a model is about to be asked, in full."""
    asked = [{"role": message.type, **_said(message)} for message in messages]
    _keep(
        work, "prompt", agent, json.dumps(asked, ensure_ascii=False), {"model": model, "tools": list(tools)}
    )


def reply(work: "Work", agent: str, message: AIMessage, **details: Any) -> None:
    """Keep what a model answered, with tokens, dollars and seconds."""
    _keep(work, "model", agent, json.dumps(_said(message), ensure_ascii=False), details)


def failure(work: "Work", agent: str, why: str, **details: Any) -> None:
    """Keep why there was no answer, or none of use."""
    _keep(work, "model", agent, "", {"failed": why, **details})


def tool(work: "Work", agent: str, name: str, args: Any, result: str, **details: Any) -> None:
    """Keep one use of a tool."""
    _keep(work, "tool", agent, result, {"tool": name, "args": args, **details})


def tool_results(work: "Work", after: int = 0) -> list[tuple[int, str]]:
    """What this session's tools have returned, oldest first, with the numbers of their rows.

    Code of a model's own is left out: it could print any figure.
    """
    query = (
        select(SessionMessage.id, SessionMessage.content)
        .where(SessionMessage.session_id == work.lease.session_id, SessionMessage.role == "tool")
        .where(SessionMessage.id > after, SessionMessage.details["status"].astext == "success")
        .where(SessionMessage.details["tool"].astext != "execute_python")
        .order_by(SessionMessage.id)
    )
    with work.database.begin() as db:
        return [(row_id, content) for row_id, content in db.execute(query)]


def _said(message: BaseMessage) -> dict[str, Any]:
    said: dict[str, Any] = {"text": text_of(message)}
    if isinstance(message, AIMessage):
        calls = [{"tool": call["name"], "args": call["args"]} for call in message.tool_calls]
        broken = [{"tool": call["name"], "broken": call["args"]} for call in message.invalid_tool_calls]
        if calls or broken:
            said["calls"] = [*calls, *broken]
    return said


def text_of(message: BaseMessage) -> str:
    """The words of a message, whatever form its provider gives them."""
    if isinstance(message.content, str):
        return message.content
    parts = [part if isinstance(part, str) else part.get("text", "") for part in message.content]
    return "".join(part for part in parts if isinstance(part, str))


def _keep(work: "Work", role: str, agent: str, content: str, details: dict[str, Any]) -> None:
    plain = redact(json.dumps(details, ensure_ascii=False, default=str)).replace("\\u0000", "")
    if len(plain) > LONGEST:
        plain = json.dumps({"cut": plain[:LONGEST]})
    text = redact(content)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} [cut: {len(text):,} characters]"
    with work.database.begin() as db:
        sessions.held(db, work.lease)
        sessions.say(
            db,
            work.lease.session_id,
            role,
            text.replace("\\u0000", ""),
            agent=agent,
            details=json.loads(plain),
        )
