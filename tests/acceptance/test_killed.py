"""Accidents in the middle of a run: whatever is killed, the run ends once, with nothing lost and nobody left."""

import re

from tests import servers
from tests.acceptance.house import House, Talk, horses_of, kill_worker_and_horse
from tests.servers import Server
from tests.waiting import wait_until

SERVERS: tuple[Server, ...] = ("supervisor", "postgres", "valkey")
GOAL = "will btc close higher in the next hour? only random forest"


def in_mid_training(house: House) -> tuple[Talk, str]:
    """A run that has just begun to train, and the shell that waits for it."""
    talk = house.begin("analyze", GOAL, "--no-input")
    talk.hears("R-")
    run = re.findall(r"R-\d+", talk.text)[0]
    house.wait_for_stage(run, "model_training")
    return talk, run


def ended_once(house: House, talk: Talk, run: str) -> None:
    """The run came to its end, was told of it once, and no event is missing or there twice."""
    talk.hears("Verdict: ")
    assert talk.ends() == 0, talk.text
    assert len(re.findall(r"^Verdict: ", talk.text, re.MULTILINE)) == 1
    told = house.told(run)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert len({event.key for event in told}) == len(told)
    assert [kind for kind in house.kinds(run) if kind not in ("resumed", "requeued")] == [
        "opened", "planned", "completed",
    ]  # fmt: skip
    finished = [event.payload["stage"] for event in told if event.kind == "stage_done"]
    assert finished == list(dict.fromkeys(finished)), "no stage was finished twice"


def test_a_killed_worker_and_its_horse_are_replaced_within_20_seconds(house: House) -> None:
    house.have_workers(2)
    talk, run = in_mid_training(house)
    kill_worker_and_horse(house.worker_of(run))
    talk.hears("Worker lost, resuming from Training (attempt 2).", seconds=20)
    ended_once(house, talk, run)
    assert house.kinds(run).count("resumed") == 1


def test_each_killed_server_comes_back_and_the_run_ends_once(house: House) -> None:
    """One after the other is killed while the same run is at work."""
    house.have_workers(1)
    talk, run = in_mid_training(house)
    for server in SERVERS:
        assert house.row(run).status in ("running", "queued"), "there is work left to lose"
        lost = servers.find(house.home, server)
        servers.kill(house.home, server)
        wait_until(
            lambda: all(servers.find(house.home, each) not in (None, lost) for each in SERVERS),  # noqa: B023
            f"the servers are back after the {server} was killed",
            seconds=60,
        )
    ended_once(house, talk, run)


def test_after_a_killed_omc_no_server_is_left_and_a_later_worker_finishes_the_run(house: House) -> None:
    """The last user of the home is killed: everything it started goes, and what it asked for does not."""
    house.dismiss_workers()
    talk, run = in_mid_training(house)
    [worker] = horses_of(talk.process.pid)
    horses = horses_of(worker)
    talk.process.kill()
    wait_until(
        lambda: not any(servers.find(house.home, server) for server in SERVERS),
        "no server is left",
        seconds=60,
    )
    for pid in (worker, *horses):
        wait_until(lambda pid=pid: not servers.lives(pid), "its worker is gone")  # type: ignore[misc]

    assert house.row(run).status == "queued"
    assert house.omc("worker", "--burst").status == 0
    assert [kind for kind in house.kinds(run) if kind != "resumed"] == [
        "opened", "planned", "requeued", "completed",
    ]  # fmt: skip
    assert "Verdict: " in house.omc("results", run).out
