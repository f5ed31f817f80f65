"""`omc up`: what ends by accident comes back, and Ctrl-C leaves nothing running."""

import os
import signal
from pathlib import Path

from storage.presence import count_workers
from tests.acceptance.house import House
from tests.waiting import wait_until


def children(pid: int) -> list[int]:
    """The processes that another one has started and that still live."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        return ""


def test_a_worker_that_is_killed_comes_back_and_ctrl_c_ends_everything(house: House) -> None:
    house.dismiss_workers()
    up = house.begin("up")
    up.hears("Up: worker, sweeper. Ctrl-C stops.")
    pid = up.process.pid

    def workers() -> list[int]:
        return [child for child in children(pid) if command_of(child).rstrip().endswith(" worker")]

    wait_until(lambda: len(workers()) == 1, "the worker is started", seconds=60)
    [first] = workers()
    with house.database() as database:
        wait_until(lambda: count_workers(database) == 1, "the worker works", seconds=120)
        os.kill(first, signal.SIGKILL)
        up.hears("ended (status -9); starting it again")
        wait_until(lambda: workers() not in ([], [first]), "another one is started", seconds=60)
        mine = children(pid)
        up.process.send_signal(signal.SIGINT)
        assert up.ends() == 0
        assert "Stopped." in up.text
        assert not any("bots.cli" in command_of(child) for child in mine)
