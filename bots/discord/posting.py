"""Discord as the delivery meets it: messages and files posted, edited, and found again when in doubt.

Everything goes through the bot's token: what an interaction may post ends after fifteen minutes.
"""

import hashlib
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import discord
from discord import ui

from bots.discord.failures import ARCHIVED, THREAD_EXISTS, translated
from bots.discord.hearing import DIRECT
from bots.discord.markup import escape
from bots.discord.rendering import mark_of, view_of
from bots.errors import TryLater
from bots.platform import File, Key, Message, Opened, Place, Receipts

LARGEST_REQUEST = 25 * 1024 * 1024
MOST_FILES = 10
ARCHIVE_MINUTES: Literal[10080] = 10080
LONGEST_NAME = 100
# Messages that people must notice; everything else arrives without a sound.
LOUD = frozenset({"question", "finish", "failure"})
MOST_LOOKED_THROUGH = 300
# Discord's clock and ours may differ by so much.
CLOCKS = timedelta(minutes=2)


class Posting:
    """The outgoing half of the platform."""

    def __init__(self) -> None:
        self._client: discord.Client | None = None

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        root = await self.post(Place(place.workspace, place.channel), message, key)
        with translated():
            channel = await self._fetch(int(place.channel))
            try:
                await channel.get_partial_message(int(root)).create_thread(
                    name=" ".join(message.headline.split())[:LONGEST_NAME],
                    auto_archive_duration=ARCHIVE_MINUTES,
                )
            except discord.HTTPException as error:
                if error.code != THREAD_EXISTS:
                    raise
        return Opened(root, root)  # a thread has the id of the message it hangs from

    async def post(self, place: Place, message: Message, key: Key) -> str:
        channel = self._channel(place)
        if key.in_doubt:
            found = await self._find(channel, key)
            if found is not None:
                return found
        with translated():
            sent = await channel.send(
                view=view_of(message, key.text),
                nonce=key.text,
                silent=message.mention is None and message.kind not in LOUD,
                allowed_mentions=_calls(message),
            )
        return str(sent.id)

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        with translated():
            alone = await self.client().create_dm(discord.Object(int(person)))
        return await self.post(Place(DIRECT, str(alone.id), direct=True), message, key)

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        partial = self._channel(place).get_partial_message(int(message_id))
        # The root of a thread stands in the channel above it, under the thread's own id.
        if message.kind == "root" and message_id == place.thread != place.channel:
            partial = self._channel(Place(place.workspace, place.channel)).get_partial_message(
                int(message_id)
            )
        with translated():
            try:
                await partial.edit(view=view_of(message), allowed_mentions=_calls(message))
            except discord.HTTPException as error:
                if error.code != ARCHIVED:
                    raise
                thread = await self._fetch(int(place.thread), fresh=True)
                if not isinstance(thread, discord.Thread):
                    raise
                await thread.edit(archived=False)
                await partial.edit(view=view_of(message), allowed_mentions=_calls(message))

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """Files in as few messages as Discord's limits allow; each message is noted once it is sent."""
        channel = self._channel(place)
        limit = self._largest_file(place)
        taken = [file for file in files if len(file.content) <= limit]
        too_large = [file for file in files if len(file.content) > limit]
        for number, batch in enumerate(_batches(taken, too_large)):
            part = f"batch{number}"
            if part in receipts.known:
                continue
            batch_key = Key(_digest(f"{key.text}:{number}"), key.in_doubt, key.since)
            sent_id = await self._find(channel, batch_key) if key.in_doubt else None
            if sent_id is None:
                large = too_large if number == 0 else []
                with translated():
                    sent = await channel.send(
                        view=_gallery(batch, large, limit, batch_key.text),
                        files=[
                            discord.File(
                                io.BytesIO(file.content),
                                filename=_name_of(file),
                                description=file.alt[:1024] or None,
                            )
                            for file in batch
                        ],
                        nonce=batch_key.text,
                        silent=True,
                        allowed_mentions=discord.AllowedMentions.none(),
                    )
                sent_id = str(sent.id)
            await receipts.put(part, sent_id)

    def client(self) -> discord.Client:
        """The client that is logged in. Raises TryLater before that."""
        if self._client is None:
            raise TryLater("the bot is not logged in to Discord yet", in_doubt=False)
        return self._client

    def _channel(self, place: Place) -> discord.PartialMessageable:
        guild = int(place.workspace) if place.workspace.isdigit() else None
        return self.client().get_partial_messageable(int(place.thread or place.channel), guild_id=guild)

    async def _fetch(self, channel_id: int, *, fresh: bool = False) -> "discord.TextChannel | discord.Thread":
        """A channel as Discord knows it."""
        client = self.client()
        known = None if fresh else client.get_channel(channel_id)
        return known or await client.fetch_channel(channel_id)  # type: ignore[return-value]

    def _largest_file(self, place: Place) -> int:
        guild = self.client().get_guild(int(place.workspace)) if place.workspace.isdigit() else None
        limit = guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
        return min(limit, LARGEST_REQUEST - 64 * 1024)

    async def _find(self, channel: discord.PartialMessageable, key: Key) -> str | None:
        """The message that was posted with this key, among those since then. Raises TryLater, still in doubt."""
        mark = mark_of(key.text)
        after = key.since - CLOCKS if key.since else None
        try:
            with translated():
                async for message in channel.history(
                    limit=MOST_LOOKED_THROUGH, after=after, oldest_first=after is not None
                ):
                    if message.components and getattr(message.components[0], "id", None) == mark:
                        return str(message.id)
        except TryLater as error:
            raise TryLater(str(error), seconds=error.seconds, in_doubt=True) from error
        return None


def _calls(message: Message) -> discord.AllowedMentions:
    """Nobody but the person meant is called, whatever stands in the text."""
    called = [discord.Object(int(message.mention))] if message.mention else []
    return discord.AllowedMentions(everyone=False, roles=False, users=called, replied_user=False)


def _batches(files: Sequence[File], too_large: Sequence[File]) -> list[list[File]]:
    """Files as messages: documents first, as many as one request takes."""
    batches: list[list[File]] = []
    ordered = sorted(files, key=lambda file: file.media_type.startswith("image/"))
    for file in ordered:
        size = sum(len(other.content) for other in batches[-1]) if batches else 0
        names = {_name_of(other) for other in batches[-1]} if batches else set()
        full = size + len(file.content) > LARGEST_REQUEST - 64 * 1024 or _name_of(file) in names
        if not batches or len(batches[-1]) == MOST_FILES or full:
            batches.append([])
        batches[-1].append(file)
    return batches or ([[]] if too_large else [])


def _gallery(batch: Sequence[File], too_large: Sequence[File], limit: int, key: str) -> ui.LayoutView:
    """The files of one message: documents by name, pictures beside each other with their words."""
    view = ui.LayoutView(timeout=None)
    if too_large:
        named = ", ".join(f"{file.name} ({len(file.content) / 1e6:.1f} MB)" for file in too_large)
        view.add_item(ui.TextDisplay(f"{escape(named)} > {limit / 1e6:.1f} MB"))
    for file in batch:
        if not file.media_type.startswith("image/"):
            view.add_item(ui.File(f"attachment://{_name_of(file)}"))
    pictures = [file for file in batch if file.media_type.startswith("image/")]
    if pictures:
        gallery: ui.MediaGallery[Any] = ui.MediaGallery(
            *(
                discord.MediaGalleryItem(
                    f"attachment://{_name_of(file)}", description=file.alt[:1024] or None
                )
                for file in pictures
            )
        )
        view.add_item(gallery)
    view.children[0].id = mark_of(key)
    return view


def _name_of(file: File) -> str:
    """A file's name as Discord keeps it: anything else in it would be changed on the way."""
    name = file.name.rpartition("/")[2]
    return "".join(char if char.isalnum() and char.isascii() or char in "-_." else "_" for char in name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
