"""The worker's parent process: it forks a horse for each job, watches it, and keeps the session's lease alive.

It beats for the horse, because nothing in the horse can while a C call holds the interpreter. It ends the horse
when the run is cancelled, too slow or lost to another worker, or when this worker has to go. What it learns, it
learns from the session's row. It never computes, and has no thread: both would break the processes it forks.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Literal

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus
from sqlalchemy.exc import SQLAlchemyError

from jobs import drain, process, queue
from jobs.errors import JobsError
from jobs.losses import LEASE_SECONDS, Reason, settle
from jobs.sweeper import SWEEP_SECONDS, Services, sweep
from storage import sessions
from storage.database import Database
from storage.errors import LeaseLost, StorageError
from storage.presence import Presence
from storage.sessions import Lease

BEAT_SECONDS = 1
# A run looks at its cancel flag twice a second: time to leave by itself before it is killed.
CANCEL_GRACE_SECONDS = 0.6
# The run ends a stage that takes too long by itself; the parent comes in so much later when it does not.
LONGEST_SLOW_GRACE_SECONDS = 60.0
STOPS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger(__name__)


class Told:
    """Whether this process was told to end before its parent was at work.

    The exception alone is not enough: raised in a destructor or a library's callback, it is dropped there.
    """

    def __init__(self) -> None:
        self.to_end = False

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """A signal's handler. Raises StopRequested: there is nothing to hand over yet."""
        self.to_end = True
        raise StopRequested


class Parent(Worker):
    """An RQ worker that follows the session's row."""

    exponential_backoff_factor = 1.0

    def __init__(
        self,
        client: Redis,
        database: Database,
        services: Services,
        presence: Presence | None,
        told: Told,
        *,
        name: str,
        owner: str,
        max_retries: int,
        timeout_seconds: float,
        drain_seconds: float,
    ) -> None:
        super().__init__(
            [queue.open_queue(client)],
            name=name,
            connection=client,
            serializer=JSONSerializer,
            job_monitoring_interval=BEAT_SECONDS,
            maintenance_interval=30,
            log_job_description=False,
        )
        self._client = client
        self._database = database
        self._services = services
        self._presence = presence
        self._told = told
        self._owner = owner
        self._max_retries = max_retries
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = timeout_seconds + min(timeout_seconds, LONGEST_SLOW_GRACE_SECONDS)
        self._drain_seconds = drain_seconds
        self._lease: Lease | None = None
        self._reason: Reason | Literal["lost"] | None = None
        self._stage: str | None = None
        self._stage_since = 0.0
        self._drain_until = float("inf")
        self._swept_at = float("-inf")
        self._between_jobs = True
        self._stop_requested_at = 0.0

    @property
    def stopping(self) -> bool:
        """Whether this worker was told to end."""
        return bool(self._stop_requested) or self._told.to_end

    # A job, from the fork to the end of its horse.

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._between_jobs = False
        self._begin(job)
        try:
            super().execute_job(job, queue)
        except RedisError as error:
            # Its bookkeeping is lost, the session is not: the row tells how far it came.
            logger.warning("the queue went away during %s: %s", job.id, error)
            self._recover()
        finally:
            if self.horse_pid:
                self.kill_horse()
                self.wait_for_horse()
                self._horse_pid = 0
            self._settle()
            self._lease = None
            self._between_jobs = True

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # Until the horse has handlers of its own, the parent's would run in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [*STOPS, drain.SIGNAL])
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [*STOPS, drain.SIGNAL])

    def setup_work_horse_signals(self) -> None:
        """The first thing that runs in a horse."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        if not process.die_with_parent(self.pid or 0, signal.SIGKILL):
            os._exit(1)
        drain.listen()
        if self._presence is not None:
            self._presence.leave_in_child()
        self._database.engine.dispose(close=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*STOPS, drain.SIGNAL])

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Called every BEAT_SECONDS while a horse is at work."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            logger.warning("the queue does not answer: %s", error)
            self._recover()
        self._watch()
        self._sweep_when_due()

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        # Before RQ frees the owner's slot, so that the session's next job gets it.
        if not self.is_horse:
            self._settle()
        super().handle_job_failure(job, queue, *args, **kwargs)

    def _begin(self, job: Job) -> None:
        parsed = queue.parse_job_id(job.id)
        self._lease = Lease(*parsed, owner=self._owner) if parsed else None
        self._reason = None
        self._stage, self._stage_since = None, time.monotonic()

    def _watch(self) -> None:
        if self._lease is None or not self.horse_pid:
            return
        now = time.monotonic()
        if self._stop_requested:
            if now >= self._drain_until:
                self._end_horse("drain")
                return
            self._ask_horse_to_make_way()
        try:
            with self._database.begin() as db:
                beat = sessions.beat(db, self._lease, seconds=LEASE_SECONDS)
                lost = beat is None and sessions.taken_over(db, self._lease)
        except SQLAlchemyError as error:
            logger.warning("the database does not answer: %s", _first_line(error))
            self._recover()
            return
        if lost:
            self._end_horse("lost")
        elif beat is not None:
            if beat.stage != self._stage:
                self._stage, self._stage_since = beat.stage, now
            if (beat.cancel_requested_seconds_ago or 0.0) >= CANCEL_GRACE_SECONDS:
                self._end_horse("cancel")
        if now - self._stage_since >= self._patience_seconds:
            self._end_horse("slow")

    def _end_horse(self, reason: Reason | Literal["lost"]) -> None:
        if self._reason is None:
            logger.info("ending the run of %s: %s", self._lease, reason)
            self._reason = reason
        self._stopped_job_id = self._job_id()
        self.kill_horse()

    def _ask_horse_to_make_way(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.horse_pid, drain.SIGNAL)

    def _settle(self) -> None:
        """Write what becomes of the session if its horse left it running. Safe to repeat."""
        if self._lease is None or self._reason == "lost":
            return
        reason = self._reason or ("drain" if self._stop_requested else None)
        try:
            with self._database.begin() as db:
                wake = settle(
                    db,
                    self._lease,
                    reason,
                    max_retries=self._max_retries,
                    timeout_seconds=self._timeout_seconds,
                )
            if wake is not None:
                queue.enqueue(self._client, wake.session_id, wake.owner_id, wake.epoch, first=True)
        except LeaseLost:
            pass
        except (SQLAlchemyError, JobsError) as error:
            logger.warning("%s is left to the sweeper: %s", self._lease, _first_line(error))

    def _job_id(self) -> str | None:
        return f"{self._lease.session_id}-{self._lease.epoch}" if self._lease else None

    # Between jobs.

    @property
    def dequeue_timeout(self) -> int:
        # How long an idle worker waits for a job before it looks round.
        return int(SWEEP_SECONDS)

    @property
    def should_run_maintenance_tasks(self) -> bool:
        return self._sweep_due() or bool(super().should_run_maintenance_tasks)

    def run_maintenance_tasks(self) -> None:
        self._sweep_when_due()
        if super().should_run_maintenance_tasks:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if self.stopping and self._between_jobs:  # told to end where the exception was dropped
            raise StopRequested
        try:
            super().heartbeat(timeout, pipeline)
        except RedisError:
            self._recover()
            super().heartbeat(timeout, pipeline)

    def set_state(self, state: str, pipeline: Any = None) -> None:
        # For dashboards only: not worth the worker's end.
        with contextlib.suppress(RedisError):
            super().set_state(state, pipeline)

    def subscribe(self) -> None:
        """No commands through Redis: they need a thread, and the rows already say what to do."""

    def unsubscribe(self) -> None:
        """See subscribe."""

    def _sweep_due(self) -> bool:
        return time.monotonic() - self._swept_at >= SWEEP_SECONDS

    def _sweep_when_due(self) -> None:
        if not self._sweep_due():
            return
        with self._undisturbed():
            try:
                if self._presence is not None:
                    self._presence.keep()
                swept = sweep(self._database, self._client, max_retries=self._max_retries)
                if swept:
                    logger.info("repaired: %s", swept)
            except (SQLAlchemyError, StorageError, JobsError) as error:
                logger.warning("sweeping waits: %s", _first_line(error))
                self._recover()
            finally:
                self._swept_at = time.monotonic()

    def _recover(self) -> None:
        """Have built-in servers started again; servers of somebody else's are waited for."""
        try:
            if self._services.ensure():
                logger.warning("the built-in servers had gone and were started again")
        except StorageError as error:
            logger.warning("%s", error)

    # Being told to end.

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Take no more jobs; have the one at work make way, for another worker to go on with."""
        for number in STOPS:
            signal.signal(number, self.request_force_stop)
        self._stop_requested = True
        self._stop_requested_at = time.monotonic()
        self._drain_until = self._stop_requested_at + self._drain_seconds
        if self.horse_pid:
            self._ask_horse_to_make_way()
        elif self._between_jobs:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Asked twice: do not wait for the horse. What it has reached is kept all the same."""
        # A service manager may signal the process and its group, which is one request.
        if self.horse_pid and time.monotonic() - self._stop_requested_at >= 1:
            self._end_horse("drain")

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Let a request to end wait until the rows are written."""
        before, self._between_jobs = self._between_jobs, False
        try:
            yield
        finally:
            self._between_jobs = before
        if self._stop_requested and self._between_jobs and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
