"""The self-test: held like any run, try what a run must not be able to do, and write down what worked."""

import contextlib
import ctypes
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable

REPORT = "probe.json"


def attempt(target: dict[str, str | int], memory_mb: int) -> None:
    """Write the names of the attempts that succeeded: none, where the boundary stands.

    `target` names a file that exists outside, a folder outside that can be written to, and a process of the same
    user, all of which this process could reach if it were not held.
    """
    tries: dict[str, Callable[[], object]] = {
        "read a file outside": lambda: open(str(target["file"]), "rb").read(1),
        "write a file outside": lambda: open(f"{target['folder']}/written", "wb").close(),
        "list a folder outside": lambda: os.listdir(str(target["folder"])),
        "open a network socket": lambda: socket.socket().close(),
        "open a local socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "start a process": _fork,
        "signal another process": lambda: os.kill(int(target["pid"]), 0),
        "take more memory than allowed": lambda: mmap.mmap(
            -1, (memory_mb + 64) << 20, flags=mmap.MAP_PRIVATE
        ),
        "make memory executable": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC),
        "remove a file": lambda: os.remove("stdout.txt"),
        "make a link": lambda: os.symlink("/etc/passwd", "link"),
        "gain namespaces": _unshare,
    }
    worked = []
    for name, action in tries.items():
        with contextlib.suppress(OSError, MemoryError):
            action()
            worked.append(name)
    # A program would replace this process: what that would mean is written first, and taken back if it failed.
    _write([*worked, "run a program"], len(tries) + 1)
    with contextlib.suppress(OSError):
        os.execv(sys.executable, [sys.executable, "-c", ""])
    _write(worked, len(tries) + 1)


def _write(worked: list[str], tried: int) -> None:
    with open(REPORT, "w") as file:
        json.dump({"tried": tried, "worked": worked}, file)


def _fork() -> None:
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _unshare() -> None:
    if ctypes.CDLL(None).unshare(0x10000000) != 0:
        raise PermissionError
