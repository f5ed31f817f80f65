"""The connection to Discord's gateway: what happens there, on its way to the conversation."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol
from weakref import WeakValueDictionary

import discord
from discord import app_commands

from bots.discord import hearing
from bots.discord.buttons import PressedButton, PressedSelect
from bots.discord.failures import translated
from bots.discord.readback import read_back
from bots.discord.rendering import read_form
from bots.discord.replying import Again, Interaction, answer, respond
from bots.discord.slash import German, add_commands
from bots.errors import PlatformError
from bots.platform import Command, Conversation, Heard, HomeOpened, Place, Press, Reply, Speaker
from bots.words import words_of

THUMBS = {"👍": "thumbs_up", "👎": "thumbs_down"}
# A wait longer than this is the delivery's business.
LONGEST_WAIT_SECONDS = 30.0
MOST_KNOWN = 10_000
# With more people than this waiting for their answers, those who come next are told at once that it takes a moment.
MOST_AT_ONCE = 12

logger = logging.getLogger(__name__)


class Owner(Protocol):
    """The platform that a client works for."""

    ready: asyncio.Event

    def later(self, work: Coroutine[Any, Any, None] | None) -> None: ...

    def opened(self, run: str, thread: str) -> None: ...

    def answered(self, interaction: Interaction, said: tuple[Reply, str] | None) -> None: ...


class Client(discord.Client):
    """One session with Discord, resumed by discord.py; `reads` asks for the text of messages that do not name the bot."""

    def __init__(self, platform: Owner, conversation: Conversation, *, reads: bool) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True, message_content=reads
        )
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST_WAIT_SECONDS,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self._platform = platform
        self._conversation = conversation
        self.tree = app_commands.CommandTree(self)
        # Who wrote what, for when it is deleted; and which language people's Discord speaks.
        self._authors: OrderedDict[int, Speaker] = OrderedDict()
        self._languages: OrderedDict[int, str] = OrderedDict()
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._places: OrderedDict[int, Place] = OrderedDict()
        self._answering = 0
        self._told_unread: OrderedDict[tuple[int, str], bool] = OrderedDict()
        # What is written in one channel is taken in one after the other, edits and deletions with it.
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def setup_hook(self) -> None:
        add_commands(self.tree)
        await self.tree.set_translator(German())
        self.add_dynamic_items(PressedButton, PressedSelect)

    def may_read(self) -> bool:
        """Whether the application may read messages that do not name it."""
        flags = self.application_flags
        return flags.gateway_message_content or flags.gateway_message_content_limited

    async def on_connect(self) -> None:
        """A new session on the gateway: whatever was said since the last one is read back."""
        self._platform.ready.set()
        self._platform.later(self._read_back())

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        logger.exception("what Discord delivered as %s could not be taken in", event_method)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        """A thread of ours, perhaps opened by another process: whoever asked here gets its link."""
        if self.user is not None and thread.owner_id == self.user.id:
            self._platform.opened(thread.name.split(" ")[0], str(thread.id))

    # What people write.

    async def on_message(self, message: discord.Message) -> None:
        if hearing.is_written(message):
            async with self._turn(message.channel.id):
                await self._hear(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        message = payload.message
        if message.edited_at is None or not hearing.is_written(message):
            return
        place = await self._place(payload.channel_id, payload.guild_id)
        speaker = self._speaker(message.author, payload.guild_id)
        said = hearing.rewritten(message.id, message.content, speaker, place, *self._names(payload.guild_id))
        async with self._turn(payload.channel_id):
            reply = await self._conversation.handle(said)
        await respond(message, reply)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        place = await self._place(payload.channel_id, payload.guild_id)
        async with self._turn(payload.channel_id):
            speaker = self._authors.pop(payload.message_id, None)
            if speaker is None:
                return
            names = self._names(payload.guild_id)
            said = hearing.rewritten(payload.message_id, None, speaker, place, *names)
            await self._conversation.handle(said)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        action = THUMBS.get(str(payload.emoji))
        me = self.application_id if self.user is None else self.user.id
        if action is None or payload.user_id == me or payload.message_author_id != me:
            return
        place = await self._place(payload.channel_id, payload.guild_id)
        speaker = self._speaker(payload.member or discord.Object(payload.user_id), payload.guild_id)
        key = f"{payload.message_id}:{payload.user_id}:{action}"
        await self._conversation.handle(Press(speaker, place, action, value=str(payload.message_id), key=key))

    # What people do with commands, buttons and forms.

    async def commanded(
        self, interaction: Interaction, name: str, text: str, options: Mapping[str, str]
    ) -> None:
        place = hearing.place_of_interaction(interaction)
        said = Command(self._who(interaction), place, name, text, options, hearing.key_of(interaction))
        await self._answer(interaction, said, Again("new"))

    async def home(self, interaction: Interaction) -> None:
        said = HomeOpened(self._who(interaction), hearing.place_of_interaction(interaction))
        await self._answer(interaction, said, Again("new"))

    async def completed(self, interaction: Interaction, option: str, typed: str) -> list[str]:
        return list(await self._conversation.suggest(self._who(interaction), option, typed))

    async def pressed(self, interaction: Interaction, action: str, run: str, value: str) -> None:
        place = hearing.place_of_interaction(interaction)
        said = Press(self._who(interaction), place, action, run, value, hearing.key_of(interaction))
        await self._answer(interaction, said, Again(action, run, value))

    async def on_interaction(self, interaction: Interaction) -> None:
        """A form that was sent off; everything else has found its way already."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        data: Mapping[str, Any] = dict(interaction.data or {})
        meant = read_form(str(data.get("custom_id") or ""))
        if meant is not None:
            said = hearing.submitted(interaction, self._who(interaction), *meant)
            await self._answer(interaction, said, Again("new"))

    async def _answer(self, interaction: Interaction, said: Heard, again: Again) -> None:
        crowded = self._answering >= MOST_AT_ONCE
        self._answering += 1
        try:
            reply = await answer(interaction, self._conversation.handle(said), again, crowded=crowded)
        finally:
            self._answering -= 1
        self._platform.answered(interaction, reply)

    async def _hear(self, message: discord.Message) -> None:
        """What somebody wrote in a thread, to the bot alone, or to the bot by name."""
        guild_id = message.guild.id if message.guild else None
        bot_id, bot_role = self._names(guild_id)
        place = await self._place(message.channel.id, guild_id, message.channel)
        if not place.thread and not hearing.names_bot(message, bot_id, bot_role):
            return
        speaker = self._speaker(message.author, guild_id)
        _keep(self._authors, message.id, speaker)
        _keep(self._seen, place.thread, max(message.id, self._seen.get(place.thread, 0)))
        said = hearing.typed(message, speaker, place, bot_id, bot_role)
        if hearing.is_withheld(message) and not said.to_bot:
            await self._say_unread(message, speaker)
        if said.text:
            await respond(message, await self._conversation.handle(said))
        for file in hearing.dropped(message, speaker, place):
            await respond(message, await self._conversation.handle(file))

    async def _say_unread(self, message: discord.Message, speaker: Speaker) -> None:
        """Tell somebody, once a thread, that their words did not arrive: the privileged intent is off."""
        thread = message.channel
        ours = (
            isinstance(thread, discord.Thread) and self.user is not None and thread.owner_id == self.user.id
        )
        if not ours or (thread.id, speaker.external_id) in self._told_unread:
            return
        _keep(self._told_unread, (thread.id, speaker.external_id), True)
        words = words_of(speaker.language)
        await respond(message, Reply(words("unread", thread=getattr(thread, "name", "")), ok=False))

    async def _read_back(self) -> None:
        async def hear(message: discord.Message) -> None:
            if hearing.is_written(message):
                async with self._turn(message.channel.id):
                    await self._hear(message)

        await read_back(self, self._conversation, self._seen.get, hear)

    def _turn(self, channel_id: int) -> asyncio.Lock:
        lock = self._turns.get(channel_id)
        if lock is None:
            lock = self._turns[channel_id] = asyncio.Lock()
        return lock

    async def _place(self, channel_id: int, guild_id: int | None, channel: Any = None) -> Place:
        """Where a channel is; Discord is asked about a thread that is not known."""
        if guild_id is None:
            return hearing.place_of(discord.Object(channel_id), None)
        known = channel if isinstance(channel, discord.Thread) else self.get_channel(channel_id)
        if known is not None:
            return hearing.place_of(known, guild_id)
        if channel_id not in self._places:
            try:
                with translated():
                    _keep(
                        self._places,
                        channel_id,
                        hearing.place_of(await self.fetch_channel(channel_id), guild_id),
                    )
            except PlatformError as error:
                logger.info("channel %s is not known: %s", channel_id, error)
                return Place(str(guild_id), str(channel_id))
        return self._places[channel_id]

    def _who(self, interaction: Interaction) -> Speaker:
        language = str(interaction.locale.value)
        _keep(self._languages, interaction.user.id, language)
        return hearing.speaker_of(
            interaction.user, interaction.guild_id, permissions=interaction.permissions, language=language
        )

    def _speaker(self, user: discord.User | discord.Member | discord.Object, guild_id: int | None) -> Speaker:
        return hearing.speaker_of(user, guild_id, language=self._languages.get(user.id, ""))

    def _names(self, guild_id: int | None) -> tuple[int, int | None]:
        """How the bot is called in a server: its id, and the id of its own role."""
        guild = self.get_guild(guild_id) if guild_id else None
        role = guild.self_role if guild else None
        assert self.user is not None, "the client is logged in"
        return self.user.id, role.id if role else None


def _keep(kept: "OrderedDict[Any, Any]", key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KNOWN:
        kept.popitem(last=False)
