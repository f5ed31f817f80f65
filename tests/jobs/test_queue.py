"""The queue's address in words, and what it says of the jobs in line."""

import uuid
from pathlib import Path

import pytest

from jobs import queue
from jobs.errors import QueueUnavailable
from jobs.queue import Wake
from tests.jobs.conftest import Bench


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:many", ""])
def test_an_address_that_is_none_is_refused_in_words(url: str) -> None:
    with pytest.raises(QueueUnavailable, match=r"^REDIS_URL is not a queue's address\. It should look like"):
        queue.connect(url)


def test_a_queue_that_is_away_is_named_with_what_to_do(tmp_path: Path) -> None:
    socket = tmp_path / "nobody.sock"
    with queue.connect(f"unix://{socket}") as client, pytest.raises(QueueUnavailable) as refusal:
        queue.enqueue(client, uuid.uuid4(), uuid.uuid4(), 1)
    assert str(refusal.value).startswith(f"The queue at {socket} cannot be used: ")
    assert "Check REDIS_URL" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_password_stays_out_of_the_message() -> None:
    with (
        queue.connect("redis://:secret@127.0.0.1:1/0") as client,
        pytest.raises(QueueUnavailable) as refusal,
    ):
        queue.slots(client)
    assert str(refusal.value).startswith("The queue at 127.0.0.1:1 cannot be used: ")
    assert "secret" not in str(refusal.value)


def test_only_jobs_that_stand_in_line_count_as_there(bench: Bench) -> None:
    owner = uuid.uuid4()
    wakes = [Wake(uuid.uuid4(), owner, 1) for _ in range(3)]
    for wake in wakes[:2]:
        queue.enqueue(bench.client, wake.session_id, owner, 1)
    assert queue.find_lost(bench.client, wakes) == [wakes[2]], "one in line, one behind it, one unknown"
    bench.client.lrem(queue.open_queue(bench.client).key, 0, wakes[0].job_id)
    assert queue.find_lost(bench.client, wakes) == [wakes[0], wakes[2]]


def test_a_session_that_was_at_work_goes_before_everything_that_waits(bench: Bench) -> None:
    ann, bob = uuid.uuid4(), uuid.uuid4()
    waiting = [Wake(uuid.uuid4(), owner, 1) for owner in (bob, ann, ann)]
    resumed = Wake(uuid.uuid4(), ann, 2)
    for wake in waiting:
        queue.enqueue(bench.client, wake.session_id, wake.owner_id, 1)
    queue.enqueue(bench.client, resumed.session_id, ann, 2, first=True)
    line = queue.open_queue(bench.client)
    assert line.job_ids == [waiting[0].job_id, waiting[1].job_id], "ann's turn is taken"
    [slot] = [slot for slot in queue.slots(bench.client) if slot.owner_id == str(ann)]
    queue.release(bench.client, slot)
    assert line.job_ids[0] == resumed.job_id, "before bob's, and before ann's older one"


def test_an_owners_sessions_keep_the_order_in_which_they_were_asked_for(bench: Bench) -> None:
    owner = uuid.uuid4()
    wakes = [Wake(uuid.uuid4(), owner, 1) for _ in range(8)]
    for wake in wakes:
        queue.enqueue(bench.client, wake.session_id, owner, 1)
    served = []
    while held := queue.slots(bench.client):
        served.append(held[0].job_id)
        queue.release(bench.client, held[0])
    assert served == [wake.job_id for wake in wakes]


def test_a_job_carries_words_and_numbers_alone(bench: Bench) -> None:
    session = bench.open("stage planning")
    [stored] = [bench.client.hget(key, "data") for key in bench.client.keys("rq:job:*")]
    job = queue.open_queue(bench.client).fetch_job(f"{session}-1")
    assert job is not None
    assert (job.func_name, list(job.args)) == ("jobs.tasks.run_session", [str(session), 1])
    assert b"\x80" not in (stored or b"")[:2], "no pickle"


def test_names_of_jobs_can_be_read_back() -> None:
    wake = Wake(uuid.uuid4(), uuid.uuid4(), 12)
    assert queue.parse_job_id(wake.job_id) == (wake.session_id, 12)
    assert queue.parse_job_id("somebody-elses-job") is None
