"""A request to make way is heard in the middle of a call that Python's own signal handlers would wait for."""

import hashlib
import os
import signal
from pathlib import Path

import pytest

from jobs import drain
from tests.jobs.conftest import FORKS
from tests.waiting import wait_until


def compute(folder: Path) -> None:
    drain.listen()
    with drain.on_request((folder / "heard").touch):
        (folder / "computing").touch()
        hashlib.pbkdf2_hmac(
            "sha256", b"fit", b"", 2**31 - 1
        )  # a quarter of an hour and more, without the lock


@pytest.mark.parametrize("number", [drain.SIGNAL, signal.SIGTERM])
def test_a_request_is_heard_in_the_middle_of_a_long_call(tmp_path: Path, number: signal.Signals) -> None:
    horse = FORKS.Process(target=compute, args=(tmp_path,))
    horse.start()
    try:
        wait_until((tmp_path / "computing").exists, "it computes")
        os.kill(horse.pid or 0, number)
        wait_until((tmp_path / "heard").exists, "it has heard")
        assert horse.is_alive()
    finally:
        horse.kill()
        horse.join()


def ask_first(folder: Path) -> None:
    drain.request()
    with drain.on_request((folder / "heard").touch):
        pass


def test_a_request_that_came_before_the_run_is_not_lost(tmp_path: Path) -> None:
    horse = FORKS.Process(target=ask_first, args=(tmp_path,))
    horse.start()
    horse.join()
    assert horse.exitcode == 0
    assert (tmp_path / "heard").exists()
