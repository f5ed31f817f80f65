"""The trial ledger as rows: what counts for a run stays what it was, and looks at a sealed span add up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from storage import sessions, trials, users
from storage.database import Database
from storage.models import AnalysisSession
from storage.sessions import Lease

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def open_session(database: Database, repeats: AnalysisSession | None = None) -> tuple[AnalysisSession, Lease]:
    with database.begin() as db:
        ann = users.identify(db, "terminal", "local", "ann", "Ann")
        row = sessions.create(
            db, workspace="local", owner_id=ann.id, platform="terminal", channel="tty", thread="t",
            goal="will btc rise?", repeats=repeats,
        )  # fmt: skip
    with database.begin() as db:
        lease = sessions.take(db, row.id, 1, "worker", seconds=60)
    assert lease is not None
    return row, lease


def reload(database: Database, row: AnalysisSession) -> AnalysisSession:
    with database.begin() as db:
        return db.get_one(AnalysisSession, row.id)


def trial(key: str, *, days: int = 0, **more: Any) -> dict[str, Any]:
    start = START + timedelta(days=days)
    return {
        "key": key, "coin": "btc", "series": "simulated", "target": "direction", "horizon_minutes": 60,
        "start": start, "end": start + timedelta(days=10), "block_minutes": 240, "first_block": 1, "tests": ["net"],
        "sums": np.ones(3).tobytes(), **more,
    }  # fmt: skip


def counted(database: Database, lease: Lease, workspace: str = "local") -> list[str]:
    with database.begin() as db:
        position = trials.position_before(db, lease, workspace)
        rows = trials.overlapping(
            db, workspace, series="simulated", coins=["btc"], target="direction", start=START,
            end=START + timedelta(days=10), up_to=position,
        )  # fmt: skip
    return [row["key"] for row in rows]


def record(database: Database, lease: Lease, *rows: dict[str, Any], workspace: str = "local") -> None:
    with database.begin() as db:
        trials.record(db, lease, workspace, rows)


def open_sealed(database: Database, lease: Lease, *, days: int = 10) -> int:
    start = START + timedelta(days=days)
    with database.begin() as db:
        return trials.open_sealed(
            db, lease, "local", series="simulated", coin="btc", target="direction", start=start,
            end=start + timedelta(days=3),
        )  # fmt: skip


def test_a_run_counts_what_was_tried_before_it_and_keeps_to_that(database: Database) -> None:
    _, first = open_session(database)
    assert counted(database, first) == []
    record(database, first, trial("a"), trial("b"))
    row, second = open_session(database)
    assert counted(database, second) == ["a", "b"]
    # Everything this run tries is in the ledger already: its position must not move with what others add.
    record(database, second, trial("a"))
    _, third = open_session(database)
    record(database, third, trial("c"))
    assert counted(database, second) == ["a", "b"]
    assert reload(database, row).ledger_position == 2
    assert counted(database, open_session(database)[1]) == ["a", "b", "c"]


def test_a_repeat_is_judged_against_the_ledger_of_the_run_it_repeats(database: Database) -> None:
    row, first = open_session(database)
    record(database, open_session(database)[1], trial("a"))
    assert counted(database, first) == ["a"]
    record(database, open_session(database)[1], trial("b"))
    again, repeat = open_session(database, reload(database, row))
    assert counted(database, repeat) == ["a"]
    assert (again.seed, again.repeats_id) == (row.seed, row.id)
    twice, _ = open_session(database, reload(database, again))
    assert twice.repeats_id == row.id


def test_other_workspaces_spans_and_targets_do_not_count(database: Database) -> None:
    _, lease = open_session(database)
    record(
        database, lease, trial("far", days=10), trial("near", days=9), trial("eth", coin="eth"),
        trial("other", target="volatility"), trial("series", series="binance:usdt"),
    )  # fmt: skip
    record(database, lease, trial("theirs"), workspace="another")
    assert counted(database, open_session(database)[1]) == ["near"]


def test_looks_at_a_sealed_span_are_counted_once_a_run_and_stay_what_they_were(database: Database) -> None:
    row, first = open_session(database)
    assert open_sealed(database, first) == 1
    assert open_sealed(database, first) == 1
    _, second = open_session(database)
    assert open_sealed(database, second, days=12) == 2  # shares a day with the first
    assert open_sealed(database, open_session(database)[1], days=14) == 2  # and this one with the second
    assert open_sealed(database, open_session(database)[1], days=40) == 1
    # Looked at again later, by itself or by a repeat: it sees what it saw, and says what it said.
    assert open_sealed(database, first) == 1
    assert open_sealed(database, open_session(database, reload(database, row))[1]) == 1
    assert open_sealed(database, open_session(database)[1]) == 3


def test_deleting_a_run_does_not_undo_its_tries_or_its_look(database: Database) -> None:
    row, lease = open_session(database)
    record(database, lease, trial("a"))
    open_sealed(database, lease)
    with database.begin() as db:
        db.execute(sa.delete(AnalysisSession).where(AnalysisSession.id == row.id))
    _, later = open_session(database)
    assert counted(database, later) == ["a"]
    assert open_sealed(database, later) == 2
