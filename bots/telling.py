"""How one event becomes calls to a platform: a thread opened, a message posted or closed, files sent.

Each step that arrived is written down before the next, so that an attempt which breaks off goes on where it was.
Where a thread cannot be reached any more, whoever asked is told alone what they must not miss.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots import cards, finishes, messages
from bots.errors import Rejected, TryLater
from bots.outbox import EventReceipts, Outbox
from bots.pacing import Pacing
from bots.platform import File, Key, Message, Place, Platform
from bots.progress import Fact
from bots.story import Story
from storage import events, threads
from storage.artifacts import ArtifactStore
from storage.errors import ArtifactError
from storage.events import Pending

UPLOAD_SECONDS = 120.0
UPLOAD_ATTEMPTS = 3


class Teller:
    """Tells the events of sessions on one platform. Every method may raise TryLater and Rejected."""

    def __init__(self, platform: Platform, outbox: Outbox, store: ArtifactStore, pacing: Pacing) -> None:
        self._platform = platform
        self._outbox = outbox
        self._store = store
        self._pacing = pacing

    async def tell(self, pending: Pending, story: Story) -> str | None:
        """Do what an event asks for; returns the message that tells it."""
        if pending.kind == "opened":
            return await self._open(pending, story)
        if not story.thread.thread:
            raise Rejected("its thread was never opened")
        fact = _fact(pending)
        message, place = story.message(fact), story.place
        match pending.kind:
            case "answered":
                closed = await self._close_question(fact, story)
                if closed is not None:
                    return closed
            case "continued" | "discarded":
                closed = await self._close_ending(fact, story)
                if closed is not None:
                    return closed
            case "completed" | "files_again":
                why = await self._upload(pending, story)
                message = finishes.files_missing(message, why, story.words) if why else message
            case "shared":
                finish = story.last(("completed",), fact.seq)
                if finish is None:
                    raise Rejected("there is no result to share")
                who = str(fact.payload.get("by") or story.words("someone"))
                message = finishes.shared(story.message(finish), who, story.words)
                place = replace(place, thread="")
        return await self._post(place, message, _key(pending, "message"))

    async def tell_alone(self, pending: Pending, story: Story, why: str) -> str | None:
        """Tell the asker in private what could not be told in the thread; None when it need not reach them.

        Only what calls them in the thread does: a question, an end, a thread that never came to be.
        """
        thread = story.thread
        if thread.asker is None:
            return None
        if pending.kind == "opened":
            message = messages.never_opened(story.run, why, story.words)
        elif not thread.thread and pending.kind != "completed":
            return None  # they know that there is no thread, and that the run was stopped over it
        else:
            message = story.message(_fact(pending))
            if message.mention is None:
                return None
            message = messages.told_alone(message, why, story.words)
        doing = self._platform.tell_alone(thread.workspace, thread.asker, message, _key(pending, "alone"))
        return await self._pacing.call(doing)

    async def show(self, story: Story) -> None:
        """Edit the card, and the root when it says something else now."""
        thread = story.thread
        await self._edit(story.place, str(thread.card_message_id), story.card)
        fresh = {fact.kind for fact in story.facts if fact.seq > thread.card_shown_seq}
        if fresh & messages.CHANGE_ROOT and thread.root_message_id is not None:
            await self._edit(story.place, thread.root_message_id, story.root)

    async def _open(self, pending: Pending, story: Story) -> str:
        """Open the thread (or say so in the one it was asked for in) and hang the card into it."""
        thread = story.thread
        if thread.root_message_id is None:
            root, key = story.root, _key(pending, "root")
            if thread.thread:
                message_id = await self._post(story.place, root, key)
                thread = replace(thread, root_message_id=message_id)
            else:
                await self._pacing.turn(story.place)
                opened = await self._pacing.call(self._platform.open_thread(story.place, root, key))
                thread = replace(thread, root_message_id=opened.message_id, thread=opened.thread)
            await self._outbox.write(
                threads.opened, thread.session_id, thread.thread, str(thread.root_message_id)
            )
        if thread.card_message_id is None:
            place = replace(story.place, thread=thread.thread)
            message_id = await self._post(place, story.card, _key(pending, "card"))
            await self._outbox.write(
                threads.card_posted,
                thread.session_id,
                message_id,
                story.progress.seq,
                again_in_seconds=self._platform.pace.edit_seconds,
                posted_kinds=messages.POSTED,
            )
        return str(thread.root_message_id)

    async def _close_question(self, answered: Fact, story: Story) -> str | None:
        """Take the choices off a question's message; None when that message is not known."""
        interrupt_id = answered.payload.get("interrupt_id")
        asked = [
            fact
            for fact in story.facts
            if fact.kind == "question"
            and fact.seq < answered.seq
            and fact.payload.get("interrupt_id") == interrupt_id
        ]
        if not asked:
            return None
        closed = messages.answered_question(asked[-1], answered, story.run, story.words)
        return await self._edit_told(asked[-1], story, closed)

    async def _close_ending(self, after: Fact, story: Story) -> str | None:
        """Take the buttons off the message of an end that was not the end; None when it is not known."""
        ending = story.last(cards.ENDINGS, after.seq)
        if ending is None:
            return None
        closed = messages.closed_ending(story.message(ending), after, story.run, story.words)
        return await self._edit_told(ending, story, closed)

    async def _edit_told(self, fact: Fact, story: Story, message: Message) -> str | None:
        """Edit the message in which a fact was told; None when there is none."""
        message_id = await self._outbox.write(events.message_of, story.thread.session_id, fact.seq)
        if message_id is None:
            return None
        try:
            await self._edit(story.place, message_id, message)
        except Rejected:  # somebody deleted it: it is said anew
            return None
        return message_id

    async def _upload(self, pending: Pending, story: Story) -> str:
        """Send the files of a finished run; returns why they are missing, or nothing.

        The verdict does not wait for ever: after a few attempts it is told without them. Where the platform only asks
        for patience, it gets it.
        """
        known = pending.receipts.get("files")
        named = pending.payload.get("files") or []
        if known is not None or not named:
            return str(known or "").removeprefix("sent")
        receipts = EventReceipts(self._outbox, pending)
        why = ""
        try:
            files = await self._outbox.in_thread(self._read_files, named)
            await self._pacing.turn(story.place)
            await self._pacing.call(
                self._platform.upload(story.place, files, _key(pending, "files"), receipts),
                seconds=UPLOAD_SECONDS,
            )
        except TryLater as error:
            if error.is_patience or pending.attempt < UPLOAD_ATTEMPTS:
                raise
            why = str(error)
        except (Rejected, ArtifactError) as error:
            why = str(error)
        await receipts.put("files", why or "sent")
        return why

    def _read_files(self, named: list[Mapping[str, Any]]) -> list[File]:
        return [
            File(
                name=str(file["name"]),
                media_type=str(file["media_type"]),
                content=self._store.read(str(file["sha256"])),
                alt=str(file.get("alt", "")),
            )
            for file in named
        ]

    async def _post(self, place: Place, message: Message, key: Key) -> str:
        await self._pacing.turn(place)
        return await self._pacing.call(self._platform.post(place, message, key))

    async def _edit(self, place: Place, message_id: str, message: Message) -> None:
        await self._pacing.call(self._platform.edit(place, message_id, message))


def _fact(pending: Pending) -> Fact:
    return Fact(pending.seq, pending.kind, pending.payload, pending.created_at)


def key_text(session_id: uuid.UUID, seq: int, part: str) -> str:
    """What a part of an event ("root", "card", "message", "files", "alone") is called at each attempt.

    Discord takes 25 characters.
    """
    return hashlib.sha256(f"{session_id}:{seq}:{part}".encode()).hexdigest()[:24]


def _key(pending: Pending, part: str) -> Key:
    text = key_text(pending.session_id, pending.seq, part)
    return Key(text, pending.in_doubt, pending.created_at)
