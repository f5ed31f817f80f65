"""Discord as a platform: it logs a client in, keeps it listening, and posts through it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bots.discord import hearing
from bots.discord.client import Client
from bots.discord.failures import translated
from bots.discord.posting import Posting
from bots.discord.replying import Interaction, Links
from bots.discord.settings import DiscordSettings
from bots.errors import Refusal, TryLater
from bots.platform import Conversation, Key, Message, Opened, Pace, Place, Reply

LONGEST_PAUSE_SECONDS = 60.0
NOT_ACCEPTED = "Discord does not accept DISCORD_BOT_TOKEN. In the developer portal, under Bot, press Reset Token and copy it anew."

logger = logging.getLogger(__name__)
# The bot is silent in voice channels; nobody has to be told at each start.
discord.VoiceClient.warn_nacl = False
discord.VoiceClient.warn_dave = False


class Discord(Posting):
    """The platform. `ready` is set once Discord has let the bot in."""

    name = "discord"
    pace = Pace()

    def __init__(self, settings: DiscordSettings) -> None:
        super().__init__()
        self._settings = settings
        self._links = Links()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ready = asyncio.Event()

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        opened = await super().open_thread(place, message, key)
        self.opened(message.run, opened.thread)
        return opened

    async def post(self, place: Place, message: Message, key: Key) -> str:
        message_id = await super().post(place, message, key)
        if message.kind == "root" and place.thread:
            self.opened(message.run, place.thread)
        return message_id

    async def run(self, conversation: Conversation) -> None:
        """Listen until cancelled. Raises Refusal when Discord does not accept the token."""
        token = self._settings.require()
        point_to(self._settings)
        client = await self._log_in(token, conversation)
        try:
            self._client = client
            await client.connect()
        except discord.PrivilegedIntentsRequired:
            raise Refusal(
                "Discord does not let this bot read messages although its application says so. "
                "In the developer portal, under Bot, switch Message Content Intent off and on."
            ) from None
        except discord.ConnectionClosed as error:
            raise Refusal(
                f"Discord closed the connection for good ({error.code}): check the bot's token."
            ) from error
        finally:
            self._client = None
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)
            await client.close()

    def answered(self, interaction: Interaction, said: tuple[Reply, str] | None) -> None:
        """A command was answered: the link to its thread is added when there is one."""
        if said is not None and said[0].ok and said[0].run and said[1]:
            self.later(self._links.answered(said[0].run, interaction, said[1]))

    def opened(self, run: str, thread: str) -> None:
        """The thread of a run is there: whoever asked for it and was answered gets the link."""
        self.later(self._links.opened(run, thread))

    def later(self, work: Coroutine[Any, Any, None] | None) -> None:
        """Do something that nobody waits for."""
        if work is not None:
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _log_in(self, token: str, conversation: Conversation) -> Client:
        """A client that is logged in, with its commands known to Discord; waits for as long as Discord is away."""
        pause = 1.0
        reads = True
        while True:
            client = Client(self, conversation, reads=reads)
            try:
                with translated():
                    await client.login(token)
                    if reads and not client.may_read():
                        logger.warning(
                            "The Message Content Intent is off: people answer with buttons, forms, mentions and "
                            "replies that call the bot. Switch it on in the developer portal, under Bot."
                        )
                        reads = False
                        await client.close()
                        continue
                    await client.tree.sync()
                return client
            except discord.LoginFailure:
                await client.close()
                raise Refusal(NOT_ACCEPTED) from None
            except TryLater as error:
                await client.close()
                logger.warning("%s; trying again in %.0f s", error, error.seconds or pause)
                await asyncio.sleep(error.seconds or pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            except BaseException:
                await client.close()
                raise


def point_to(settings: DiscordSettings) -> None:
    """Make discord.py speak to the address that is set."""
    Route.BASE = settings.api_base
    if settings.discord_gateway:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway)


async def invitation(settings: DiscordSettings) -> str:
    """The link with which somebody who manages a server lets the bot in. Raises Refusal and PlatformError."""
    token = settings.require()
    point_to(settings)
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            with translated():
                await client.login(token)
        except discord.LoginFailure:
            raise Refusal(NOT_ACCEPTED) from None
        scopes = ("bot", "applications.commands")
        return discord.utils.oauth_url(
            client.application_id or 0, permissions=hearing.ASKED_FOR, scopes=scopes
        )
