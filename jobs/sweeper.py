"""Repairs: whatever the queue, a worker or a person left lying is set going again from the rows.

One sweep at a time, wherever it runs: an advisory lock sees to that. Workers sweep inside their own loop, idle
or busy, between two looks at the queue; neither a thread nor a child does it, because a worker forks. `omc
sweeper` runs the same in a process of its own, for a house whose workers all may be down.
"""

import contextlib
import logging
import threading
import uuid
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis import Redis
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import queue, schedule
from jobs.errors import JobsError
from jobs.losses import settle_expired
from jobs.queue import Slot, Wake
from storage import heard, predictions, questions, sessions
from storage.database import SWEEP_LOCK, Database
from storage.errors import LeaseLost, StorageError
from storage.models import AnalysisSession

SWEEP_SECONDS = 2.0
# What only looks wrong (a job on its way into a worker) is left alone for so long.
GRACE_SECONDS = 3.0

logger = logging.getLogger(__name__)


class SweeperSettings(BaseSettings):
    """When to give a session up."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    agent_max_retries: int = Field(
        3, ge=0, description="How often in a row a run goes on after its worker was lost, before it fails."
    )


@dataclass(frozen=True)
class Swept:
    """What one sweep repaired."""

    expired_questions: int = 0
    lost_workers: int = 0
    woken: int = 0
    freed_slots: int = 0
    reminders: int = 0
    scored_predictions: int = 0
    begun_by_schedule: int = 0

    def __bool__(self) -> bool:
        return any(vars(self).values())


class Services(Protocol):
    """The servers to work with, as `storage.embedded.connect` gives them."""

    @property
    def database_url(self) -> str: ...

    @property
    def redis_url(self) -> str: ...

    def ensure(self) -> bool:
        """Start the built-in servers again if they are gone. Raises ServiceError."""


def sweep(database: Database, client: Redis, *, max_retries: int = 3) -> Swept:
    """Look through all unfinished sessions once. Does nothing while somebody else sweeps.

    Raises QueueUnavailable, and SQLAlchemy's errors when the database does not answer.
    """
    with database.engine.connect() as guard, guard.begin():
        if not guard.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(SWEEP_LOCK))):
            return Swept()
        return Swept(
            expired_questions=answer_overdue_questions(database, client),
            lost_workers=replace_lost_workers(database, client, max_retries=max_retries),
            woken=wake_again(database, client),
            freed_slots=free_stale_slots(database, client),
            reminders=remind_of_questions(database),
            scored_predictions=score_predictions(database),
            begun_by_schedule=schedule.start_due(database, client),
        )


def run_sweeper(services: Services, stop: threading.Event, settings: SweeperSettings | None = None) -> None:
    """Sweep every two seconds until `stop` is set; servers that are away are waited for."""
    max_retries = (settings or SweeperSettings()).agent_max_retries
    database = Database(services.database_url, lock_timeout_seconds=3)
    client = queue.connect(services.redis_url)
    try:
        while not stop.is_set():
            try:
                swept = sweep(database, client, max_retries=max_retries)
                if swept:
                    logger.info("repaired: %s", swept)
            except (SQLAlchemyError, JobsError) as error:
                logger.warning("sweeping waits: %s", str(error).splitlines()[0])
                with contextlib.suppress(StorageError):
                    services.ensure()
            stop.wait(SWEEP_SECONDS)
    finally:
        client.close()
        database.close()


def score_predictions(database: Database) -> int:
    """Score what finished runs predicted, where the prices have come since."""
    with database.begin() as db:
        return predictions.score(db)


def answer_overdue_questions(database: Database, client: Redis) -> int:
    """Go on with the recommended choice where nobody answered in time."""
    with database.begin() as db:
        overdue = questions.overdue(db)
    answered = 0
    for question in overdue:
        with database.begin() as db:
            row = _lock(db, question.session_id)
            if row is None:
                continue
            outcome = questions.answer(
                db,
                question.session_id,
                question.recommended,
                user_id=None,
                interrupt_id=question.interrupt_id,
                by="expiry",
            )
        if outcome.accepted:
            answered += 1
            queue.enqueue(client, row.id, row.owner_id, row.lease_epoch + 1, first=True)
    return answered


def remind_of_questions(database: Database) -> int:
    """Call people once more whose question is about to run out; forget what chats will not repeat."""
    with database.begin() as db:
        forgotten = questions.forgotten(db)
        for question in forgotten:
            questions.remind(db, question)
        heard.forget_old(db)
    return len(forgotten)


def replace_lost_workers(database: Database, client: Redis, *, max_retries: int) -> int:
    """Wake another worker for sessions whose worker fell silent, or end those that lost too many."""
    with database.begin() as db:
        silent = sessions.expired_leases(db)
    replaced = 0
    for row in silent:
        wake = None
        with contextlib.suppress(LeaseLost), database.begin() as db:
            if _lock(db, row.id) is not None:
                wake = settle_expired(db, row, max_retries=max_retries)
        if wake and queue.find_lost(client, [wake]):
            queue.enqueue(client, wake.session_id, wake.owner_id, wake.epoch, first=True)
            replaced += 1
        # After the new job stands first in its owner's line: freeing the slot lets the first one through.
        queue.release(client, Slot(str(row.owner_id), Wake(row.id, row.owner_id, row.lease_epoch).job_id))
    return replaced


def wake_again(database: Database, client: Redis, *, after_seconds: float = GRACE_SECONDS) -> int:
    """Wake a worker for queued sessions whose job is not in line any more, and has not been for so long."""
    with database.begin() as db:
        waiting = [Wake(row.id, row.owner_id, row.lease_epoch + 1) for row in sessions.queued(db)]
    woken = 0
    for wake in queue.find_lost(client, waiting):
        if queue.suspected_seconds(client, wake.job_id) >= after_seconds:
            queue.enqueue(client, wake.session_id, wake.owner_id, wake.epoch, first=wake.epoch > 1)
            woken += 1
    return woken


def free_stale_slots(database: Database, client: Redis) -> int:
    """Free the places in line that are held by jobs whose session has moved on without them."""
    held = {slot: parsed for slot in queue.slots(client) if (parsed := queue.parse_job_id(slot.job_id))}
    if not held:
        return 0
    with database.begin() as db:
        wanted = {session_id for session_id, _ in held.values()}
        rows = {
            row.id: row for row in db.scalars(select(AnalysisSession).where(AnalysisSession.id.in_(wanted)))
        }
    freed = 0
    for slot, (session_id, epoch) in held.items():
        if _is_due(rows.get(session_id), epoch):
            continue
        if queue.suspected_seconds(client, slot.job_id) >= GRACE_SECONDS:
            queue.release(client, slot)
            freed += 1
    return freed


def _lock(db: Session, session_id: uuid.UUID) -> AnalysisSession | None:
    """The session's row, locked; None while somebody else holds it, who may be frozen: then next time."""
    row = select(AnalysisSession).where(AnalysisSession.id == session_id)
    return db.scalar(row.with_for_update(skip_locked=True))


def _is_due(row: AnalysisSession | None, epoch: int) -> bool:
    """Whether job number `epoch` of a session is at work or still to come."""
    if row is None or row.status not in ("queued", "running"):
        return False
    return epoch == row.lease_epoch + 1 or (epoch == row.lease_epoch and row.status == "running")
