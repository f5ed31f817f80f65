"""The rows behind the delivery, off the event loop: what is due and whose it is, and what became of it."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from bots import messages, story
from bots.platform import Pace
from bots.story import Story
from storage import events, threads
from storage.database import Database
from storage.events import Pending

# A thread whose bot died is silent for so long at most; a claim is renewed while somebody works on it.
CLAIM_SECONDS = 20.0

T = TypeVar("T")


@dataclass(frozen=True)
class Due:
    """What this process has claimed: sessions whose card is to be edited, and the next event of others."""

    cards: frozenset[uuid.UUID]
    posts: Mapping[uuid.UUID, Pending]


class Outbox:
    """The events and cards of one platform's sessions (or of one thread), in transactions of their own."""

    def __init__(self, database: Database, platform: str, pace: Pace, *, thread: str | None = None) -> None:
        self._database = database
        self._platform = platform
        self._thread = thread
        self._still_seconds = None if pace.still_seconds is None else pace.still_seconds - pace.edit_seconds
        self._claimant = uuid.uuid4().hex
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="delivery")

    async def claim(self, most: int) -> Due:
        """Claim what is due, the cards and the events of at most `most` sessions each."""
        return await self.in_thread(self._claim, most)

    def _claim(self, most: int) -> Due:
        with self._database.begin() as db:
            cards = threads.claim_cards(
                db,
                self._platform,
                thread=self._thread,
                seconds=CLAIM_SECONDS,
                idle_seconds=self._still_seconds,
                limit=most,
            )
            posts = events.claim(
                db,
                self._platform,
                self._claimant,
                seconds=CLAIM_SECONDS,
                thread=self._thread,
                kinds=messages.POSTED,
                limit=most,
            )
        return Due(frozenset(cards), {pending.session_id: pending for pending in posts})

    @contextlib.asynccontextmanager
    async def keeping(self, pending: Pending) -> AsyncIterator[None]:
        """Keep a claim for as long as the work takes; a process that dies lets go of it soon."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(CLAIM_SECONDS / 3)
                with contextlib.suppress(SQLAlchemyError):
                    await self.settle(events.renew, pending, seconds=CLAIM_SECONDS)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def settle(self, change: Callable[..., T], pending: Pending, *args: Any, **named: Any) -> T:
        """Record what became of a claimed event: `events.delivered`, `postpone`, `give_up` or `renew`."""
        return await self.write(change, pending.session_id, pending.seq, self._claimant, *args, **named)

    async def story(self, session_id: uuid.UUID) -> Story | None:
        """A session as it stands now; None when it is gone."""
        return await self.write(story.read, session_id)

    async def write(self, change: Callable[..., T], *args: Any, **named: Any) -> T:
        """Run a function of the storage in a transaction of its own."""

        def write() -> T:
            with self._database.begin() as db:
                return change(db, *args, **named)

        return await self.in_thread(write)

    async def in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` at each notice of the database, until cancelled; a lost connection is made anew."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                connection = await psycopg.AsyncConnection.connect(
                    self._database.dsn, autocommit=True, application_name="omc listener"
                )
                async with connection:
                    await connection.execute(f"listen {events.CHANNEL}")
                    wake()  # what was said before we listened
                    async for _ in connection.notifies():
                        wake()
            await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Let what is being written end, but not for ever."""
        closing = asyncio.create_task(asyncio.to_thread(self._pool.shutdown))
        await asyncio.wait({closing}, timeout=5)


class EventReceipts:
    """The receipts of one event's delivery, kept in its row."""

    def __init__(self, outbox: Outbox, pending: Pending) -> None:
        self._outbox = outbox
        self._pending = pending
        self._known: dict[str, str] = dict(pending.receipts)

    @property
    def known(self) -> Mapping[str, str]:
        return self._known

    async def put(self, part: str, value: str) -> None:
        where = (self._pending.session_id, self._pending.seq)
        await self._outbox.write(events.note_receipt, *where, part, value)
        self._known[part] = value
