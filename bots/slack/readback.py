"""What people said while the bot was away: threads of open runs are read back once, slowly.

Slack sends an event again for five minutes only. What was heard already has its key in the rows and counts once.
"""

import asyncio
import logging
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bots.errors import PlatformError
from bots.platform import Conversation, OpenThread
from bots.slack import hearing
from bots.slack.clients import People, Workspaces

# Apps from outside the Marketplace may ask once a minute; for others this is a short wait.
PAUSE_SECONDS = 1.2

logger = logging.getLogger(__name__)


async def read_back(workspaces: Workspaces, people: People, conversation: Conversation) -> None:
    """Read each open thread once, newest first. Whatever goes wrong with one leaves the others."""
    threads = sorted(await conversation.open_threads(), key=lambda thread: thread.since, reverse=True)
    for thread in threads:
        try:
            await _read(thread, workspaces, people, conversation)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, PlatformError) as error:
            logger.info("thread %s was not read back: %s", thread.place.thread, error)
        await asyncio.sleep(PAUSE_SECONDS)


async def _read(
    thread: OpenThread, workspaces: Workspaces, people: People, conversation: Conversation
) -> None:
    place = thread.place
    workspace = await workspaces.of(place.workspace)
    cursor = ""
    while True:
        asked: dict[str, Any] = {
            "channel": place.channel,
            "ts": place.thread,
            "oldest": f"{thread.since.timestamp():.6f}",
            "limit": 15,
        }
        if cursor:
            asked["cursor"] = cursor
        said = await workspace.patient.conversations_replies(**asked)
        for message in said.get("messages") or ():
            event = {**message, "channel": place.channel}
            if not hearing.is_typed(event) or event["user"] == workspace.bot_user_id:
                continue
            if (
                event.get("ts") == place.thread
            ):  # the root that a person wrote has been heard, or began nothing
                continue
            speaker = await people.speaker(place.workspace, str(event["user"]))
            typed = hearing.typed(event, speaker, workspace.bot_user_id)
            if typed.text:
                await conversation.handle(typed)
        cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return
        await asyncio.sleep(PAUSE_SECONDS)
