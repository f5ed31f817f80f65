"""Telling threads what happened: pending events in order, at least once, and one card that is kept up to date.

The database decides what is due and who does it (claims are columns with an end); LISTEN only wakes. A failed
delivery waits, longer each time or as long as the platform says. What may have arrived is looked up by its
key before it is sent again. `bots.outbox` holds the rows, `bots.telling` makes the calls, `bots.pacing` their time.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from weakref import WeakValueDictionary

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bots import messages
from bots.errors import Rejected, TryLater
from bots.outbox import Outbox
from bots.pacing import Pacing, pause
from bots.platform import Platform
from bots.story import Story
from bots.telling import Teller
from storage import events, sessions, threads
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.errors import NotAllowed, StorageError
from storage.events import Pending

POLL_SECONDS = 2.0
# Notices that come close together are looked after at once.
GATHER_SECONDS = 0.02
# Sessions that are told at the same time; most of them wait for the platform or for their turn.
MOST_TOLD = 48
# A message that makes our own code fail must not keep its thread silent for ever.
BUG_ATTEMPTS = 8

logger = logging.getLogger(__name__)


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
        self._edit_seconds = platform.pace.edit_seconds
        self._restore = restore
        self._poll_seconds = poll_seconds
        self._outbox = Outbox(database, platform.name, platform.pace, thread=thread)
        self._pacing = Pacing(platform, give_way)
        self._teller = Teller(platform, self._outbox, store, self._pacing)
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    async def run(self) -> None:
        """Deliver whatever is due, now and as it comes. Ends only when cancelled."""
        listening = asyncio.create_task(self._outbox.listen(self._wake.set))
        try:
            while True:
                self._wake.clear()
                await self._pacing.step_aside()
                await self._begin_due()
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes together with the wake-up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            listening.cancel()
            # A call in flight that is cut off would be in doubt, and a connection in use would be left open.
            await asyncio.wait({listening, *self._tasks}, timeout=5)
            await self._outbox.close()

    async def _begin_due(self) -> None:
        """Claim what there is room for and begin telling it, one task a session."""
        room = MOST_TOLD - len(self._tasks)
        if room <= 0:
            return  # the first that ends wakes us
        try:
            due = await self._outbox.claim(room)
        except (SQLAlchemyError, StorageError, OSError) as error:
            logger.warning("delivery waits for the database: %s", str(error).splitlines()[0])
            if self._restore is not None:
                with contextlib.suppress(StorageError):
                    await self._outbox.in_thread(self._restore)
            return
        for session_id in {*due.cards, *due.posts}:
            task = asyncio.create_task(
                self._tell(session_id, session_id in due.cards, due.posts.get(session_id))
            )
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._tasks) >= MOST_TOLD
        self._tasks.discard(task)
        if was_full:
            self._wake.set()

    async def _tell(self, session_id: uuid.UUID, card: bool, post: Pending | None) -> None:
        """Bring one session's card up to date, then tell its next event."""
        lock = self._locks.get(session_id)
        if lock is None:
            lock = self._locks[session_id] = asyncio.Lock()
        try:
            async with contextlib.AsyncExitStack() as stack:
                if post is not None:
                    await stack.enter_async_context(self._outbox.keeping(post))
                await stack.enter_async_context(lock)
                await self._pacing.step_aside()
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
            logger.warning("session %s waits for the database: %s", session_id, str(error).splitlines()[0])

    async def _edit_card(self, session_id: uuid.UUID) -> None:
        story = await self._outbox.story(session_id)
        if story is None or story.thread.card_message_id is None:
            return
        again_in_seconds = self._edit_seconds
        try:
            await self._teller.show(story)
        except TryLater as error:
            seconds = max(self._edit_seconds, error.seconds or 5.0)
            await self._outbox.write(threads.card_postponed, session_id, seconds=seconds)
            return
        except Rejected as error:
            logger.warning("%s: its card cannot be edited: %s", story.run, error)
        except Exception:
            logger.exception("%s: its card could not be shown", story.run)
            again_in_seconds = 30.0
        await self._outbox.write(
            threads.card_shown,
            session_id,
            story.progress.seq,
            again_in_seconds=again_in_seconds,
            posted_kinds=messages.POSTED,
        )
        asyncio.get_running_loop().call_later(again_in_seconds, self._wake.set)

    async def _post(self, pending: Pending) -> None:
        """Tell one event and record it, or leave it for later."""
        try:
            story = await self._outbox.story(pending.session_id)
            if story is None:
                return
            try:
                message_id = await self._teller.tell(pending, story)
            except Rejected as error:
                await self._give_up(pending, story, str(error))
                return
        except TryLater as error:
            seconds = error.seconds if error.seconds is not None else pause(pending.attempt)
            in_doubt = pending.in_doubt or error.in_doubt
            await self._postpone(
                pending, seconds, str(error), in_doubt=in_doubt, failed=not error.is_patience
            )
        except (SQLAlchemyError, StorageError):
            raise
        except Exception as error:
            logger.exception("R-%s: telling %s failed", pending.number, pending.key)
            if pending.attempt >= BUG_ATTEMPTS:
                await self._outbox.settle(events.give_up, pending, repr(error))
            else:
                await self._postpone(pending, pause(pending.attempt), repr(error))
        else:
            await self._outbox.settle(events.delivered, pending, message_id)

    async def _postpone(
        self,
        pending: Pending,
        seconds: float,
        error: str,
        *,
        in_doubt: bool = True,
        failed: bool = True,
    ) -> None:
        how = {"seconds": seconds, "error": error, "in_doubt": in_doubt, "failed": failed}
        await self._outbox.settle(events.postpone, pending, **how)
        asyncio.get_running_loop().call_later(seconds, self._wake.set)

    async def _give_up(self, pending: Pending, story: Story, why: str) -> None:
        """Record what the thread will never hear; the asker hears it alone where they must. Raises TryLater."""
        logger.warning("%s: %s cannot be told: %s", story.run, pending.key, why)
        if pending.kind == "opened":
            await self._outbox.write(_stop_unheard, pending.session_id)
        try:
            alone = await self._teller.tell_alone(pending, story, why)
        except Rejected as error:
            logger.warning("%s: nor can the asker be told alone: %s", story.run, error)
            await self._outbox.settle(events.give_up, pending, f"{why}; nor could the asker be told: {error}")
        else:
            how = "; the asker was told in private" if alone else ""
            await self._outbox.settle(events.give_up, pending, f"{why}{how}")


def _stop_unheard(db: Session, session_id: uuid.UUID) -> None:
    """Stop a run whose thread cannot be opened: nobody would ever hear of it."""
    with contextlib.suppress(NotAllowed):
        sessions.request_cancel(db, session_id)
