"""The chats that are measured: what people do there and what they see.

Each act is delivered three times, as platforms do when an acknowledgement is late.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

DELIVERIES = 3
FILES = "files"
# The fewest faults that still wait when more are made: they must not outlast the storm.
MOST_FAULTS = 12


@dataclass(frozen=True)
class Acknowledged:
    """Seconds from a command to its acknowledgement, and to the words of its answer."""

    after: float
    told_after: float


@dataclass(frozen=True)
class Said:
    """One message of the bot in a thread: the key of what it tells (FILES for an upload), and its words."""

    key: str
    text: str


class Chat(Protocol):
    """A platform with as many channels as are asked for, and one person in each."""

    platform: str

    @property
    def settings(self) -> Mapping[str, str]:
        """What the bot needs to find it."""

    @property
    def listening(self) -> int:
        """How many bots are connected."""

    @property
    def faults(self) -> Mapping[str, int]:
        """What went wrong so far, by kind."""

    @property
    def messages(self) -> int:
        """How many messages there are, people's own with them."""

    @property
    def complaints(self) -> list[str]:
        """What the platform would not have taken, and what came twice."""

    def prepare(self, channels: int) -> None:
        """Make channels and their people before the bots come."""

    async def command(self, channel: int, goal: str) -> Acknowledged:
        """A person gives a command, once, and waits for the acknowledgement as long as it takes."""

    async def begin(self, channel: int, goal: str, begun: Callable[[], bool]) -> None:
        """A person gives a command until something comes of it (`begun`); each is delivered three times."""

    async def reply(self, channel: int, text: str) -> None:
        """A person writes into the channel's thread; it is delivered three times."""

    def thread(self, channel: int) -> list[Said]:
        """What the bot has said in a channel and its thread, in order."""

    def storm(self) -> None:
        """Refuse the next calls: too many requests, errors, connections that break before and after the work."""

    def channel_id(self, channel: int) -> str:
        """How the platform calls a channel."""
