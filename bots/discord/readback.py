"""What people said while nobody listened: Discord replays nothing after a session that cannot be resumed.

The threads of open sessions are read back. What was heard before has its key in the rows and counts once.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import discord

from bots.discord.failures import translated
from bots.errors import PlatformError
from bots.platform import Conversation, OpenThread

MOST_READ = 1_000

logger = logging.getLogger(__name__)


async def read_back(
    client: discord.Client,
    conversation: Conversation,
    last_seen: Callable[[str], int | None],
    hear: Callable[[discord.Message], Awaitable[None]],
) -> None:
    """Read each open thread once, newest first. Whatever goes wrong with one leaves the others."""
    threads = sorted(await conversation.open_threads(), key=lambda thread: thread.since, reverse=True)
    for thread in threads:
        try:
            with translated():
                await _read(client, thread, last_seen(thread.place.thread), hear)
        except PlatformError as error:
            logger.info("thread %s was not read back: %s", thread.place.thread, error)


async def _read(
    client: discord.Client,
    thread: OpenThread,
    last_seen: int | None,
    hear: Callable[[discord.Message], Awaitable[None]],
) -> None:
    place = thread.place
    guild = int(place.workspace) if place.workspace.isdigit() else None
    channel = client.get_partial_messageable(int(place.thread), guild_id=guild)
    since = discord.utils.time_snowflake(min(thread.since, datetime.now(UTC)))
    after = discord.Object(max(since, last_seen or 0))
    async for message in channel.history(limit=MOST_READ, after=after, oldest_first=True):
        # A message that the bot has marked was answered too.
        if not any(reaction.me for reaction in message.reactions):
            await hear(message)
