"""The queue: it only wakes workers. What is to be done stands in the session's row.

A job is called `<session id>-<epoch>`, the epoch being the number under which a worker may take the session.
A job that is lost, repeated or late is therefore harmless: the row decides, and the sweeper wakes again.

Owners take turns: one job of each owner is at work or next in line, the others wait behind it. How many
sessions one person or the whole system may have open at all is the business of access control, not of the queue.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis.exceptions
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.rate_limit import RateLimit, RateLimitRegistry
from rq.serializers import JSONSerializer
from rq.utils import as_text

from jobs.errors import QueueUnavailable

QUEUE = "omc"
TASK = "jobs.tasks.run_session"
AT_ONCE_PER_OWNER = 1
KEEP_FINISHED_SECONDS = 60
KEEP_FAILED_SECONDS = 24 * 3600
# The worker's parent watches the time of a run: RQ's own limit is an exception in the middle of anything.
NO_LIMIT = -1
SUSPICION_MILLISECONDS = 30_000


@dataclass(frozen=True)
class Wake:
    """A worker is to be woken for a session, to take it under the number `epoch`."""

    session_id: uuid.UUID
    owner_id: uuid.UUID
    epoch: int

    @property
    def job_id(self) -> str:
        return f"{self.session_id}-{self.epoch}"


@dataclass(frozen=True)
class Slot:
    """An owner's place in line, held by a job."""

    owner_id: str
    job_id: str


def connect(url: str) -> Redis:
    """A client for `url`; connects on first use and gives up on a dead server within seconds.

    Raises QueueUnavailable, in words, when the URL cannot be understood.
    """
    try:
        return Redis.from_url(
            url,
            socket_connect_timeout=5,
            socket_timeout=5,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        )
    except (ValueError, redis.exceptions.RedisError) as error:
        raise QueueUnavailable(
            "REDIS_URL is not a queue's address. It should look like redis://host:6379/0 or unix:///path/to/socket."
        ) from error


def open_queue(client: Redis) -> Queue:
    """The one queue of the project; arguments travel as JSON."""
    return Queue(QUEUE, connection=client, serializer=JSONSerializer)


def enqueue(
    client: Redis, session_id: uuid.UUID, owner_id: uuid.UUID, epoch: int, *, first: bool = False
) -> None:
    """Wake a worker to take a session under the number `epoch` (its row's `lease_epoch` + 1).

    Call it after the row is committed. With `first` (a session that was already at work) it goes before
    everything that waits. Raises QueueUnavailable: the session stays queued and the sweeper wakes a worker later.
    """
    wake = Wake(session_id, owner_id, epoch)
    with reachable(client):
        open_queue(client).enqueue(
            TASK,
            str(session_id),
            epoch,
            job_id=wake.job_id,
            job_timeout=NO_LIMIT,
            result_ttl=KEEP_FINISHED_SECONDS,
            failure_ttl=KEEP_FAILED_SECONDS,
            rate_limit=RateLimit(str(owner_id), AT_ONCE_PER_OWNER),
            at_front=first,
        )
        # The front of the queue is not the front of the owner's own waiting list; and RQ keeps that list by
        # whole seconds, within which the job's random name would decide.
        waiting = RateLimitRegistry(str(owner_id), client).rate_limited_key
        client.zadd(waiting, {wake.job_id: 0 if first else time.time()}, xx=True)


def parse_job_id(job_id: str) -> tuple[uuid.UUID, int] | None:
    """The session and the epoch that a job is about; None for a job that is not ours."""
    session_id, _, epoch = job_id.rpartition("-")
    try:
        return uuid.UUID(session_id), int(epoch)
    except ValueError:
        return None


def find_lost(client: Redis, wakes: Sequence[Wake]) -> list[Wake]:
    """Those of `wakes` for which no job stands in line. Raises QueueUnavailable."""
    if not wakes:
        return []
    line = open_queue(client)
    with reachable(client):
        pipeline = client.pipeline(transaction=True)
        pipeline.lrange(line.key, 0, -1)
        for wake in wakes:
            pipeline.hget(Job.key_for(wake.job_id), "status")
            pipeline.zscore(RateLimitRegistry(str(wake.owner_id), client).rate_limited_key, wake.job_id)
        in_line, *found = pipeline.execute()
    standing = {as_text(job_id) for job_id in in_line}
    lost = []
    for number, wake in enumerate(wakes):
        status, place = found[2 * number], found[2 * number + 1]
        queued = status == b"queued" and wake.job_id in standing
        waits_its_turn = status == b"rate_limited" and place is not None
        if not queued and not waits_its_turn:
            lost.append(wake)
    return lost


def slots(client: Redis) -> list[Slot]:
    """The places in line that are taken. Raises QueueUnavailable."""
    with reachable(client):
        return [
            Slot(registry.key, job_id)
            for registry in RateLimitRegistry.all(client)
            for job_id in registry.get_allowed_job_ids()
        ]


def release(client: Redis, slot: Slot) -> None:
    """Free the place of a job whose worker is gone, for the next of its owner. Raises QueueUnavailable.

    RQ's own clean-up leaves the place taken for as long as the job reads "started".
    """
    with reachable(client):
        RateLimitRegistry(slot.owner_id, client).release_and_enqueue(slot.job_id)
        with suppress(NoSuchJobError):
            Job.fetch(slot.job_id, connection=client, serializer=JSONSerializer).delete()


def suspected_seconds(client: Redis, job_id: str) -> float:
    """For how long a job has looked wrong: 0.0 the first time, then the seconds since.

    A job on its way from the line into a worker looks lost for a moment; only what stays lost is repaired.
    Raises QueueUnavailable.
    """
    key = f"omc:suspect:{job_id}"
    with reachable(client):
        if client.set(key, "1", nx=True, px=SUSPICION_MILLISECONDS):
            return 0.0
        left = int(client.pttl(key))
        return (SUSPICION_MILLISECONDS - left) / 1000 if left >= 0 else 0.0


@contextmanager
def reachable(client: Redis) -> Iterator[None]:
    """Turns what the client raises about its server into QueueUnavailable."""
    try:
        yield
    except (redis.exceptions.RedisError, OSError) as error:
        raise QueueUnavailable(
            f"The queue at {_address(client)} cannot be used: {_cause(error)}. "
            "Check REDIS_URL, or unset it to use the built-in queue."
        ) from error


def _address(client: Redis) -> str:
    how = client.connection_pool.connection_kwargs
    if "path" in how:
        return str(how["path"])
    return f"{how.get('host', 'localhost')}:{how.get('port', 6379)}"


def _cause(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return (said[0] if said else type(error).__name__).rstrip(".")
