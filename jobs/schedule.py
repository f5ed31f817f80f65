"""Schedules whose time has come: each makes its run, which a worker is woken for. Run by the sweeper, under its lock."""

import contextlib

from redis import Redis

from jobs import queue
from jobs.errors import JobsError
from storage import schedules
from storage.database import Database


def start_due(database: Database, client: Redis) -> int:
    """Begin the runs that are due and say how many; a queue that is away wakes nobody, and a later sweep does."""
    with database.begin() as db:
        due = schedules.due(db)
    begun = 0
    for number in due:
        with database.begin() as db:
            row = schedules.start(db, number)
        if row is None:
            continue
        begun += 1
        with contextlib.suppress(JobsError):
            queue.enqueue(client, row.id, row.owner_id, row.lease_epoch + 1)
    return begun
