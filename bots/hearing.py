"""What people do in a chat, as plain values: the only way in for every platform.

`key` is what the platform calls this one act. An act that is delivered twice (a retry, two events for one
message, a socket that was lost) has the same key and is done once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Speaker:
    """Who speaks, as the platform knows them. `is_admin` when they administer the workspace there.

    `language` ("de", "en-GB") and `zone` ("Europe/Berlin") are what the platform knows; empty where it does not.
    """

    platform: str
    workspace: str
    external_id: str
    display_name: str
    is_admin: bool = False
    language: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Place:
    """Where something is said. `thread` is empty outside threads; `direct` in a conversation with the bot alone.

    `unreachable` where the bot cannot post: nothing is begun there, and the person is told how to invite it.
    """

    workspace: str
    channel: str
    thread: str = ""
    direct: bool = False
    unreachable: bool = False


@dataclass(frozen=True)
class Command:
    """Somebody asks the system to do something: a name of `bots.catalog`, its text and its options.

    A slash command, a menu entry. With an empty `name`, the text is a whole line ("status R-142", or a goal) as it
    is typed after `/omc` or after a mention.
    """

    speaker: Speaker
    place: Place
    name: str
    text: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Answer:
    """Somebody answers the question of a run; `by_default` when nobody was there to be asked."""

    speaker: Speaker
    run: str
    text: str
    interrupt_id: str | None = None
    by_default: bool = False
    place: Place | None = None
    key: str = ""


@dataclass(frozen=True)
class Typed:
    """Somebody writes a message in a thread or to the bot directly; `to_bot` when it mentions the bot.

    In the thread of a run it is an answer, a note for the next stage, or the goal of a follow-up. `text` has no
    mention of the bot left in it. The key is the message's id.
    """

    speaker: Speaker
    place: Place
    text: str
    key: str
    to_bot: bool = False


@dataclass(frozen=True)
class Rewritten:
    """Somebody edits an earlier message, or takes it back (`text` is None). It counts until it was used."""

    speaker: Speaker
    place: Place
    message_id: str
    text: str | None


@dataclass(frozen=True)
class Press:
    """Somebody presses a button of ours: an `ActionName`, the run it belongs to and its value."""

    speaker: Speaker
    place: Place
    action: str
    run: str = ""
    value: str = ""
    key: str = ""


@dataclass(frozen=True)
class Submitted:
    """Somebody sends off a form: its name, the `context` it was opened with, and what stands in its fields."""

    speaker: Speaker
    place: Place
    form: str
    values: Mapping[str, str]
    context: str = ""
    key: str = ""


@dataclass(frozen=True)
class Dropped:
    """Somebody drops a file into a thread, a channel with a mention, or a direct conversation."""

    speaker: Speaker
    place: Place
    name: str
    size_bytes: int
    fetch: Callable[[], Awaitable[bytes]]
    key: str


@dataclass(frozen=True)
class HomeOpened:
    """Somebody opens the bot's own page."""

    speaker: Speaker
    place: Place


Heard = Command | Answer | Typed | Rewritten | Press | Submitted | Dropped | HomeOpened

ActionName = Literal[
    "stop",
    "details",
    "resume",
    "discard",
    "retry",
    "choose",  # value: "<interrupt id>:<number of the choice, from 0>"
    "type",  # value: the interrupt id; answered with a form
    "thumbs_up",
    "thumbs_down",
    "share",
    "next",  # value: the follow-up goal
    "files",
    "import",  # value: the stored file
    "import_options",
    "results",
    "new",
]
SEPARATOR = "|"


def pack(action: str, run: str = "", value: str = "") -> str:
    """A button's id, the same on every platform: "omc|stop|R-142|". The longest fits 100 characters."""
    return SEPARATOR.join(("omc", action, run, value))


def unpack(button_id: str) -> tuple[str, str, str] | None:
    """Action, run and value of one of our buttons; None for anything else."""
    parts = button_id.split(SEPARATOR, 3)
    return (parts[1], parts[2], parts[3]) if len(parts) == 4 and parts[0] == "omc" else None
