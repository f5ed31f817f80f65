"""What whoever acted gets back: privately where they acted, or in a conversation of their own."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import discord
from discord import ui

from bots.discord.failures import ANSWERED, translated
from bots.discord.markup import escape, fenced, pieces
from bots.discord.rendering import home_of, modal_of, opener, view_of
from bots.errors import PlatformError
from bots.platform import Reply

# Discord waits 3 s for the first answer; after this long it is told that one will come (which takes a moment, too).
PATIENCE_SECONDS = 1.2
REACTIONS = {"kept": "📝", "done": "✅", "refused": "❌"}
MOST_KEPT = 2_000

logger = logging.getLogger(__name__)
Interaction = discord.Interaction[Any]


@dataclass(frozen=True)
class Again:
    """The button that asks for the same thing once more."""

    action: str
    run: str = ""
    value: str = ""


async def answer(
    interaction: Interaction, doing: Coroutine[Any, Any, Reply], again: Again, *, crowded: bool = False
) -> tuple[Reply, str] | None:
    """Answer a command, a button or a form within three seconds, however long the work takes.

    Where it is `crowded`, Discord is told at once that an answer will come: the work waits its turn.
    Returns the reply and the text that was shown; None when Discord took no answer.
    """
    is_command = (
        interaction.type is discord.InteractionType.application_command or interaction.message is None
    )
    if crowded:
        await _put_off(interaction, is_command=is_command)
    working = asyncio.ensure_future(doing)
    done, _ = await asyncio.wait({working}, timeout=None if crowded else PATIENCE_SECONDS)
    if not done:
        await _put_off(interaction, is_command=is_command)
    try:
        with translated():
            reply = await working
            await _send(interaction, reply, again, is_command=is_command)
            if reply.later is not None:
                await _send(interaction, await reply.later(), again, is_command=False)
            return reply, _words(reply)
    except PlatformError as error:
        # What was asked for is done; when no other process has answered, it is said in a conversation of their own.
        reply = await working
        if getattr(error.__cause__, "code", None) != ANSWERED:
            logger.warning("an answer to %s came too late: %s", interaction.user.id, error)
            with contextlib.suppress(PlatformError), translated():
                await _post(interaction.user.send, _parts(reply))
        return None


async def _put_off(interaction: Interaction, *, is_command: bool) -> None:
    """Tell Discord that an answer will come. When it is too late for that, what was asked for is done all the same."""
    with contextlib.suppress(PlatformError), translated():
        await interaction.response.defer(ephemeral=True, thinking=is_command)


async def respond(message: discord.Message, reply: Reply) -> None:
    """Answer what somebody wrote: a mark under it, and words for them alone."""
    mark = reply.reaction or ("" if reply.ok or not reply.plain() else "refused")
    with contextlib.suppress(PlatformError), translated():
        if mark:
            await message.add_reaction(REACTIONS[mark])
    await _say(message, reply)
    if reply.later is not None:
        await _say(message, await reply.later())


async def _say(message: discord.Message, reply: Reply) -> None:
    parts = _parts(reply)
    if not parts:
        return
    try:
        with translated():
            if reply.shared or message.guild is None:
                await _post(message.channel.send, parts)
                return
            try:
                await _post(message.author.send, parts)
            except discord.Forbidden:  # they take no private messages: said under theirs, to them
                await _post(message.reply, parts)
    except PlatformError as error:
        logger.warning("an answer to %s did not arrive: %s", message.author.id, error)


async def add_link(interaction: Interaction, text: str, thread: str) -> None:
    """Put the link to a thread under the private answer to whoever asked for it."""
    with contextlib.suppress(PlatformError), translated():
        await interaction.edit_original_response(content=f"{text}\n<#{thread}>")


@dataclass
class Links:
    """Private answers that wait for a thread, and threads that wait for an answer: whichever comes first."""

    waiting: OrderedDict[str, tuple[Interaction, str]] = field(default_factory=OrderedDict)
    threads: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def answered(self, run: str, interaction: Interaction, text: str) -> Coroutine[Any, Any, None] | None:
        """An answer about a run was shown."""
        thread = self.threads.get(run)
        if thread is not None:
            return add_link(interaction, text, thread) if str(interaction.channel_id) != thread else None
        _keep(self.waiting, run, (interaction, text))
        return None

    def opened(self, run: str, thread: str) -> Coroutine[Any, Any, None] | None:
        """The thread of a run was opened."""
        _keep(self.threads, run, thread)
        waiting = self.waiting.pop(run, None)
        if waiting is None or str(waiting[0].channel_id) == thread:
            return None
        return add_link(*waiting, thread)


async def _send(interaction: Interaction, reply: Reply, again: Again, *, is_command: bool) -> None:
    answered = interaction.response.is_done()
    if reply.form is not None and not answered:
        await interaction.response.send_modal(modal_of(reply.form))
        return
    parts = _parts(reply)
    if reply.form is not None:
        parts.append(opener(reply.form, again.action, again.run, again.value))
    if not parts:
        if not answered:
            await interaction.response.defer(ephemeral=True, thinking=is_command)
        if is_command:
            await interaction.delete_original_response()
        return
    hidden = not reply.shared
    for number, part in enumerate(parts):
        content, view = _sorted(part)
        if number == 0 and not answered:
            await interaction.response.send_message(
                content, view=view, ephemeral=hidden, allowed_mentions=NOBODY
            )
        elif number == 0 and is_command:
            await interaction.edit_original_response(
                content=None if content is discord.utils.MISSING else content,
                view=None if view is discord.utils.MISSING else view,
                allowed_mentions=NOBODY,
            )
        else:
            await interaction.followup.send(content, view=view, ephemeral=hidden, allowed_mentions=NOBODY)


NOBODY = discord.AllowedMentions.none()


def _words(reply: Reply) -> str:
    """The text to which a link may be added; empty when there is none of that kind."""
    parts = _parts(reply)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else ""


def _parts(reply: Reply) -> list[str | ui.LayoutView]:
    """All that is said in a reply, as messages."""
    parts: list[str | ui.LayoutView] = []
    if reply.text:
        parts += pieces(fenced(reply.text) if reply.fixed else escape(reply.text))
    if reply.message is not None:
        parts.append(view_of(replace(reply.message, mention=None)))
    if reply.home is not None:
        parts.append(home_of(reply.home))
    return parts


async def _post(send: Callable[..., Coroutine[Any, Any, Any]], parts: list[str | ui.LayoutView]) -> None:
    for part in parts:
        content, view = _sorted(part)
        named = {"content": content} if content is not discord.utils.MISSING else {"view": view}
        await send(**named, silent=True, allowed_mentions=NOBODY)


def _sorted(part: str | ui.LayoutView) -> tuple[Any, Any]:
    missing = discord.utils.MISSING
    return (part, missing) if isinstance(part, str) else (missing, part)


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Keep the newest of what arrives."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
