"""What a job does: take the session's lease, start or resume its run, and write how that ended, once.

RQ passes a session id and a number. Everything else (addresses, the engine) is bound by the worker before it
forks; see `bind`.
"""

import logging
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, assert_never

import psycopg
import sqlalchemy.exc

from engine.outcome import AwaitingUser, Cancelled, Completed, Drained, Failed, Outcome, OverBudget
from engine.speech import Said, said, speaking
from jobs import drain, queue
from jobs.errors import JobsError
from jobs.losses import LEASE_SECONDS
from storage import questions, remarks, sessions
from storage.database import Database
from storage.errors import LeaseLost, StorageError
from storage.sessions import Lease

UNEXPECTED = said(
    "Something went wrong inside this run. It was not your question: start it again, "
    "and quote the reference if it happens twice."
)
OUT_OF_MEMORY = said(
    "This run needed more memory than its worker has. Ask for a shorter period or fewer coins, "
    "or give the worker more memory."
)

logger = logging.getLogger(__name__)


class Run(Protocol):
    """One session at work."""

    def request_drain(self) -> None:
        """Leave at the next point from which the run can be resumed. Called from another thread."""

    def run(self) -> Outcome:
        """Start, or go on from the last checkpoint. Raises LeaseLost."""


@dataclass(frozen=True)
class Workshop:
    """What every job of this worker shares. It holds addresses: each horse opens connections of its own."""

    worker: str
    database_url: str
    redis_url: str
    open_run: Callable[[Database, Lease], Run]
    question_seconds: float = 24 * 3600.0


_workshop: Workshop | None = None


def bind(workshop: Workshop) -> None:
    """Set what this process's jobs work with. The worker's parent calls it once, before it forks."""
    global _workshop
    _workshop = workshop


def run_session(session_id: str, epoch: int) -> None:
    """Work on a session under the number `epoch`; nothing happens when it is not to be had under it."""
    if _workshop is None:
        raise RuntimeError("run_session needs a worker that has bound its workshop")
    shop = _workshop
    database = Database(shop.database_url)
    try:
        with database.begin() as db:
            lease = sessions.take(db, uuid.UUID(session_id), epoch, shop.worker, seconds=LEASE_SECONDS)
        if lease is None:
            logger.info("session %s is not to be had under number %d", session_id, epoch)
            return
        record(database, lease, _work(database, lease, shop), shop)
    except LeaseLost as lost:
        # Somebody else goes on with it: whatever was left undone here is theirs, and nobody is told.
        logger.info("leaving: %s", lost)
    finally:
        database.close()


@dataclass(frozen=True)
class Broken:
    """The run raised: an expected failure in words, or a bug with a reference to its log entry."""

    message: Said
    reference: str = ""


def _work(database: Database, lease: Lease, shop: Workshop) -> Outcome | Broken:
    """Raises LeaseLost, and errors of the database, after which a later attempt goes on."""
    try:
        run = shop.open_run(database, lease)
        with drain.on_request(run.request_drain):
            return run.run()
    except (StorageError, JobsError) as error:
        return Broken(Said(str(error)))
    except MemoryError:
        logger.exception("session %s ran out of memory", lease.session_id)
        return Broken(OUT_OF_MEMORY)
    except Exception as error:
        if is_disconnect(error):
            raise
        reference = secrets.token_hex(4)
        logger.exception("session %s failed, reference %s", lease.session_id, reference)
        return Broken(UNEXPECTED, reference)


def record(database: Database, lease: Lease, outcome: Outcome | Broken, shop: Workshop) -> None:
    """Write how a run ended, together with what its thread hears. Raises LeaseLost."""
    following: queue.Wake | None = None
    with database.begin() as db:
        row = sessions.held(db, lease)
        stopped = row.cancel_requested_at is not None
        match outcome:
            case Completed():
                sessions.complete(db, lease, outcome.result, outcome.payload)
                late = remarks.follow_up(db, row)
                if late is not None:
                    following = queue.Wake(late.id, late.owner_id, 1)
            case Cancelled():
                sessions.cancelled(db, lease)
            case AwaitingUser() | Drained() if stopped:
                # Asked to stop while it was on its way out: nobody else would see the flag.
                sessions.cancelled(db, lease)
            case AwaitingUser():
                questions.ask(
                    db,
                    lease,
                    interrupt_id=outcome.interrupt_id,
                    stage=outcome.stage,
                    about=outcome.about,
                    question=outcome.question,
                    choices=outcome.choices,
                    recommended=outcome.recommended,
                    expires_in=timedelta(seconds=shop.question_seconds),
                )
            case Drained():
                sessions.give_back(db, lease)
            case Failed():
                sessions.fail(db, lease, outcome.message, "", no_data=outcome.no_data)
            case OverBudget():
                sessions.fail(db, lease, outcome.message, "")
            case Broken():
                with speaking(str(row.preferences.get("language") or "")):
                    sessions.fail(db, lease, str(outcome.message), outcome.reference)
            case _:
                assert_never(outcome)
    if following is not None:
        wake_next(shop.redis_url, following, first=False)
    if isinstance(outcome, Drained) and not stopped:
        wake_next(shop.redis_url, queue.Wake(lease.session_id, row.owner_id, lease.epoch + 1))


def wake_next(redis_url: str, wake: queue.Wake, *, first: bool = True) -> None:
    """Put a session that was at work back at the front, or a new one in line; if the queue is away, the sweeper does it later."""
    try:
        client = queue.connect(redis_url)
        try:
            queue.enqueue(client, wake.session_id, wake.owner_id, wake.epoch, first=first)
        finally:
            client.close()
    except JobsError as error:
        logger.warning("%s", error)


def is_disconnect(error: BaseException | None) -> bool:
    """Whether the database went away, rather than the work going wrong."""
    while error is not None:
        if isinstance(error, sqlalchemy.exc.OperationalError | psycopg.OperationalError):
            return True
        error = error.__cause__ or error.__context__
    return False
