"""What several messages share: a stage's name, who did something, and how a message is made to fit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots.platform import LONGEST_TEXT, Message
from bots.text import one_line
from bots.words import Words


def by(said: Mapping[str, Any], words: Words) -> str:
    return one_line(str(said.get("by") or words("someone")), 60)


def stage_name(said: Mapping[str, Any], words: Words) -> str:
    name = str(said.get("stage") or "")
    return words.named("stage", name) if name else words("stage.beginning")


def fit(message: Message) -> Message:
    """Leave out what does not fit: the last lines first, then the table; the headline always stays."""
    cut = "…"
    while len(message.text()) > LONGEST_TEXT and message.lines:
        kept = message.lines[:-1] if message.lines[-1] != cut else message.lines[:-2]
        message = replace(message, lines=(*kept, cut) if kept else ())
    if len(message.text()) > LONGEST_TEXT:
        message = replace(message, table=None)
    while len(message.text()) > LONGEST_TEXT and message.choices:
        message = replace(message, choices=message.choices[:-1])
    return message
