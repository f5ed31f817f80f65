"""The contract with a chat platform: what an adapter must do, and the one door to the values it deals in.

An adapter translates and nothing more. What people do becomes one of the values of `bots.hearing`, for which the
conversation returns a `Reply`; what a run has to say are `Message` values of `bots.showing`, posted, edited and
found again by key. `tests/conformance/test_platforms.py` holds every adapter to this page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bots.hearing import (
    ActionName,
    Answer,
    Command,
    Dropped,
    Heard,
    HomeOpened,
    Place,
    Press,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
    pack,
    unpack,
)
from bots.showing import (
    LONGEST_TEXT,
    Action,
    Choice,
    Field,
    File,
    Form,
    Handler,
    Home,
    HomeSection,
    Message,
    MessageKind,
    Plot,
    Reply,
    StageLine,
    Table,
)

__all__ = [
    "LONGEST_TEXT", "Action", "ActionName", "Answer", "Choice", "Command", "Conversation", "Dropped", "Field", "File",
    "Form", "Handler", "Heard", "Home", "HomeOpened", "HomeSection", "Key", "Message", "MessageKind", "OpenThread",
    "Opened", "Pace", "Place", "Platform", "Plot", "Press", "Receipts", "Reply", "Rewritten", "Speaker", "StageLine",
    "Submitted", "Table", "Typed", "pack", "unpack",
]  # fmt: skip


@dataclass(frozen=True)
class Key:
    """What tells a repeated delivery from a new one: at most 25 letters and digits.

    `in_doubt` is True when an earlier attempt with this key may have arrived: look before doing it again, among
    what was posted after `since`.
    """

    text: str
    in_doubt: bool = False
    since: datetime | None = None


class Receipts(Protocol):
    """What an adapter has to remember in the middle of an upload, kept in the event's row."""

    @property
    def known(self) -> Mapping[str, str]:
        """What earlier attempts wrote down."""

    async def put(self, part: str, value: str) -> None:
        """Write something down; it is safe when this returns."""


@dataclass(frozen=True)
class Opened:
    """A thread that was opened and the message it hangs from."""

    thread: str
    message_id: str


@dataclass(frozen=True)
class Pace:
    """How often a card may be edited, how long it may stand still while a run is at work (None: for ever), and how
    much time the platform wants between posts in one channel."""

    edit_seconds: float = 3.0
    still_seconds: float | None = 28.0
    post_seconds: float = 0.0


@dataclass(frozen=True)
class OpenThread:
    """A thread in which people may have spoken while nobody listened; what they said since `since` is read back."""

    place: Place
    since: datetime


class Conversation(Protocol):
    """What an adapter may ask for. Both methods return within a few database transactions."""

    async def handle(self, heard: Heard) -> Reply:
        """Do what somebody asked for. Never raises for anything a person can do; rows are written on return."""

    async def suggest(self, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
        """At most 25 completions of an option ("run", "coins", "horizon", "period", "goal")."""

    async def open_threads(self) -> Sequence[OpenThread]:
        """Threads of unfinished and recently finished runs on this platform."""


class Platform(Protocol):
    """A chat platform. Every method may raise TryLater (an outage, a rate limit) and Rejected (it never will).

    Nothing here is called twice at once for one session. A message that was posted with a key is not posted
    again when the same key comes back in doubt; what was posted then is returned.
    """

    @property
    def name(self) -> str:
        """As it stands in the rows: "slack", "discord", "terminal"."""

    @property
    def pace(self) -> Pace:
        """How often it may be called."""

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        """Post the root message in a channel and open a thread under it."""

    async def post(self, place: Place, message: Message, key: Key) -> str:
        """Post a message in a thread (in the channel itself when `place` has no thread); returns its id."""

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        """Replace a message, its buttons with it."""

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        """Say something to one person in private, as `post` does; returns the message's id.

        Raises Rejected where they cannot be reached.
        """

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """Put files into a thread, all of them or none."""

    async def run(self, conversation: Conversation) -> None:
        """Listen to people until cancelled. What is heard is acknowledged to the platform once its rows are written."""
