"""Slack as a rig: the adapter against the double, over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bots.platform import Place
from bots.slack.app import Slack
from bots.slack.clients import Workspaces
from bots.slack.settings import SlackSettings
from storage.database import Database
from tests.conformance.rigs import ChatRig, Recorder, Seen
from tests.slack_double import SlackDouble
from tests.slack_double import blocks as block_kit
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, TEAM


@dataclass
class SlackRig:
    platform: Slack
    double: SlackDouble
    ann: str = "U-ann"
    place: Place = field(default_factory=lambda: Place(TEAM, "C1"))

    async def look(self, place: Place) -> Sequence[Seen]:
        return [
            Seen(
                message.ts,
                message.text,
                message.calls,
                tuple(message.buttons),
                tuple(str(file["name"]) for file in message.files),
                tuple(str(file["alt_txt"]) for file in message.files if file.get("alt_txt")),
            )
            for message in self.double.thread(place.thread)
        ]

    async def told(self) -> Sequence[str]:
        return self.double.told(self.ann)

    async def command(self, text: str) -> None:
        await self.double.slash(text)

    async def type(self, place: Place, text: str) -> str:
        event = self.double.write(text, thread=place.thread)
        await self.double.event(event)
        return f"{event['channel']}:{event['ts']}"

    async def rewrite(self, place: Place, message_id: str, text: str | None) -> None:
        channel, _, ts = message_id.partition(":")
        before = {"type": "message", "user": self.ann, "ts": ts, "text": "before", "thread_ts": place.thread}
        event = {"type": "message", "channel": channel, "channel_type": "channel", "ts": "9.9"}
        if text is None:
            event |= {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": before}  # type: ignore[dict-item]
        else:
            after = {**before, "text": text, "edited": {"user": self.ann}}
            event |= {"subtype": "message_changed", "message": after, "previous_message": before}  # type: ignore[dict-item]
        await self.double.event(event)

    async def press(self, place: Place, message_id: str, label: str) -> None:
        await self.double.press(self.double.messages[message_id], label)

    async def fill(self, values: Mapping[str, str]) -> None:
        await self.double.submit(values)

    async def drop(self, place: Place, name: str, content: bytes) -> None:
        await self.double.event(self.double.drop(name, content, thread=place.thread))

    async def open_home(self) -> str:
        await self.double.event({"type": "app_home_opened", "user": self.ann, "tab": "home", "channel": "D1"})
        async with asyncio.timeout(5):
            while self.ann not in self.double.homes:
                await asyncio.sleep(0.01)
        return "".join(map(block_kit.read, self.double.homes[self.ann]["blocks"]))

    async def reactions(self, message_id: str) -> Sequence[str]:
        return self.double.messages[message_id.partition(":")[2]].reactions

    async def repeat(self) -> None:
        await self.double.again()


@asynccontextmanager
async def slack_rig(conversation: Recorder) -> AsyncIterator[ChatRig]:
    async with SlackDouble().serving() as double, slack_on(double, conversation) as platform:
        yield SlackRig(platform, double)
    assert double.complaints == []


@asynccontextmanager
async def slack_on(double: SlackDouble, conversation: Recorder) -> AsyncIterator[Slack]:
    """The adapter, listening to a double."""
    settings = SlackSettings(slack_bot_token=BOT_TOKEN, slack_app_token=APP_TOKEN, slack_api_base=double.base)
    # The database is for installations, of which there are none here: it is never connected to.
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    platform = Slack(settings, Workspaces(settings.api_base, BOT_TOKEN, database, None))
    listening = asyncio.create_task(platform.run(conversation))
    ready = asyncio.create_task(platform.ready.wait())
    try:
        await asyncio.wait({listening, ready}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
        yield platform
    finally:
        ready.cancel()
        listening.cancel()
        await asyncio.gather(listening, ready, return_exceptions=True)
        database.close()
