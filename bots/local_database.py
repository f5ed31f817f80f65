"""The database a command on this machine works with, its tables up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.database import Database


@contextmanager
def open_database() -> "Iterator[Database]":
    """The configured or built-in database for as long as a command needs it. Raises StorageError."""
    from storage.database import Database, is_current, upgrade
    from storage.embedded import connect

    with connect() as services:
        database = Database(services.database_url)
        try:
            if not is_current(database.engine):
                upgrade(services.database_url)
            yield database
        finally:
            database.close()
