"""The graph's checkpoints, fenced: a worker that lost its session cannot write another one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.rows import dict_row

from storage.errors import LeaseLost
from storage.sessions import Lease

# Sent inside the saver's own pipeline, so it costs no round trip. It fails on purpose when no row is held,
# and the row lock keeps a takeover from slipping in between this check and the commit.
_FENCE = """
select 1 / count(*) from (
    select 1 from agent_sessions where id = %s and lease_epoch = %s for share
) held
"""


class FencedSaver(PostgresSaver):
    """A PostgresSaver whose every operation holds only under the session's current lease.

    Raises LeaseLost, with nothing written, once another worker has taken the session over.
    """

    def __init__(self, connection: psycopg.Connection[Any], lease: Lease) -> None:
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=()))
        self.lease = lease

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[psycopg.Cursor[Any]]:
        try:
            with super()._cursor(pipeline=pipeline) as cursor:
                if pipeline:
                    cursor.execute(_FENCE, (self.lease.session_id, self.lease.epoch))
                yield cursor
        except psycopg.errors.DivisionByZero as error:
            raise LeaseLost(f"session {self.lease.session_id} was taken over") from error


@contextmanager
def open_saver(dsn: str, lease: Lease) -> Iterator[FencedSaver]:
    """A saver on a connection of its own, closed at the end."""
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=0, row_factory=dict_row) as connection:
        yield FencedSaver(connection, lease)
