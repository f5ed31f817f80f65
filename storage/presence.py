"""Which workers live, and which of them cannot run agents' code: shared advisory locks on connections of their own.

The server lets go of the lock when the process is gone, however it died: nobody guesses from old rows.
"""

import contextlib
import os

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from storage.database import CODE_OFF_LOCK, WORKER_LOCK, Database, unavailable


class Presence:
    """This process's place among the living workers; `keep()` takes it, and again after a lost connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None
        self._locks = [WORKER_LOCK]

    def say_code_is_off(self) -> None:
        """Let it be known that this worker cannot run code of agents, for as long as it lives."""
        self._locks.append(CODE_OFF_LOCK)
        if self._connection is not None:
            with contextlib.suppress(psycopg.OperationalError):  # a lost connection: `keep` takes both again
                self._connection.execute("select pg_advisory_lock_shared(%s)", [CODE_OFF_LOCK])

    def keep(self) -> None:
        """Be counted. Raises DatabaseUnavailable while the database does not answer."""
        if self._connection is not None:
            try:
                self._connection.execute("select 1")
                return
            except psycopg.OperationalError:
                self._connection.close()
                self._connection = None
        try:
            connection = psycopg.connect(
                self._database.dsn, autocommit=True, connect_timeout=10, application_name="omc worker"
            )
            for lock in self._locks:
                connection.execute("select pg_advisory_lock_shared(%s)", [lock])
        except psycopg.OperationalError as error:
            raise unavailable(self._database.engine, error) from error
        self._connection = connection

    def leave_in_child(self) -> None:
        """In a forked child: drop the inherited socket without a word, so that it keeps nobody alive."""
        if self._connection is not None:
            os.close(self._connection.fileno())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def count_workers(database: Database) -> int:
    """How many workers live right now."""
    with database.begin() as db:
        return _count(db, WORKER_LOCK)


def code_is_off(db: Session) -> bool:
    """Whether a living worker cannot run code of agents."""
    return _count(db, CODE_OFF_LOCK) > 0


def _count(db: Session, lock: int) -> int:
    """How many connections hold this lock."""
    counted = db.scalar(
        sa.text(
            """
            select count(*) from pg_locks
            where locktype = 'advisory' and granted and mode = 'ShareLock'
              and classid = 0 and objid = :key and objsubid = 1
              and database = (select oid from pg_database where datname = current_database())
            """
        ),
        {"key": lock},
    )
    return int(counted or 0)


def worker_alive(database: Database) -> bool:
    """Whether at least one worker lives."""
    return count_workers(database) > 0
