"""The database: its settings, its connections, and bringing its tables up to date."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from storage.errors import DatabaseUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
# Advisory locks of the project: any number will do as long as each use has its own.
UPGRADE_LOCK = 0x6F6D6301
SWEEP_LOCK = 0x6F6D6302
WORKER_LOCK = 0x6F6D6303
LEDGER_LOCK = 0x6F6D6304
USAGE_LOCK = 0x6F6D6306
CODE_OFF_LOCK = 0x6F6D6305


def open_engine(url: str, *, pool_size: int = 2, lock_timeout_seconds: float = 0) -> sa.Engine:
    """An engine for `url` (any Postgres URL) that notices dead connections before it uses them.

    With `lock_timeout_seconds` a statement waits that long for a row at most, then fails. Raises
    DatabaseUnavailable, in words, when the URL cannot be understood.
    """
    try:
        parsed = sa.engine.make_url(url).set(drivername="postgresql+psycopg")
    except sa.exc.ArgumentError as error:
        raise DatabaseUnavailable(
            "DATABASE_URL is not a database address. It should look like postgresql://user@host/omc."
        ) from error
    engine = sa.create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        # A server that vanished without a word is noticed in half a minute rather than in hours.
        connect_args={
            "connect_timeout": 10,
            "application_name": "omc",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    )

    @sa.event.listens_for(engine, "connect")
    def _limit_waits(connection: Any, _record: object) -> None:
        # A process that froze in the middle of a transaction must not keep its rows from everybody else.
        connection.autocommit = True
        connection.execute(
            "set idle_in_transaction_session_timeout = '60s'; "
            f"set lock_timeout = '{int(lock_timeout_seconds * 1000)}ms'"
        )
        connection.autocommit = False

    return engine


class Database:
    """The way to rows: short transactions on an engine.

    `begin()` is one transaction of ORM work, committed at its end and rolled back on an error.
    """

    def __init__(self, url: str, *, pool_size: int = 2, lock_timeout_seconds: float = 0) -> None:
        self.url = url
        self.engine = open_engine(url, pool_size=pool_size, lock_timeout_seconds=lock_timeout_seconds)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @property
    def dsn(self) -> str:
        """The same address in the form psycopg itself reads."""
        return _for_libpq(self.engine.url)

    def close(self) -> None:
        self.engine.dispose()


_upgrading = threading.Lock()
_TURN_SECONDS = 0.1


def upgrade(url: str) -> None:
    """Bring the tables at `url` to this version. Safe to call at once from many processes.

    The checkpoint tables of the graph are made too. Raises DatabaseUnavailable, in words.
    """
    from alembic import command
    from alembic.config import Config

    engine = open_engine(url)
    try:
        with _upgrading, engine.connect() as connection:
            _take_turns(connection)
            try:
                config = Config()
                config.set_main_option("script_location", str(MIGRATIONS))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
                _upgrade_checkpoints(connection)
            finally:
                connection.rollback()
                connection.execute(sa.text("select pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
                connection.commit()
    except sa.exc.OperationalError as error:
        raise unavailable(engine, error) from error
    finally:
        engine.dispose()


def _take_turns(connection: sa.Connection) -> None:
    """Wait until no other process upgrades.

    Asked for again and again: whoever waits inside `pg_advisory_lock` has a transaction open, and the index that
    LangGraph's tables are given is built only when all transactions have ended. Two first starts hung for ever.
    """
    while not connection.scalar(sa.text("select pg_try_advisory_lock(:key)"), {"key": UPGRADE_LOCK}):
        connection.rollback()
        time.sleep(_TURN_SECONDS)
    connection.commit()


def is_current(engine: sa.Engine) -> bool:
    """Whether the tables are those of this version, found with one cheap query."""
    head = newest_revision()
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return False
        return bool(connection.scalar(sa.text(f"select version_num from {VERSION_TABLE}")) == head)


def newest_revision() -> str:
    """The revision no other follows, read from the files: loading Alembic for it costs every process 6 MB."""
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    found = {match[1] for text in texts if (match := re.search(r'^revision = "(\w+)"', text, re.M))}
    followed = {match[1] for text in texts if (match := re.search(r'^down_revision = "(\w+)"', text, re.M))}
    (head,) = found - followed
    return head


VERSION_TABLE = "omc_schema_version"


def unavailable(engine: sa.Engine, error: Exception) -> DatabaseUnavailable:
    """`error` in words: which server did not answer, and what to look at."""
    where = engine.url.render_as_string(hide_password=True)
    cause = str(getattr(error, "orig", error)).strip().splitlines()
    return DatabaseUnavailable(
        f"The database at {where} cannot be used: {cause[0] if cause else 'no answer'}. "
        "Check DATABASE_URL, or unset it to use the built-in database."
    )


def _for_libpq(url: sa.URL) -> str:
    """An address as libpq reads it: a blank in the folder of a socket is %20 there, where SQLAlchemy writes +."""
    address, mark, query = (
        url.set(drivername="postgresql").render_as_string(hide_password=False).partition("?")
    )
    return address + mark + query.replace("+", "%20")


def _upgrade_checkpoints(connection: sa.Connection) -> None:
    """Create LangGraph's own tables. Its set-up builds an index concurrently, so it needs autocommit."""
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    dsn = _for_libpq(connection.engine.url)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=0, row_factory=dict_row) as raw:
        PostgresSaver(raw).setup()
