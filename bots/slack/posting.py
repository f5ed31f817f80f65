"""Slack as the delivery meets it: messages and files posted, edited, and found again when in doubt."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.errors import Rejected, TryLater
from bots.platform import File, Key, Message, Opened, Place, Receipts
from bots.slack.clients import Workspace, Workspaces
from bots.slack.failures import code_of, patience_of, translated
from bots.slack.rendering import blocks_of, fallback

EVENT_TYPE = "omc_event"
# Clocks of ours and of Slack's may differ by so much.
CLOCKS = timedelta(minutes=2)
REFUSED_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "unsupported_block"}
)
STATUS = {"working": "is working ...", "waiting": "", "ended": ""}
AGENT_STATUS = {"working": "processing", "waiting": "suspended", "ended": "closed"}


class Posting:
    """The outgoing half of the platform."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._quiet_until: dict[tuple[str, str], float] = {}
        self._no_native: set[str] = set()  # workspaces whose Slack refuses native tables and charts
        self._status_method: dict[str, str] = {}

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        message_id = await self.post(Place(place.workspace, place.channel), message, key)
        return Opened(message_id, message_id)

    async def post(self, place: Place, message: Message, key: Key) -> str:
        workspace = await self._workspaces.of(place.workspace)
        if key.in_doubt:
            found = await self._find(workspace, place, key)
            if found is not None:
                return found
        self._respect(place.workspace, "chat.postMessage")
        said = await self._send(workspace, "chat.postMessage", message, {
            "channel": place.channel,
            "text": fallback(message),
            **({"thread_ts": place.thread} if place.thread else {}),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key.text}},
            "unfurl_links": False,
            "unfurl_media": False,
        })  # fmt: skip
        await self._show_status(workspace, place, message)
        return str(said["ts"])

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        client = (await self._workspaces.of(workspace)).once
        with translated():
            opened = await client.conversations_open(users=person)
        return await self.post(Place(workspace, str(opened["channel"]["id"]), direct=True), message, key)

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        workspace = await self._workspaces.of(place.workspace)
        self._respect(place.workspace, "chat.update")
        await self._send(workspace, "chat.update", message, {
            "channel": place.channel,
            "ts": message_id,
            "text": fallback(message, edit=True),
        })  # fmt: skip
        await self._show_status(workspace, place, message)

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """Reserve ids and write them down, send the bytes, then show all files at once."""
        workspace = await self._workspaces.of(place.workspace)
        known = [receipts.known.get(f"file:{at}") for at in range(len(files))]
        if key.in_doubt and all(known) and await self._is_shared(workspace, place, str(known[0])):
            return
        shown: list[dict[str, str | None]] = []
        with translated():
            for at, file in enumerate(files):
                name = file.name.rpartition("/")[2]
                file_id = known[at] if receipts.known.get(f"sent:{at}") else None
                if file_id is None:
                    file_id = await self._send_bytes(workspace.once, file, name, at, receipts)
                shown.append({"id": file_id, "title": name})
            await workspace.once.files_completeUploadExternal(
                files=shown, channel_id=place.channel, thread_ts=place.thread or None
            )

    async def _send_bytes(
        self, client: AsyncWebClient, file: File, name: str, at: int, receipts: Receipts
    ) -> str:
        alt = {"alt_txt": file.alt[:1000]} if file.alt else {}
        got = await client.files_getUploadURLExternal(filename=name, length=len(file.content), **alt)
        file_id = str(got["file_id"])
        await receipts.put(f"file:{at}", file_id)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90), trust_env=True) as session,
            session.post(str(got["upload_url"]), data=file.content) as sent,
        ):
            if sent.status != 200:
                raise TryLater(f"Slack did not take {name} ({sent.status})")
        await receipts.put(f"sent:{at}", "yes")
        return file_id

    async def _send(
        self, workspace: Workspace, method: str, message: Message, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Call Slack with blocks, and again without native ones where it refuses those."""
        plain = workspace.team in self._no_native
        with translated():
            try:
                return await self._call(workspace, method, request, blocks_of(message, plain=plain))
            except SlackApiError as error:
                if (
                    code_of(error) not in REFUSED_BLOCKS
                    or plain
                    or (message.table is None and message.plot is None)
                ):
                    raise
            said = await self._call(workspace, method, request, blocks_of(message, plain=True))
        self._no_native.add(workspace.team)  # it was the native blocks that were refused
        return said

    async def _call(
        self, workspace: Workspace, method: str, request: dict[str, Any], blocks: list[dict[str, Any]]
    ) -> dict[str, Any]:
        try:
            said = await workspace.once.api_call(method, json={**request, "blocks": blocks})
        except SlackApiError as error:
            wait = patience_of(error)
            if wait is not None:
                self._quiet_until[workspace.team, method] = time.monotonic() + wait
            raise
        assert isinstance(said.data, dict)
        return said.data

    def _respect(self, team: str, method: str) -> None:
        """Leave Slack alone for as long as it asked."""
        left = self._quiet_until.get((team, method), 0.0) - time.monotonic()
        if left > 0:
            raise TryLater("Slack asks for patience (429)", seconds=left, in_doubt=False)

    async def _find(self, workspace: Workspace, place: Place, key: Key) -> str | None:
        """The message that was posted under a key, among those since then. Raises TryLater, still in doubt."""
        since = f"{(key.since - CLOCKS).timestamp():.6f}" if key.since else "0"
        asked: dict[str, Any] = {
            "channel": place.channel,
            "oldest": since,
            "limit": 15,
            "include_all_metadata": "true",
        }
        method = "conversations.history"
        if place.thread:
            method, asked["ts"] = "conversations.replies", place.thread
        try:
            self._respect(place.workspace, method)
            while True:
                with translated():
                    said = await workspace.once.api_call(method, params=asked)
                for message in said.get("messages") or ():
                    payload = (message.get("metadata") or {}).get("event_payload") or {}
                    if payload.get("key") == key.text:
                        return str(message["ts"])
                cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    return None
                asked["cursor"] = cursor
        except TryLater as error:
            if error.seconds:
                self._quiet_until[place.workspace, method] = time.monotonic() + error.seconds
            raise TryLater(str(error), seconds=error.seconds, in_doubt=True) from error

    async def _is_shared(self, workspace: Workspace, place: Place, file_id: str) -> bool:
        """Whether a file stands in the thread. Raises TryLater, still in doubt."""
        try:
            with translated():
                said = await workspace.once.files_info(file=file_id)
        except Rejected:
            return False
        except TryLater as error:
            raise TryLater(str(error), seconds=error.seconds, in_doubt=True) from error
        shares = (said["file"].get("shares") or {}).values()
        return any(place.channel in channels for channels in shares)

    async def _show_status(self, workspace: Workspace, place: Place, message: Message) -> None:
        """The line under the thread that says the bot is at work, in whichever way this app may show it.

        Agents have a status of their own; others have the assistant's line, which lasts two minutes and is shown
        anew with each edit of the card. It is decoration: whatever goes wrong with it is left alone.
        """
        if message.kind != "card" or not place.thread or not message.state:
            return
        method = self._status_method.get(workspace.team, "agents.sessions.setStatus")
        for attempt in dict.fromkeys((method, "assistant.threads.setStatus")):
            status = (AGENT_STATUS if attempt.startswith("agents.") else STATUS)[message.state]
            asked = {"channel_id": place.channel, "thread_ts": place.thread, "status": status}
            try:
                async with asyncio.timeout(3):
                    await workspace.once.api_call(attempt, json=asked)
            except SlackApiError as error:
                if code_of(error) in (
                    "not_authorized",
                    "missing_scope",
                    "unknown_method",
                    "not_allowed_token_type",
                ):
                    continue
                return
            except (TimeoutError, aiohttp.ClientError, OSError):
                return
            self._status_method[workspace.team] = attempt
            return
        self._status_method[workspace.team] = "assistant.threads.setStatus"
