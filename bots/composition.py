"""What the commands work with, put together once: servers, database, queue, files, and who sits here."""

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bots.access import AccessSettings
from bots.commands import Backend
from bots.errors import BotError
from bots.platform import Place, Speaker
from bots.text import one_line
from bots.words import Words, words_of
from jobs import queue
from storage.artifacts import ArtifactSettings, ArtifactStore, open_store
from storage.database import Database, is_current
from storage.embedded import Services, ServiceSettings, connect
from storage.redaction import RedactingFormatter

if TYPE_CHECKING:
    import uuid

    from redis import Redis


# The one workspace of everybody who sits at this machine.
WORKSPACE = "local"


class TerminalSettings(BaseSettings):
    """How this terminal is spoken to."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    omc_language: str = Field("en", description="The language of this terminal: en or de.")


class TablesOutdated(BotError):
    """The tables of somebody's own database are not those of this version."""


@dataclass(frozen=True)
class House:
    """Everything a command may need, connected."""

    services: Services
    database: Database
    redis: "Redis"
    store: ArtifactStore
    backend: Backend


@contextmanager
def open_house(*, connections: int = 2) -> Iterator[House]:
    """Connect to the servers, with the tables up to date. Raises StorageError, JobsError and BotError, in words.

    `connections` to the database are kept open. The built-in one is brought up to date on the way; somebody's own is left to `omc db upgrade`.
    """
    access = AccessSettings()
    with connect() as services:
        database = Database(services.database_url, pool_size=connections)
        redis = queue.connect(services.redis_url)
        try:
            _check_tables(database)

            def enqueue(
                session_id: "uuid.UUID", owner_id: "uuid.UUID", epoch: int, *, first: bool = False
            ) -> None:
                queue.enqueue(redis, session_id, owner_id, epoch, first=first)

            store = open_store(ArtifactSettings(), services.home)
            yield House(services, database, redis, store, Backend(database, enqueue, access, store))
        finally:
            redis.close()
            database.close()


def has_own_database() -> bool:
    """Whether DATABASE_URL names somebody's own database."""
    return ServiceSettings().database_url is not None


def speaker() -> Speaker:
    """The person at this terminal, by their login name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        name = f"uid-{os.getuid()}"
    name = one_line(name, 60)
    return Speaker("terminal", WORKSPACE, name, name, language=TerminalSettings().omc_language)


def words_here() -> Words:
    """The wording of this terminal."""
    return words_of(TerminalSettings().omc_language).in_shell()


def place(thread: str = "") -> Place:
    """Where things said at this terminal are said."""
    return Place(WORKSPACE, "terminal", thread)


def log_to(path: Path, level: int = logging.WARNING) -> None:
    """Send this process's log to a file: the terminal belongs to the thread."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Write this process's log to stderr, where its supervisor picks it up."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)


def require_tables(services: Services) -> None:
    """The tables up to date, as in `open_house`, for processes that connect by themselves."""
    database = Database(services.database_url)
    try:
        _check_tables(database)
    finally:
        database.close()


def _check_tables(database: Database) -> None:
    if is_current(database.engine):
        return
    if has_own_database():
        raise TablesOutdated("The tables in DATABASE_URL are not those of this version. Run: omc db upgrade")
    from storage.database import upgrade

    upgrade(database.url)
