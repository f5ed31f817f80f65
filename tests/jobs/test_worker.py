"""Workers as people meet them: killed, told to end, asked to stop, out of memory - and the session goes on."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import func, select

from jobs import queue
from jobs.queue import open_queue
from storage import questions
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect
from storage.models import AnalysisSession, Clarification
from storage.presence import count_workers, worker_alive
from tests.jobs.conftest import FORKS, Bench, ended
from tests.jobs.scripted import Orders, work
from tests.waiting import is_supervised, wait_until

Alive = Callable[[int], bool]


def test_a_session_is_run_to_its_end_and_told_once(bench: Bench) -> None:
    session = bench.open("stage planning", "stage reporting")
    bench.run_burst()
    assert bench.status(session) == "completed"
    assert bench.kinds(session) == ["opened", "stage_done", "stage_done", "completed"]
    assert bench.row(session).lease_owner is None


def test_a_job_delivered_twice_runs_once(bench: Bench) -> None:
    session = bench.open("hold planning")
    line = open_queue(bench.client)
    bench.client.rpush(line.key, f"{session}-1")
    assert len(line) == 2
    bench.start_worker()
    bench.wait_for_note(session, "holding:planning:1")
    bench.start_worker()
    wait_until(lambda: len(line) == 0, "the second worker has taken the second delivery")
    bench.open_gate("planning")
    bench.wait_for(session, "completed")
    assert bench.row(session).lease_epoch == 1
    assert Counter(event.key for event in bench.told(session)).most_common(1)[0][1] == 1
    assert bench.kinds(session) == ["opened", "stage_done", "completed"]


def test_a_job_delivered_late_does_not_start_what_its_successor_is_for(bench: Bench) -> None:
    session = bench.open("ask")
    bench.run_burst()
    with bench.database.begin() as db:
        assert questions.answer(db, session, "btc", user_id=None).accepted
    bench.enqueue(session)
    line = open_queue(bench.client)
    bench.client.lpush(line.key, f"{session}-1")
    assert line.job_ids == [f"{session}-1", f"{session}-2"]
    bench.run_burst()
    assert bench.row(session).lease_epoch == 2
    assert bench.kinds(session) == ["opened", "question", "answered", "completed"]


def test_the_session_of_a_killed_worker_is_resumed_elsewhere_and_told_once(
    bench: Bench, is_alive: Alive
) -> None:
    session = bench.open("stage planning", "hold data_retrieval", "stage reporting")
    lost = bench.start_worker()
    horse = bench.horse(session, "holding:data_retrieval:1")
    heir = bench.start_worker()
    lost.kill()
    os.kill(horse, signal.SIGKILL)
    lost.join()
    bench.wait_for_note(session, "holding:data_retrieval:2")  # within 20 s, by nobody's help
    bench.open_gate("data_retrieval")
    bench.wait_for(session, "completed")
    assert bench.kinds(session) == [
        "opened",
        "stage_done",
        "resumed",
        "stage_done",
        "stage_done",
        "completed",
    ]
    assert bench.payload(session, "resumed") == {"stage": "data_retrieval", "attempt": 2}
    assert f"-{heir.pid}-" in (bench.row(session).result or {})["worker"]


def test_a_horse_does_not_outlive_its_worker(bench: Bench, is_alive: Alive) -> None:
    session = bench.open("count a")
    worker = bench.start_worker()
    horse = bench.horse(session, "counting:1")
    worker.kill()
    wait_until(lambda: not is_alive(horse), "the horse is gone")


def test_what_a_frozen_worker_writes_later_is_refused(bench: Bench) -> None:
    session = bench.open("hold planning", "stage reporting")
    frozen = bench.start_worker()
    horse = bench.horse(session, "holding:planning:1")
    assert frozen.pid is not None
    for pid in (frozen.pid, horse):
        os.kill(pid, signal.SIGSTOP)
    bench.expire_lease(session)
    heir = bench.start_worker()
    bench.wait_for_note(session, "holding:planning:2")
    bench.open_gate("planning")
    bench.wait_for(session, "completed")
    told = [event.key for event in bench.told(session)]
    for pid in (horse, frozen.pid):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "leaving: session" in bench.logs(), "the frozen run has tried to write")
    assert [event.key for event in bench.told(session)] == told
    assert f"-{heir.pid}-" in (bench.row(session).result or {})["worker"]


def test_a_worker_told_to_end_hands_its_session_to_another(bench: Bench) -> None:
    session = bench.open("stage planning", "hold model_training", "stage reporting")
    first = bench.start_worker()
    bench.wait_for_note(session, "holding:model_training:1")
    second = bench.start_worker()
    first.terminate()
    assert ended(first) == 0
    bench.wait_for_note(session, "holding:model_training:2")
    assert bench.worker_of(session) is second
    bench.open_gate("model_training")
    bench.wait_for(session, "completed")
    assert bench.kinds(session) == [
        "opened", "stage_done", "requeued", "stage_done", "stage_done", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize("deaf", ["dawdle model_training", "count a"])
def test_a_run_that_does_not_make_way_is_ended_and_its_session_given_back(
    bench: Bench, is_alive: Alive, deaf: str
) -> None:
    session = bench.open("stage planning", deaf)
    worker = bench.start_worker(omc_drain_seconds=1)
    horse = bench.horse(session, "counting:1" if deaf == "count a" else "holding:model_training:1")
    worker.terminate()
    assert ended(worker) == 0
    assert not is_alive(horse)
    assert bench.status(session) == "queued"
    assert bench.kinds(session) == ["opened", "stage_done", "requeued"]
    assert open_queue(bench.client).job_ids == [f"{session}-2"], "first in line, without a sweep"


def test_an_idle_worker_ends_when_told_to(bench: Bench) -> None:
    worker = bench.start_worker()
    assert worker_alive(bench.database)
    worker.terminate()
    assert ended(worker) == 0
    assert not worker_alive(bench.database)


def test_a_worker_ends_though_it_was_told_to_where_exceptions_are_dropped(bench: Bench) -> None:
    worker = bench.start_worker(preload=("tests.jobs.ends_its_process",))
    assert ended(worker) == 0
    assert "Exception ignored" in bench.logs()


def test_a_killed_worker_counts_as_alive_no_longer(bench: Bench) -> None:
    session = bench.open("hold planning")
    worker = bench.start_worker()
    bench.wait_for_note(session, "holding:planning:1")
    assert count_workers(bench.database) == 1
    worker.kill()
    wait_until(lambda: not worker_alive(bench.database), "nobody lives")


def test_a_run_that_is_killed_goes_on_at_once_in_the_same_worker(bench: Bench) -> None:
    session = bench.open("stage planning", "crash_once", "stage reporting")
    waits = bench.open("stage planning")
    bench.run_burst()
    assert bench.kinds(session) == ["opened", "stage_done", "resumed", "stage_done", "completed"]
    first, second = bench.row(session).finished_at, bench.row(waits).finished_at
    assert first is not None
    assert second is not None
    assert first < second, "its owner's other session waited until the first was through"


def test_a_run_that_kills_every_worker_ends_in_words(bench: Bench) -> None:
    session = bench.open("stage planning", "crash")
    bench.run_burst(agent_max_retries=2)
    assert bench.status(session) == "failed"
    assert bench.kinds(session) == ["opened", "stage_done", "resumed", "resumed", "failed"]
    message = bench.payload(session, "failed")["message"]
    assert message.startswith("The planning stage was cut off 3 times in a row")
    assert "memory" in message


def test_losses_before_the_last_finished_stage_do_not_count(bench: Bench) -> None:
    session = bench.open("crash_once", "stage planning", "crash")
    bench.run_burst(agent_max_retries=1)
    assert bench.kinds(session) == ["opened", "resumed", "stage_done", "resumed", "failed"]


def test_a_stage_that_takes_too_long_is_ended_in_words(bench: Bench, is_alive: Alive) -> None:
    session = bench.open("stage model_training", "count a")
    bench.start_worker(agent_timeout_seconds=1)
    horse = bench.horse(session, "counting:1")
    bench.wait_for(session, "failed")
    wait_until(lambda: not is_alive(horse), "the horse is gone")
    assert bench.payload(session, "failed")["message"].startswith("The model training stage took longer than")


def test_a_bug_gives_a_reference_that_the_log_knows(bench: Bench) -> None:
    session = bench.open("stumble")
    bench.run_burst()
    failed = bench.payload(session, "failed")
    assert "a bug" not in failed["message"]
    assert len(failed["reference"]) == 8
    assert f"reference {failed['reference']}" in bench.logs()
    assert "ValueError: a bug" in bench.logs()


def test_a_failure_in_words_and_one_of_memory_reach_the_person(bench: Bench) -> None:
    refused, starved = bench.open("fail There are no prices."), bench.open("starve", owner="bob")
    bench.run_burst()
    assert bench.payload(refused, "failed") == {
        "message": "There are no prices.", "reference": "", "stage": None, "no_data": True,
    }  # fmt: skip
    assert "memory" in bench.payload(starved, "failed")["message"]


def test_owners_are_served_in_turn(bench: Bench) -> None:
    ann = [bench.open("stage planning", owner="ann") for _ in range(3)]
    bob = [bench.open("stage planning", owner="bob") for _ in range(2)]
    bench.run_burst()
    with bench.database.begin() as db:
        served = db.scalars(select(AnalysisSession.id).order_by(AnalysisSession.started_at)).all()
    assert served == [ann[0], bob[0], ann[1], bob[1], ann[2]]


def test_a_flushed_queue_loses_nothing(bench: Bench) -> None:
    running, waiting = bench.open("hold planning"), bench.open("stage planning")
    bench.start_worker()
    bench.wait_for_note(running, "holding:planning:1")
    bench.client.flushdb()
    bench.open_gate("planning")
    for session in (running, waiting):
        bench.wait_for(session, "completed")
        assert bench.kinds(session) == ["opened", "stage_done", "completed"]


def test_a_worker_that_ends_by_itself_does_what_the_queue_has_forgotten(bench: Bench) -> None:
    session = bench.open("stage planning")
    bench.client.flushdb()
    bench.run_burst()
    assert bench.kinds(session) == ["opened", "stage_done", "completed"]


def test_an_owner_whose_worker_was_killed_gets_the_next_turn(bench: Bench) -> None:
    first, second = bench.open("hold planning"), bench.open("stage planning")
    lost = bench.start_worker()
    bench.wait_for_note(first, "holding:planning:1")
    lost.kill()
    lost.join()
    bench.open_gate("planning")
    bench.expire_lease(first)
    bench.start_worker()
    bench.wait_for(first, "completed")
    bench.wait_for(second, "completed")


def test_cancelling_a_queued_session_leaves_nothing_to_do(bench: Bench) -> None:
    session = bench.open("stage planning")
    bench.cancel(session)
    bench.run_burst()
    assert bench.kinds(session) == ["opened", "cancelled"]


def test_cancelling_a_waiting_session_ends_its_question(bench: Bench) -> None:
    session = bench.open("ask")
    bench.run_burst()
    assert bench.status(session) == "awaiting_user"
    bench.cancel(session)
    assert bench.kinds(session) == ["opened", "question", "cancelled"]
    with bench.database.begin() as db:
        assert not questions.answer(db, session, "btc", user_id=None).accepted


@pytest.mark.parametrize(
    ("step", "key"), [("hold planning", "holding:planning:1"), ("count a", "counting:1")]
)
def test_cancelling_a_run_frees_its_worker_even_in_one_long_call(
    bench: Bench, is_alive: Alive, step: str, key: str
) -> None:
    session, after = bench.open("stage planning", step), bench.open("stage planning", owner="bob")
    bench.start_worker()
    horse = bench.horse(session, key)
    bench.cancel(session)
    bench.wait_for(session, "cancelled")
    assert bench.kinds(session) == ["opened", "stage_done", "cancelled"]
    bench.wait_for(after, "completed")
    assert not is_alive(horse)


def test_a_session_that_waits_for_a_person_holds_no_worker(bench: Bench) -> None:
    asking, other = bench.open("ask"), bench.open("stage planning")
    bench.start_worker()
    bench.wait_for(asking, "awaiting_user")
    bench.wait_for(other, "completed")
    with bench.database.begin() as db:
        assert questions.answer(db, asking, "btc", user_id=None).accepted
    bench.enqueue(asking, first=True)
    bench.wait_for(asking, "completed")
    assert bench.wait_for_note(asking, "heard") == "btc"
    assert bench.kinds(asking) == ["opened", "question", "answered", "completed"]


def test_a_question_nobody_answers_goes_on_with_the_recommendation(bench: Bench) -> None:
    session = bench.open("ask")
    bench.start_worker()
    bench.wait_for(session, "awaiting_user")
    with bench.database.begin() as db:
        db.get_one(Clarification, (session, "q1")).expires_at = func.clock_timestamp()
    bench.wait_for(session, "completed")
    assert bench.wait_for_note(session, "heard") == "eth"
    assert bench.payload(session, "answered")["by"] == "expiry"


def start_and_wait(orders: Orders, log: Path) -> None:
    """A command that has started a worker of its own."""
    worker = get_context("fork").Process(target=work, args=(replace(orders, parent_pid=os.getpid()), log))
    worker.start()
    worker.join()


def test_a_worker_started_by_a_command_drains_when_that_command_is_killed(bench: Bench) -> None:
    session = bench.open("hold planning")
    orders = Orders(bench.database_url, bench.redis_url, bench.folder)
    command = FORKS.Process(target=start_and_wait, args=(orders, bench.folder / "worker-child.log"))
    command.start()
    try:
        bench.wait_for_note(session, "holding:planning:1")
    finally:
        command.kill()
        command.join()
    wait_until(lambda: not worker_alive(bench.database), "its worker has ended")
    assert bench.kinds(session) == ["opened", "requeued"]
    assert bench.status(session) == "queued"


def test_a_worker_outlives_the_built_in_servers(short_home: Path) -> None:
    with connect(ServiceSettings(), short_home, grace_seconds=1) as servers:
        upgrade(servers.database_url)
        database, client = Database(servers.database_url), queue.connect(servers.redis_url)
        bench = Bench(database, client, servers.database_url, servers.redis_url, short_home)
        try:
            bench.start_worker(embedded=True)
            session = bench.open("stage planning", "hold reporting")
            bench.wait_for_note(session, "holding:reporting:1")
            kill_servers(short_home)
            wait_until(servers.ensure, "this process has noticed too")
            bench.open_gate("reporting")
            bench.wait_for(session, "completed", seconds=30)
            assert [kind for kind in bench.kinds(session) if kind != "resumed"] == [
                "opened", "stage_done", "stage_done", "completed",
            ]  # fmt: skip
            later = bench.open("stage planning", owner="bob")
            bench.wait_for(later, "completed")
            wait_until(lambda: worker_alive(database), "the worker is counted again")
        finally:
            bench.stop()
            client.close()
            database.close()


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home of its own: short for the sockets, and open to the account of root's servers."""
    home = Path(tempfile.mkdtemp(prefix="omc-jobs-", dir="/tmp"))
    yield home
    wait_until(lambda: not is_supervised(home), "the built-in servers have stopped")
    shutil.rmtree(home)


def kill_servers(home: Path) -> None:
    """Kill the supervisor of a home, as an operator in a hurry would; its servers die with it."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            arguments = entry.read_bytes()
            if b"storage.supervisor" in arguments and str(home).encode() in arguments:
                os.kill(int(entry.parent.name), signal.SIGKILL)
    wait_until(lambda: not is_supervised(home), "the supervisor is gone")
