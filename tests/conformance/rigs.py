"""What a platform needs to take the conformance suite: somebody who sees its threads and acts in them.

A new chat adds a rig of its own and one line in `test_platforms.CHATS`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bots.platform import Heard, OpenThread, Place, Platform, Reply, Speaker


@dataclass(frozen=True)
class Seen:
    """One message as a person sees it: its words, who it calls, the buttons and files on it."""

    message_id: str
    text: str
    calls: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    alts: tuple[str, ...] = ()


class Rig(Protocol):
    """A platform and the eyes of one person, ann, in one channel of it."""

    @property
    def platform(self) -> Platform: ...

    @property
    def ann(self) -> str:
        """How the platform calls her."""

    @property
    def place(self) -> Place:
        """The channel, outside threads."""

    async def look(self, place: Place) -> Sequence[Seen]:
        """What stands in a thread, oldest first, its root with it."""


class ChatRig(Rig, Protocol):
    """A chat in which ann can act as well."""

    async def told(self) -> Sequence[str]:
        """What was said to ann alone, oldest first."""

    async def command(self, text: str) -> None:
        """Ann gives a command in the channel, as she would type it after the bot's name."""

    async def type(self, place: Place, text: str) -> str:
        """Ann writes into a thread; returns the message's id."""

    async def rewrite(self, place: Place, message_id: str, text: str | None) -> None:
        """Ann edits her message, or deletes it (None)."""

    async def press(self, place: Place, message_id: str, label: str) -> None:
        """Ann presses the button with that label."""

    async def fill(self, values: Mapping[str, str]) -> None:
        """Ann fills in the form that is open and sends it off."""

    async def drop(self, place: Place, name: str, content: bytes) -> None:
        """Ann puts a file into a thread."""

    async def open_home(self) -> str:
        """Ann opens the bot's page (where there is none: what comes closest); returns what it says."""

    async def reactions(self, message_id: str) -> Sequence[str]:
        """What the bot put under ann's message."""

    async def repeat(self) -> None:
        """The platform delivers ann's last act once more."""


RigMaker = Callable[["Recorder"], AbstractAsyncContextManager[Rig]]
ChatRigMaker = Callable[["Recorder"], AbstractAsyncContextManager[ChatRig]]


@dataclass
class Recorder:
    """A conversation that writes down what it hears and answers as it was told to."""

    reply: Callable[[Heard], Reply] = lambda heard: Reply()
    heard: list[Heard] = field(default_factory=list)
    threads: tuple[OpenThread, ...] = ()

    async def handle(self, heard: Heard) -> Reply:
        self.heard.append(heard)
        return self.reply(heard)

    async def suggest(self, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
        return ()

    async def open_threads(self) -> Sequence[OpenThread]:
        return self.threads


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true, for as long as the test may take."""
    while not true():
        await asyncio.sleep(0.005)
