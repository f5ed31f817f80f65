"""Telling threads what happened: pending events in order, at least once, and one card that is kept up to date.

The database decides what is due and who does it (claims are columns with an end); LISTEN only wakes. A failed
delivery waits, longer each time or as long as the platform says. What may have arrived is looked up by its
key before it is sent again.
"""

import asyncio
import contextlib
import hashlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bots import messages
from bots.errors import Rejected, TryLater
from bots.platform import File, Key, Message, Place, Platform
from bots.progress import Fact, Progress, fold
from bots.words import Words, words_of
from storage import events, sessions, threads
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.errors import ArtifactError, NotAllowed, StorageError
from storage.events import Pending
from storage.threads import Thread

POLL_SECONDS = 2.0
CLAIM_SECONDS = 40.0
CALL_SECONDS = 15.0
UPLOAD_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 300.0
UPLOAD_ATTEMPTS = 3
AT_ONCE = 12
LONGEST_ASIDE_SECONDS = 2.0
# A message that makes our own code fail must not keep its thread silent for ever.
BUG_ATTEMPTS = 8

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Story:
    """A session as the delivery sees it at one moment: its thread and all its facts."""

    thread: Thread
    facts: tuple[Fact, ...]

    @property
    def progress(self) -> Progress:
        return fold(self.facts)

    @property
    def run(self) -> str:
        return f"R-{self.thread.number}"

    @property
    def place(self) -> Place:
        return Place(self.thread.workspace, self.thread.channel, self.thread.thread)

    @property
    def words(self) -> Words:
        return words_of(self.thread.language)

    @property
    def root(self) -> Message:
        return messages.root(self.progress, self.run, self.words)

    @property
    def card(self) -> Message:
        now, usual = datetime.now(UTC), self.thread.usual_seconds
        return messages.card(self.progress, self.run, now, self.words, usual)

    def message(self, fact: Fact) -> Message:
        """The message that tells one of its facts."""
        return messages.posted(fact, self.run, self.thread.asker, self.words, self.thread.spec)

    def last(self, kinds: Collection[str], before: int) -> Fact | None:
        """The newest fact of some kinds before a number."""
        found = (fact for fact in reversed(self.facts) if fact.kind in kinds and fact.seq < before)
        return next(found, None)


class Delivery:
    """Delivers the events of one platform's sessions (or of one thread) until it is cancelled."""

    def __init__(
        self,
        database: Database,
        platform: Platform,
        store: ArtifactStore,
        *,
        thread: str | None = None,
        restore: Callable[[], object] | None = None,
        give_way: Callable[[], bool] | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`restore` is called when the database does not answer; it may bring it back.

        While `give_way` says so, telling waits for a moment: people who act are answered first.
        """
        self._give_way = give_way
        self._database = database
        self._platform = platform
        self._store = store
        self._thread = thread
        self._restore = restore
        self._poll_seconds = poll_seconds
        self._claimant = uuid.uuid4().hex
        self._wake = asyncio.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="delivery")
        self._tasks: set[asyncio.Task[None]] = set()
        # People who act are answered by the same process: they must not stand behind a hundred threads.
        self._room = asyncio.Semaphore(AT_ONCE)
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    async def run(self) -> None:
        """Deliver whatever is due, now and as it comes. Ends only when cancelled."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                self._wake.clear()
                await self._begin_due()
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes together with the wake-up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wake.wait()
        finally:
            listening.cancel()
            # A call in flight that is cut off would be in doubt, and a connection in use would be left open.
            await asyncio.wait({listening, *self._tasks}, timeout=5)
            closing = asyncio.create_task(asyncio.to_thread(self._pool.shutdown))
            await asyncio.wait({closing}, timeout=5)

    async def _begin_due(self) -> None:
        """Claim what is due and begin telling it, one task a session."""
        try:
            cards, posts = await self._in_thread(self._claim)
        except (SQLAlchemyError, StorageError, OSError) as error:
            logger.warning("delivery waits for the database: %s", str(error).splitlines()[0])
            if self._restore is not None:
                with contextlib.suppress(StorageError):
                    await self._in_thread(self._restore)
            return
        for session_id in {*cards, *posts}:
            task = asyncio.create_task(self._tell(session_id, session_id in cards, posts.get(session_id)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _claim(self) -> tuple[set[uuid.UUID], dict[uuid.UUID, Pending]]:
        pace = self._platform.pace
        still = None if pace.still_seconds is None else pace.still_seconds - pace.edit_seconds
        name = self._platform.name
        with self._database.begin() as db:
            cards = threads.claim_cards(
                db, name, thread=self._thread, seconds=CLAIM_SECONDS, idle_seconds=still
            )
            posts = events.claim(
                db,
                name,
                self._claimant,
                seconds=CLAIM_SECONDS,
                thread=self._thread,
                kinds=messages.POSTED,
            )
        return set(cards), {pending.session_id: pending for pending in posts}

    async def _tell(self, session_id: uuid.UUID, card: bool, post: Pending | None) -> None:
        """Bring one session's card up to date, then tell its next event."""
        lock = self._locks.get(session_id)
        if lock is None:
            lock = self._locks[session_id] = asyncio.Lock()
        try:
            async with lock, self._room:
                await self._step_aside()
                if card:
                    await self._edit_card(session_id)
                if post is not None:
                    await self._post(post)
                    self._wake.set()
        except (
            SQLAlchemyError,
            StorageError,
            OSError,
        ) as error:  # the claims run out, and all is tried again
            logger.warning("R-%s waits for the database: %s", session_id, str(error).splitlines()[0])

    async def _step_aside(self) -> None:
        """Wait while people are being answered, but not for long: they want to hear of their runs as well."""
        waited = 0.0
        while self._give_way is not None and self._give_way() and waited < LONGEST_ASIDE_SECONDS:
            await asyncio.sleep(0.05)
            waited += 0.05

    async def _edit_card(self, session_id: uuid.UUID) -> None:
        story = await self._read(session_id)
        if story is None or story.thread.card_message_id is None:
            return
        pace = self._platform.pace
        again_in_seconds = pace.edit_seconds
        try:
            await self._show(story)
        except TryLater as error:
            seconds = max(pace.edit_seconds, error.seconds or 5.0)
            await self._write(threads.card_postponed, session_id, seconds=seconds)
            return
        except Rejected as error:
            logger.warning("%s: its card cannot be edited: %s", story.run, error)
        except Exception:
            logger.exception("%s: its card could not be shown", story.run)
            again_in_seconds = 30.0
        await self._write(
            threads.card_shown,
            session_id,
            story.progress.seq,
            again_in_seconds=again_in_seconds,
            posted_kinds=messages.POSTED,
        )
        asyncio.get_running_loop().call_later(again_in_seconds, self._wake.set)

    async def _show(self, story: Story) -> None:
        """Edit the card, and the root when it says something else now."""
        thread = story.thread
        await self._call(self._platform.edit(story.place, str(thread.card_message_id), story.card))
        fresh = {fact.kind for fact in story.facts if fact.seq > thread.card_shown_seq}
        if fresh & messages.CHANGE_ROOT and thread.root_message_id is not None:
            await self._call(self._platform.edit(story.place, thread.root_message_id, story.root))

    async def _post(self, pending: Pending) -> None:
        """Tell one event and record it, or leave it for later."""
        where = (pending.session_id, pending.seq, self._claimant)
        try:
            story = await self._read(pending.session_id)
            if story is None:
                return
            async with self._keeping(pending):
                message_id = await self._deliver(pending, story)
        except TryLater as error:
            seconds = error.seconds if error.seconds is not None else _pause(pending.attempts)
            in_doubt = pending.in_doubt or error.in_doubt
            await self._write(events.postpone, *where, seconds=seconds, error=str(error), in_doubt=in_doubt)
            asyncio.get_running_loop().call_later(seconds, self._wake.set)
        except Rejected as error:
            logger.warning("R-%s: %s cannot be told: %s", pending.number, pending.key, error)
            await self._write(events.give_up, *where, str(error))
            if pending.kind == "opened":
                await self._write(_stop_unheard, pending.session_id)
        except (SQLAlchemyError, StorageError):
            raise
        except Exception as error:
            logger.exception("R-%s: telling %s failed", pending.number, pending.key)
            if pending.attempts >= BUG_ATTEMPTS:
                await self._write(events.give_up, *where, repr(error))
            else:
                seconds = _pause(pending.attempts)
                await self._write(events.postpone, *where, seconds=seconds, error=repr(error))
        else:
            await self._write(events.delivered, *where, message_id)

    @contextlib.asynccontextmanager
    async def _keeping(self, pending: Pending) -> AsyncIterator[None]:
        """Keep a claim for as long as the work takes; a process that dies lets go of it soon."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(CLAIM_SECONDS / 3)
                with contextlib.suppress(SQLAlchemyError):
                    where = (pending.session_id, pending.seq, self._claimant)
                    await self._write(events.renew, *where, seconds=CLAIM_SECONDS)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _deliver(self, pending: Pending, story: Story) -> str | None:
        """Do what an event asks for; returns the message that tells it."""
        if pending.kind == "opened":
            return await self._open(pending, story)
        if not story.thread.thread:
            raise Rejected("its thread was never opened")
        fact = Fact(pending.seq, pending.kind, pending.payload, pending.created_at)
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
            case "completed":
                why = await self._upload(pending, story)
                message = messages.files_missing(message, why, story.words) if why else message
            case "files_again":
                why = await self._upload(pending, story)
                message = messages.files_missing(message, why, story.words) if why else message
            case "shared":
                finish = story.last(("completed",), fact.seq)
                if finish is None:
                    raise Rejected("there is no result to share")
                who = str(fact.payload.get("by") or story.words("someone"))
                message = messages.shared(story.message(finish), who, story.words)
                place = replace(place, thread="")
        return await self._call(self._platform.post(place, message, _key(pending, "message")))

    async def _open(self, pending: Pending, story: Story) -> str:
        """Open the thread (or say so in the one it was asked for in) and hang the card into it."""
        thread = story.thread
        if thread.root_message_id is None:
            root, key = story.root, _key(pending, "root")
            if thread.thread:
                message_id = await self._call(self._platform.post(story.place, root, key))
                thread = replace(thread, root_message_id=message_id)
            else:
                opened = await self._call(self._platform.open_thread(story.place, root, key))
                thread = replace(thread, root_message_id=opened.message_id, thread=opened.thread)
            await self._write(threads.opened, thread.session_id, thread.thread, str(thread.root_message_id))
        if thread.card_message_id is None:
            place = replace(story.place, thread=thread.thread)
            message_id = await self._call(self._platform.post(place, story.card, _key(pending, "card")))
            await self._write(
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
        ending = story.last(messages.ENDINGS, after.seq)
        if ending is None:
            return None
        closed = messages.closed_ending(story.message(ending), after, story.run, story.words)
        return await self._edit_told(ending, story, closed)

    async def _edit_told(self, fact: Fact, story: Story, message: Message) -> str | None:
        """Edit the message in which a fact was told; None when there is none."""
        message_id = await self._write(events.message_of, story.thread.session_id, fact.seq)
        if message_id is None:
            return None
        try:
            await self._call(self._platform.edit(story.place, message_id, message))
        except Rejected as error:  # somebody deleted it: it is said anew
            logger.info("%s: %s cannot be edited: %s", story.run, fact.kind, error)
            return None
        return message_id

    async def _upload(self, pending: Pending, story: Story) -> str:
        """Send the files of a finished run; returns why they are missing, or nothing.

        The verdict does not wait for ever: after a few attempts it is told without them.
        """
        known = pending.receipts.get("files")
        named = pending.payload.get("files") or []
        if known is not None or not named:
            return str(known or "").removeprefix("sent")
        receipts = EventReceipts(self, pending)
        why = ""
        try:
            files = await self._in_thread(self._read_files, named)
            await self._call(
                self._platform.upload(story.place, files, _key(pending, "files"), receipts),
                seconds=UPLOAD_SECONDS,
            )
        except TryLater as error:
            if pending.attempts < UPLOAD_ATTEMPTS:
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

    async def _call(self, doing: Coroutine[Any, Any, T], *, seconds: float = CALL_SECONDS) -> T:
        """Wait for a platform, but not for ever."""
        try:
            async with asyncio.timeout(seconds):
                return await doing
        except TimeoutError as error:
            raise TryLater(f"{self._platform.name} did not answer in {seconds:.0f} s") from error

    async def _read(self, session_id: uuid.UUID) -> Story | None:
        def read() -> Story | None:
            with self._database.begin() as db:
                thread = threads.load(db, session_id)
                if thread is None:
                    return None
                rows = events.since(db, session_id)
            return Story(thread, tuple(Fact(row.seq, row.kind, row.payload, row.created_at) for row in rows))

        return await self._in_thread(read)

    async def _write(self, change: Callable[..., T], *args: Any, **named: Any) -> T:
        """Run a function of the storage in a transaction of its own."""

        def write() -> T:
            with self._database.begin() as db:
                return change(db, *args, **named)

        return await self._in_thread(write)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    async def _listen(self) -> None:
        """Wake at each notice of the database; a lost connection is made anew (polling goes on meanwhile)."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                connection = await psycopg.AsyncConnection.connect(
                    self._database.dsn, autocommit=True, application_name="omc listener"
                )
                async with connection:
                    await connection.execute(f"listen {events.CHANNEL}")
                    self._wake.set()  # what was said before we listened
                    async for _ in connection.notifies():
                        self._wake.set()
            await asyncio.sleep(1.0)


class EventReceipts:
    """The receipts of one event's delivery, kept in its row."""

    def __init__(self, delivery: Delivery, pending: Pending) -> None:
        self._delivery = delivery
        self._pending = pending
        self._known: dict[str, str] = dict(pending.receipts)

    @property
    def known(self) -> Mapping[str, str]:
        return self._known

    async def put(self, part: str, value: str) -> None:
        where = (self._pending.session_id, self._pending.seq)
        await self._delivery._write(events.note_receipt, *where, part, value)
        self._known[part] = value


def _stop_unheard(db: Session, session_id: uuid.UUID) -> None:
    """Stop a run whose thread cannot be opened: nobody would ever hear of it."""
    with contextlib.suppress(NotAllowed):
        sessions.request_cancel(db, session_id)


def _key(pending: Pending, part: str) -> Key:
    """A short key that is the same at each attempt; Discord takes 25 characters."""
    name = f"{pending.session_id}:{pending.seq}:{part}"
    return Key(hashlib.sha256(name.encode()).hexdigest()[:24], pending.in_doubt, pending.created_at)


def _pause(attempts: int) -> float:
    """Seconds to wait after that many attempts: 1, 2, 4 ... five minutes."""
    return float(min(LONGEST_PAUSE_SECONDS, 2.0 ** min(attempts - 1, 20)))
