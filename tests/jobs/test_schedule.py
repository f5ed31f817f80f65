"""Schedules: each due time makes one run, whoever sweeps and however long nobody did."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs import queue, schedule
from jobs.sweeper import sweep
from storage import schedules, sessions, users
from storage.database import Database
from storage.models import AnalysisSession, Schedule
from storage.schedules import Rhythm


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=4)
    yield database
    database.close()


def make(database: Database, *, hours: int = 6, due_hours_ago: float = 0.1) -> int:
    with database.begin() as db:
        owner = users.identify(db, "slack", "T1", "U-ann", "Ann")
        row = Schedule(
            owner_id=owner.id, workspace="T1", platform="slack", channel="C1", thread="", goal="will btc rise?",
            preferences={"language": "de", "coins": "btc"}, unit="hours", every=hours, zone="UTC",
            next_at=datetime.now(UTC) - timedelta(hours=due_hours_ago),
        )  # fmt: skip
        db.add(row)
        db.flush()
        return row.number


def runs(database: Database) -> list[AnalysisSession]:
    with database.begin() as db:
        return list(db.scalars(select(AnalysisSession).order_by(AnalysisSession.number)))


def test_a_due_time_makes_one_run_with_everything_that_was_said(database: Database, redis_url: str) -> None:
    number = make(database)
    client = queue.connect(redis_url)
    assert sweep(database, client).begun_by_schedule == 1
    assert sweep(database, client).begun_by_schedule == 0
    [run] = runs(database)
    assert (run.goal, run.preferences, run.channel, run.status) == (
        "will btc rise?", {"language": "de", "coins": "btc"}, "C1", "queued",
    )  # fmt: skip
    assert run.schedule_number == number
    assert queue.find_lost(client, [queue.Wake(run.id, run.owner_id, 1)]) == []
    client.close()


def test_two_sweepers_at_once_make_one_run(database: Database, redis_url: str) -> None:
    for _ in range(4):
        make(database)
    begun: list[int] = []

    def work() -> None:
        client = queue.connect(redis_url)
        begun.append(schedule.start_due(database, client))
        client.close()

    sweepers = [threading.Thread(target=work) for _ in range(2)]
    for one in sweepers:
        one.start()
    for one in sweepers:
        one.join()
    assert sum(begun) == 4
    assert len({run.schedule_number for run in runs(database)}) == len(runs(database)) == 4


def test_times_missed_while_nobody_swept_make_one_run_and_the_rhythm_is_kept(
    database: Database, redis_url: str
) -> None:
    number = make(database, hours=6, due_hours_ago=50)
    client = queue.connect(redis_url)
    assert schedule.start_due(database, client) == 1
    assert schedule.start_due(database, client) == 0
    [run] = runs(database)
    with database.begin() as db:
        row = db.get_one(Schedule, number)
        assert run.due_at is not None
        assert (row.next_at - run.due_at) % timedelta(hours=6) == timedelta(0)
        assert datetime.now(UTC) < row.next_at <= datetime.now(UTC) + timedelta(hours=6)
    client.close()


def test_a_run_that_is_not_done_is_not_joined_by_another(database: Database, redis_url: str) -> None:
    number = make(database)
    client = queue.connect(redis_url)
    assert schedule.start_due(database, client) == 1
    with database.begin() as db:
        db.get_one(Schedule, number).next_at = datetime.now(UTC) - timedelta(minutes=1)
    assert schedule.start_due(database, client) == 0
    with database.begin() as db:
        assert db.get_one(Schedule, number).skipped == 1
        sessions.request_cancel(db, runs(database)[0].id)
        db.get_one(Schedule, number).next_at = datetime.now(UTC) - timedelta(minutes=1)
    assert schedule.start_due(database, client) == 1
    client.close()


def test_a_stopped_schedule_asks_no_more(database: Database, redis_url: str) -> None:
    number = make(database)
    with database.begin() as db:
        row = schedules.find(db, number)
        assert row is not None
        schedules.stop(db, row)
    client = queue.connect(redis_url)
    assert schedule.start_due(database, client) == 0
    client.close()
    assert runs(database) == []


@pytest.mark.parametrize(
    ("rhythm", "now", "first", "then"),
    [
        # Before eight: today. The clock goes forward in the night of 31 March: eight stays eight in Berlin.
        (Rhythm("days", 1, 480), "2024-03-30T06:00", "2024-03-30T07:00", "2024-03-31T06:00"),
        (Rhythm("days", 1, 480), "2024-03-30T07:30", "2024-03-31T06:00", "2024-04-01T06:00"),
        (Rhythm("days", 3, 0), "2024-10-23T12:00", "2024-10-25T22:00", "2024-10-28T23:00"),
        # Weekly, on Mondays; 1 July 2024 was one.
        (Rhythm("weeks", 1, 540, 0), "2024-07-01T08:00", "2024-07-08T07:00", "2024-07-15T07:00"),
        (Rhythm("weeks", 2, 540, 0), "2024-06-28T08:00", "2024-07-01T07:00", "2024-07-15T07:00"),
        (Rhythm("hours", 6), "2024-07-01T08:15", "2024-07-01T14:15", "2024-07-01T20:15"),
    ],
)
def test_times_follow_the_wall_clock_of_the_zone(rhythm: Rhythm, now: str, first: str, then: str) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    zone = "Europe/Berlin"
    found = rhythm.first(utc(now), zone)
    assert found == utc(first)
    row = Schedule(
        unit=rhythm.unit, every=rhythm.every, minute_of_day=rhythm.minute_of_day, zone=zone, next_at=found
    )
    assert schedules.following(row, found) == utc(then)
