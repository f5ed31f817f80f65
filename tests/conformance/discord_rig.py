"""Discord as a rig: the unmodified discord.py against the double, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bots.catalog import parse
from bots.discord.app import Discord
from bots.discord.settings import DiscordSettings
from bots.platform import Place
from tests.conformance.rigs import ChatRig, Recorder, Seen, until
from tests.discord_double import DiscordDouble, Person
from tests.discord_double.checks import BUTTON, GALLERY, SELECT, text_of, walk
from tests.discord_double.world import Json, Pending


@dataclass
class DiscordRig:
    platform: Discord
    double: DiscordDouble
    person: Person
    conversation: Recorder
    _opened: list[Pending] = field(default_factory=list)

    @property
    def ann(self) -> str:
        return self.person.id

    @property
    def place(self) -> Place:
        return Place(self.double.world.guild_id, self.double.world.channel_id)

    async def look(self, place: Place) -> Sequence[Seen]:
        world = self.double.world
        root = world.messages.get(place.channel, {}).get(place.thread)
        return [
            seen(message) for message in (*([root] if root else []), *world.messages[place.thread].values())
        ]

    async def told(self) -> Sequence[str]:
        return [text_of(message) for message in self.person.told()]

    async def command(self, text: str) -> None:
        line = parse(text)
        options = {"goal": line.text, **line.options} if line.text else dict(line.options)
        await self._settled(self.person.slash(self.place.channel, line.name, options))

    async def type(self, place: Place, text: str) -> str:
        async with self._heard():
            return self.person.write(place.thread or place.channel, text)

    async def rewrite(self, place: Place, message_id: str, text: str | None) -> None:
        async with self._heard():
            self.person.rewrite(place.thread, message_id, text)

    async def press(self, place: Place, message_id: str, label: str) -> None:
        message = self.double.world.messages[place.thread][message_id]
        pending = self.person.press(message, label)
        await self._settled(pending)
        self._opened.append(pending)

    async def fill(self, values: Mapping[str, str]) -> None:
        await self._settled(self.person.submit(self._opened.pop(), values))

    async def drop(self, place: Place, name: str, content: bytes) -> None:
        async with self._heard():
            self.person.write(place.thread, "", {name: content})

    async def open_home(self) -> str:
        await self._settled(self.person.slash(self.place.channel, "home", {}))
        return text_of(self.person.told()[-1])

    async def reactions(self, message_id: str) -> Sequence[str]:
        for messages in self.double.world.messages.values():
            if message_id in messages:
                return [reaction["emoji"]["name"] for reaction in messages[message_id].get("reactions", ())]
        return []

    async def repeat(self) -> None:
        async with self._heard():
            self.person.repeat()

    @asynccontextmanager
    async def _heard(self) -> AsyncIterator[None]:
        before = len(self.conversation.heard)
        yield
        await until(lambda: len(self.conversation.heard) > before)

    async def _settled(self, pending: Pending) -> None:
        await until(lambda: pending.answered is not None)


def seen(message: Json) -> Seen:
    parts = list(walk(message["components"]))
    buttons = [part["label"] for part in parts if part["type"] == BUTTON]
    buttons += [option["label"] for part in parts if part["type"] == SELECT for option in part["options"]]
    shown = [item["description"] for part in parts if part["type"] == GALLERY for item in part["items"]]
    return Seen(
        str(message["id"]),
        "\n".join((text_of(message), *buttons)),
        tuple(user["id"] for user in message["mentions"]),
        tuple(buttons),
        tuple(attachment["filename"] for attachment in message["attachments"]),
        tuple(filter(None, shown)),
    )


def settings_for(double: DiscordDouble) -> DiscordSettings:
    return DiscordSettings(
        discord_bot_token=double.world.token,
        discord_api_base=double.api_base,
        discord_gateway=double.gateway_url,
    )


@asynccontextmanager
async def discord_on(double: DiscordDouble, conversation: Recorder) -> AsyncIterator[Discord]:
    """The adapter, listening to a double that runs."""
    platform = Discord(settings_for(double))
    listening = asyncio.create_task(platform.run(conversation))
    waiting = asyncio.create_task(platform.ready.wait())
    try:
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
        # The server is known a moment after the session has begun.
        await until(lambda: bool(platform.client().guilds and platform.client().guilds[0].name))
        yield platform
    finally:
        waiting.cancel()
        listening.cancel()
        await asyncio.gather(listening, waiting, return_exceptions=True)


@asynccontextmanager
async def discord_rig(conversation: Recorder) -> AsyncIterator[ChatRig]:
    async with DiscordDouble().running() as double, discord_on(double, conversation) as platform:
        yield DiscordRig(platform, double, Person(double, "ann"), conversation)
        assert double.world.complaints == []
