"""Discord's double as a chat that is measured, over its gateway."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from benchmarks.chat.chats import DELIVERIES, FILES, MOST_FAULTS, Acknowledged, Chat, Said
from tests.discord_double import DiscordDouble, Fault, Person
from tests.discord_double.checks import text_of
from tests.discord_double.world import THREAD, Pending


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
                Fault(posting, None, after=True),
                *(Fault(posting, 429, retry_after=0.5) for _ in range(4)),
                Fault(posting, 429, via=False, retry_after=1),
                Fault(posting, 503, after=True),
                *(Fault(editing, 429, retry_after=0.5) for _ in range(4)),
                Fault(r"GET /channels/\d+/messages", 429, via=False, retry_after=1),
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
async def discord() -> AsyncIterator[Chat]:
    async with DiscordDouble().running() as double:
        yield DiscordChat(double)
