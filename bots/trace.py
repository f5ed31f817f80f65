"""What a run's agents were asked, did, and answered, as a person reads it: the text of `omc results RUN --trace`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from storage.models import SessionMessage

LONGEST_LINE = 400
LONGEST_PROMPT = 1_200


def lines(messages: Sequence[SessionMessage], *, full: bool = False) -> Iterator[str]:
    """One block of lines for each thing that was said; long ones are cut unless `full`."""
    for message in messages:
        at = f"{message.created_at:%H:%M:%S}"
        who = f"{at}  {message.agent or message.role}"
        details: dict[str, Any] = message.details
        match message.role:
            case "prompt":
                yield f"{who}  asks {details.get('model')}"
                yield from _prompt(message.content, full)
            case "model":
                yield f"{who}  {_cost(details)}"
                if details.get("failed"):
                    yield f"    ✗ {details['failed']}"
                yield from _answer(message.content, full)
            case "tool":
                mark = "✓" if details.get("status") == "success" else "✗"
                args = json.dumps(details.get("args"), ensure_ascii=False)
                yield f"{who}  {mark} {details.get('tool')}({_cut(args, full)})  {details.get('seconds', 0):.2f} s"
                yield f"    {_cut(message.content, full)}"
            case _:
                yield f"{who}: {_cut(message.content, full)}"


def as_json(messages: Sequence[SessionMessage]) -> list[dict[str, Any]]:
    """The same as plain JSON, nothing cut."""
    return [
        {
            "at": message.created_at.isoformat(),
            "role": message.role,
            "agent": message.agent,
            "content": message.content,
            "details": message.details,
        }
        for message in messages
    ]


def _prompt(content: str, full: bool) -> Iterator[str]:
    try:
        asked = json.loads(content)
    except ValueError:  # cut when it was stored
        asked = [{"role": "?", "text": content}]
    # The standing instructions and what was said before are in the blocks above.
    shown = asked if full else asked[-1:]
    if len(asked) > len(shown):
        yield f"    ({len(asked) - len(shown)} messages before)"
    for message in shown:
        text = message["text"] if full else _cut(message["text"], full, LONGEST_PROMPT)
        yield from (f"    {message['role']}: {part}" for part in text.splitlines() or [""])


def _answer(content: str, full: bool) -> Iterator[str]:
    if not content:
        return
    try:
        said = json.loads(content)
    except ValueError:
        said = {"text": content}
    if said.get("text"):
        yield f"    {_cut(said['text'], full)}"
    for call in said.get("calls", ()):
        args = call["args"] if "args" in call else call.get("broken")
        yield f"    → {call['tool']}({_cut(json.dumps(args, ensure_ascii=False), full)})"


def _cost(details: dict[str, Any]) -> str:
    read, wrote = details.get("input_tokens"), details.get("output_tokens")
    tokens = f"{read:,} + {wrote:,} tokens, " if read is not None else ""
    return f"{details.get('model', '')} answers: {tokens}${details.get('usd', 0):.4f}, {details.get('seconds', 0):.2f} s"


def _cut(text: str, full: bool, longest: int = LONGEST_LINE) -> str:
    one = text if full else " ".join(text.split())
    return one if full or len(one) <= longest else f"{one[:longest]} ... ({len(one):,} characters)"
