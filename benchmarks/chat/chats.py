"""The chats that are measured: what people do there and what they see, on Slack's and Discord's doubles.

Each act is delivered three times, as platforms do when an acknowledgement is late.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from tests.discord_double import DiscordDouble, Person
from tests.discord_double import Fault as DiscordFault
from tests.discord_double.checks import text_of
from tests.discord_double.world import THREAD, Pending
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, BOT_USER, TEAM, Fault, Posted

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


class SlackChat:
    """Slack, over sockets."""

    platform = "slack"

    def __init__(self, double: SlackDouble) -> None:
        self._double = double
        self._roots: dict[int, str] = {}

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "SLACK_API_BASE": self._double.base,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
        }

    @property
    def listening(self) -> int:
        return len(self._double.sockets)

    @property
    def faults(self) -> Mapping[str, int]:
        return self._double.broken

    @property
    def messages(self) -> int:
        return len(self._double.messages)

    @property
    def complaints(self) -> list[str]:
        return self._double.complaints

    def prepare(self, channels: int) -> None:
        """Any channel is there."""

    async def command(self, channel: int, goal: str) -> Acknowledged:
        self._double.patience_seconds = 60.0  # late ones are measured as well
        at = time.perf_counter()
        await self._double.slash(goal, user=f"U-{channel}", channel=f"C{channel}")
        after = time.perf_counter() - at
        return Acknowledged(after, after)

    async def begin(self, channel: int, goal: str, begun: Callable[[], bool]) -> None:
        payload = {
            "token": "x", "command": "/omc", "text": goal, "team_id": TEAM, "user_id": f"U-{channel}",
            "user_name": f"U-{channel}", "channel_id": f"C{channel}", "channel_name": "research", "api_app_id": "A1",
            "trigger_id": f"begin-{channel}", "response_url": f"{self._double.base}/response/U-{channel}",
        }  # fmt: skip
        await self._deliver("slash_commands", payload)

    async def reply(self, channel: int, text: str) -> None:
        event = self._double.write(text, f"U-{channel}", f"C{channel}", self._root(channel))
        payload = {
            "token": "x", "team_id": TEAM, "api_app_id": "A1", "event": event, "type": "event_callback",
            "event_id": f"Ev-{event['ts']}", "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }  # fmt: skip
        await self._deliver("events_api", payload)

    def thread(self, channel: int) -> list[Said]:
        here = (m for m in self._double.messages.values() if m.channel == f"C{channel}")
        return [Said(FILES if m.files else _key_of(m), m.text) for m in here if m.user == BOT_USER]

    def storm(self) -> None:
        faults = self._double.faults
        made = {
            "chat.postMessage": (
                Fault("cut", after=True),
                Fault("429", times=5, retry_after=1),
                Fault("500", after=True),
                Fault("cut"),
            ),
            "chat.update": (Fault("429", times=5, retry_after=1), Fault("503")),
            "conversations.replies": (Fault("429", retry_after=1),),
            "files.completeUploadExternal": (Fault("cut", after=True), Fault("429", retry_after=1)),
        }
        for method, some in made.items():
            if len(faults[method]) < MOST_FAULTS:
                faults[method] += some

    def channel_id(self, channel: int) -> str:
        return f"C{channel}"

    async def _deliver(self, kind: str, payload: dict[str, Any]) -> None:
        """Slack sends an event again until it is acknowledged; here it is acknowledged three times."""
        acknowledged = 0
        while acknowledged < DELIVERIES:
            try:
                await self._double.send(kind, payload)
                acknowledged += 1
            except (TimeoutError, OSError):
                await asyncio.sleep(0.2)

    def _root(self, channel: int) -> str:
        if channel not in self._roots:
            here = (m for m in self._double.messages.values() if m.channel == f"C{channel}")
            self._roots[channel] = next(m.ts for m in here if not m.thread_ts)
        return self._roots[channel]


def _key_of(message: Posted) -> str:
    return str(((message.metadata or {}).get("event_payload") or {}).get("key", ""))


class DiscordChat:
    """Discord, over its gateway."""

    platform = "discord"

    def __init__(self, double: DiscordDouble) -> None:
        self._double = double
        self._channels: list[str] = []
        self._people: list[Person] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "DISCORD_BOT_TOKEN": self._double.world.token,
            "DISCORD_API_BASE": self._double.api_base,
            "DISCORD_GATEWAY": self._double.gateway_url,
        }

    @property
    def listening(self) -> int:
        if not self._double.world.commands:
            return 0
        return sum(session.socket is not None for session in self._double.gateway.sessions.values())

    @property
    def faults(self) -> Mapping[str, int]:
        return self._double.broken

    @property
    def messages(self) -> int:
        return sum(map(len, self._double.world.messages.values()))

    @property
    def complaints(self) -> list[str]:
        return self._double.world.complaints

    def prepare(self, channels: int) -> None:
        for number in range(channels):
            self._channels.append(self._double.world.add_channel(f"research-{number}"))
            self._people.append(Person(self._double, f"person-{number}"))

    async def command(self, channel: int, goal: str) -> Acknowledged:
        self._double.world.seconds_to_answer = 60.0  # late ones are measured as well
        pending = self._slash(channel, goal)
        while pending.answered_at is None or pending.told_at is None:
            await asyncio.sleep(0.02)
        return Acknowledged(pending.answered_at - pending.begun, pending.told_at - pending.begun)

    async def begin(self, channel: int, goal: str, begun: Callable[[], bool]) -> None:
        """An interaction that no bot heard is lost: whoever sees nothing come of it asks again."""
        while True:
            self._slash(channel, goal)
            for _ in range(DELIVERIES - 1):
                self._people[channel].repeat()
            for _ in itertools.repeat(None, 50):
                if begun():
                    return
                await asyncio.sleep(0.2)

    async def reply(self, channel: int, text: str) -> None:
        (thread,) = self._threads(channel)
        self._people[channel].write(thread, text)
        for _ in range(DELIVERIES - 1):
            self._people[channel].repeat()

    def thread(self, channel: int) -> list[Said]:
        world = self._double.world
        messages = list(world.messages[self._channels[channel]].values())
        for thread in self._threads(channel):
            messages += world.messages[thread].values()
        ours = (message for message in messages if message["author"]["id"] == world.bot)
        return [
            Said(
                FILES if message["attachments"] else world.posted_as.get(message["id"], ""), text_of(message)
            )
            for message in ours
        ]

    def storm(self) -> None:
        faults = self._double.world.faults
        if len(faults) < MOST_FAULTS:
            posting, editing = r"POST /channels/\d+/messages$", "PATCH"
            faults += [
                DiscordFault(posting, None, after=True),
                *(DiscordFault(posting, 429, retry_after=0.5) for _ in range(4)),
                DiscordFault(posting, 429, via=False, retry_after=1),
                DiscordFault(posting, 503, after=True),
                *(DiscordFault(editing, 429, retry_after=0.5) for _ in range(4)),
                DiscordFault(r"GET /channels/\d+/messages", 429, via=False, retry_after=1),
            ]
        self._double.world.nonces.clear()  # a repeat is not told from a new message for ever

    def channel_id(self, channel: int) -> str:
        return self._channels[channel]

    def _slash(self, channel: int, goal: str) -> Pending:
        return self._people[channel].slash(self._channels[channel], "analyze", {"goal": goal})

    def _threads(self, channel: int) -> list[str]:
        channels = self._double.world.channels.values()
        return [
            str(c["id"])
            for c in channels
            if c["type"] == THREAD and c["parent_id"] == self._channels[channel]
        ]


@asynccontextmanager
async def slack() -> AsyncIterator[Chat]:
    async with SlackDouble().serving() as double:
        yield SlackChat(double)


@asynccontextmanager
async def discord() -> AsyncIterator[Chat]:
    async with DiscordDouble().running() as double:
        yield DiscordChat(double)


CHATS = {"slack": slack, "discord": discord}
