"""What the sweeper repairs, and what it leaves alone."""

import threading

import sqlalchemy as sa
from sqlalchemy import func

from jobs import queue
from jobs.sweeper import Swept, run_sweeper, sweep
from storage import sessions
from storage.database import SWEEP_LOCK
from storage.models import AnalysisSession, Clarification
from storage.sessions import Lease
from tests.jobs.conftest import Bench
from tests.jobs.scripted import Addresses
from tests.waiting import wait_until


def look(bench: Bench, *, max_retries: int = 3) -> Swept:
    return sweep(bench.database, bench.client, max_retries=max_retries)


def take(bench: Bench, session: object, epoch: int = 1, *, seconds: float = 60) -> Lease:
    with bench.database.begin() as db:
        lease = sessions.take(db, session, epoch, "worker", seconds=seconds)  # type: ignore[arg-type]
    assert lease is not None
    return lease


def test_a_session_whose_job_was_never_queued_is_woken(bench: Bench) -> None:
    session = bench.open("stage planning", enqueue=False)
    assert look(bench) == Swept(), "its job may be on its way"
    wait_until(lambda: look(bench).woken == 1, "it is woken")
    assert queue.open_queue(bench.client).job_ids == [f"{session}-1"]
    assert look(bench) == Swept()


def test_a_job_between_the_line_and_its_worker_is_left_alone(bench: Bench) -> None:
    bench.open("stage planning")
    line = queue.open_queue(bench.client)
    bench.client.lmove(line.key, line.intermediate_queue_key, "LEFT", "RIGHT")
    assert look(bench) == Swept()
    assert line.job_ids == []


def test_sessions_in_line_at_work_or_finished_need_nothing(bench: Bench) -> None:
    waits, works, ended = (bench.open("x", owner=owner) for owner in ("ann", "bob", "cleo"))
    take(bench, works)
    lease = take(bench, ended)
    with bench.database.begin() as db:
        sessions.complete(db, lease, {}, {})
    queue.release(bench.client, queue.Slot(str(bench.row(ended).owner_id), f"{ended}-1"))
    assert look(bench) == Swept()
    assert bench.status(waits) == "queued"


def test_a_silent_workers_session_stands_first_and_its_slot_is_free(bench: Bench) -> None:
    lost, next_one = bench.open("x"), bench.open("x")
    line = queue.open_queue(bench.client)
    assert line.pop_job_id() == f"{lost}-1"
    take(bench, lost, seconds=-1)
    assert look(bench) == Swept(lost_workers=1)
    assert line.job_ids == [f"{lost}-2"], "before its owner's next session"
    assert [slot.job_id for slot in queue.slots(bench.client)] == [f"{lost}-2"]
    assert line.fetch_job(f"{lost}-1") is None
    assert look(bench) == Swept()
    assert bench.status(next_one) == "queued"


def test_a_session_that_lost_too_many_workers_ends_in_words(bench: Bench) -> None:
    session = bench.open("x")
    take(bench, session, seconds=-1)
    orphan = take(bench, session, 2, seconds=-1)
    look(bench, max_retries=1)
    assert bench.kinds(session) == ["opened", "resumed", "failed"]
    assert bench.payload(session, "failed")["message"].startswith("The run was cut off 2 times in a row")
    with bench.database.begin() as db:
        assert sessions.beat(db, orphan, seconds=60) is None


def test_a_cancelled_session_whose_worker_died_ends_as_cancelled(bench: Bench) -> None:
    session = bench.open("x")
    take(bench, session, seconds=-1)
    bench.cancel(session)
    assert bench.status(session) == "running", "its worker was to see the flag"
    look(bench)
    assert bench.kinds(session) == ["opened", "cancelled"]


def test_a_slot_of_a_finished_session_is_freed_for_its_owner(bench: Bench) -> None:
    ended, next_one = bench.open("x"), bench.open("x")
    line = queue.open_queue(bench.client)
    assert line.pop_job_id() == f"{ended}-1"
    lease = take(bench, ended)
    with bench.database.begin() as db:
        sessions.complete(db, lease, {}, {})
    assert look(bench) == Swept(), "its horse may just be tidying up"
    wait_until(lambda: look(bench).freed_slots == 1, "the slot is free")
    assert line.job_ids == [f"{next_one}-1"]


def test_an_overdue_question_is_answered_once_and_stands_first(bench: Bench) -> None:
    session = bench.open("ask")
    bench.run_burst()
    before = bench.open("x", owner="bob")
    with bench.database.begin() as db:
        db.get_one(Clarification, (session, "q1")).expires_at = func.clock_timestamp()
    assert look(bench) == Swept(expired_questions=1)
    assert look(bench) == Swept()
    assert bench.payload(session, "answered")["answer"] == "eth"
    assert queue.open_queue(bench.client).job_ids == [f"{session}-2", f"{before}-1"]


def test_one_sweeps_at_a_time(bench: Bench) -> None:
    session = bench.open("x")
    take(bench, session, seconds=-1)
    with bench.database.engine.connect() as other:
        other.execute(sa.select(func.pg_advisory_lock(SWEEP_LOCK)))
        assert look(bench) == Swept()
        other.execute(sa.select(func.pg_advisory_unlock(SWEEP_LOCK)))
        assert look(bench) == Swept(lost_workers=1)


def test_a_row_that_a_frozen_process_holds_does_not_stop_the_sweeper(bench: Bench) -> None:
    stuck, other = bench.open("x"), bench.open("x", owner="bob")
    for session in (stuck, other):
        take(bench, session, seconds=-1)
        bench.cancel(session)
    stop = threading.Event()
    servers = Addresses(bench.database_url, bench.redis_url, bench.folder)
    sweeper = threading.Thread(target=run_sweeper, args=(servers, stop))
    with bench.database.engine.connect() as frozen, frozen.begin():
        frozen.execute(sa.select(AnalysisSession.id).where(AnalysisSession.id == stuck).with_for_update())
        sweeper.start()
        try:
            bench.wait_for(other, "cancelled")
            assert bench.status(stuck) == "running"
        finally:
            stop.set()
            sweeper.join()
