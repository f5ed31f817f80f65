"""What Discord delivers, as values of the contract."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import discord

from bots.platform import Dropped, Place, Rewritten, Speaker, Submitted, Typed

# Where people are alone with the bot; Discord's own word for "no server".
DIRECT = "@me"
# What people write; all other types are Discord's own notices.
WRITTEN = (discord.MessageType.default, discord.MessageType.reply)
# Without these the bot cannot open a thread and speak in it.
NEEDED = discord.Permissions(
    view_channel=True, send_messages=True, create_public_threads=True, send_messages_in_threads=True
)
# What the invitation asks for: files and their previews, marks under messages, and reading back as well.
ASKED_FOR = NEEDED | discord.Permissions(
    attach_files=True, embed_links=True, add_reactions=True, read_message_history=True
)
# Kinds of channel in which messages have threads.
THREADED = (discord.ChannelType.text, discord.ChannelType.news)


def is_written(message: discord.Message) -> bool:
    """Whether a message is something a person wrote."""
    return message.type in WRITTEN and not message.author.bot and message.webhook_id is None


def is_withheld(message: discord.Message) -> bool:
    """Whether a message came without its content, which Discord gives to bots with a privileged intent only."""
    shown = (message.content, message.attachments, message.stickers, message.embeds, message.components)
    return (
        message.type in WRITTEN and not any(shown) and message.poll is None and not message.message_snapshots
    )


def speaker_of(
    user: discord.User | discord.Member | discord.Object,
    guild_id: int | None,
    *,
    permissions: discord.Permissions | None = None,
    language: str = "",
) -> Speaker:
    """Who that is. Whoever may manage the server is an admin there."""
    if permissions is None and isinstance(user, discord.Member):
        permissions = user.guild_permissions
    may = bool(permissions and (permissions.administrator or permissions.manage_guild))
    return Speaker(
        "discord",
        str(guild_id) if guild_id else DIRECT,
        str(user.id),
        str(getattr(user, "display_name", "") or user.id),
        is_admin=may and guild_id is not None,
        language=language,
    )


def place_of(channel: Any, guild_id: int | None) -> Place:
    """Where something is said. Alone with the bot there are no threads: the conversation itself is one."""
    if guild_id is None:
        return Place(DIRECT, str(channel.id), str(channel.id), direct=True)
    parent = getattr(channel, "parent_id", None)
    if isinstance(channel, discord.Thread) and parent:
        return Place(str(guild_id), str(parent), str(channel.id))
    return Place(str(guild_id), str(channel.id))


def place_of_interaction(interaction: discord.Interaction[Any]) -> Place:
    """The same for a command or a button; marked where the bot could not open a thread."""
    guild_id, channel = interaction.guild_id, interaction.channel
    if channel is None:
        return Place(str(guild_id or DIRECT), str(interaction.channel_id or ""), unreachable=True)
    if guild_id is None:
        alone = channel.type is discord.ChannelType.private and interaction.is_guild_integration()
        place = place_of(channel, None)
        return place if alone else Place(DIRECT, str(channel.id), direct=True, unreachable=True)
    place = place_of(channel, guild_id)
    may = interaction.app_permissions
    allowed = may.administrator or may >= NEEDED
    threaded = bool(place.thread) or channel.type in THREADED
    reachable = interaction.is_guild_integration() and allowed and threaded
    return Place(place.workspace, place.channel, place.thread, unreachable=not reachable)


def plain(text: str, bot_id: int, bot_role: int | None = None) -> str:
    """What somebody wrote, without the mention of the bot. Other mentions stay."""
    mentions = rf"<@!?{bot_id}>" + (rf"|<@&{bot_role}>" if bot_role else "")
    return re.sub(rf"(?:{mentions})[,:]?", " ", text).strip()


def names_bot(message: discord.Message, bot_id: int, bot_role: int | None) -> bool:
    """Whether a message speaks to the bot: by its name, by its role, or as a reply that calls it."""
    if any(user.id == bot_id for user in message.mentions):
        return True
    return bot_role is not None and bot_role in message.raw_role_mentions


def typed(
    message: discord.Message, speaker: Speaker, place: Place, bot_id: int, bot_role: int | None
) -> Typed:
    """A message that somebody wrote."""
    to_bot = names_bot(message, bot_id, bot_role)
    return Typed(speaker, place, plain(message.content, bot_id, bot_role), str(message.id), to_bot)


def rewritten(
    message_id: int, content: str | None, speaker: Speaker, place: Place, bot_id: int, bot_role: int | None
) -> Rewritten:
    """A message that was edited, or taken back (None)."""
    text = None if content is None else plain(content, bot_id, bot_role)
    return Rewritten(speaker, place, str(message_id), text)


def dropped(message: discord.Message, speaker: Speaker, place: Place) -> list[Dropped]:
    """The files of a message."""
    return [
        Dropped(speaker, place, file.filename, file.size, file.read, f"{message.id}:{file.id}")
        for file in message.attachments
    ]


def submitted(interaction: discord.Interaction[Any], speaker: Speaker, name: str, context: str) -> Submitted:
    """A form that was sent off."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    values = dict(_values(data.get("components", ())))
    return Submitted(speaker, place_of_interaction(interaction), name, values, context, key_of(interaction))


def key_of(interaction: discord.Interaction[Any]) -> str:
    """What tells one act from another."""
    return f"i{interaction.id}"


def _values(components: Any) -> Iterator[tuple[str, str]]:
    """What stands in the fields of a form, wherever they are in it."""
    for component in components:
        if not isinstance(component, Mapping):
            continue
        if "custom_id" in component:
            chosen = component.get("values") or ()
            yield str(component["custom_id"]), str(component.get("value") or next(iter(chosen), ""))
        for inner in (*(component.get("components") or ()), component.get("component")):
            yield from _values((inner,))
