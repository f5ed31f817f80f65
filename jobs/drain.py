"""The request to make way, heard by a work-horse at once, whatever it computes.

Python runs a signal handler between two bytecodes, which a fit in C keeps waiting for seconds. The byte that
the interpreter writes to a wake-up pipe comes at once, and a thread waits for it.

The callbacks live here and not in `worker`, so that there is one list however the worker was started.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNAL = signal.SIGUSR1
# A service manager signals the whole group, so the horse hears SIGTERM itself.
HEARD = frozenset({int(SIGNAL), int(signal.SIGTERM)})

_requested = threading.Event()
_lock = threading.Lock()
_callbacks: list[Callable[[], None]] = []


def listen() -> None:
    """Start to hear requests in this process. To be called once in the horse, from its main thread."""
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    for number in HEARD:
        signal.signal(number, _hear_only)
    threading.Thread(target=_listen, args=(ear,), name="drain", daemon=True).start()


@contextmanager
def on_request(callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` (from another thread) when asked to make way; at once when that has happened already."""
    with _lock:
        _callbacks.append(callback)
    if _requested.is_set():
        callback()
    try:
        yield
    finally:
        with _lock:
            _callbacks.remove(callback)


def request() -> None:
    """Ask whatever runs in this process to make way."""
    _requested.set()
    with _lock:
        callbacks = list(_callbacks)
    for callback in callbacks:
        callback()


def _listen(ear: int) -> None:
    while signals := os.read(ear, 64):
        if HEARD.intersection(signals):
            request()


def _hear_only(signum: int, frame: object) -> None:
    """The pipe has carried the signal; a handler must exist, or the process would end."""
