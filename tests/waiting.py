"""Waiting for something to become true, never for time to pass."""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 20.0) -> None:
    """Return as soon as `condition()` is true; fail with `what` if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.01)


def is_supervised(home: Path) -> bool:
    """Whether a supervisor of the built-in servers holds this home; it lets go when all have stopped."""
    lock = home / "supervisor.lock"
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
