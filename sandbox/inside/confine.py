"""Hold this process: everything it must never do again, taken away in one order that cannot be left half way.

Called in a fresh fork with one thread. Any failure raises, and the caller must then end the process without having
run a line of the code.
"""

import gc
import os
import resource
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.inside import landlock, linux, places, seccomp
from sandbox.inside.namespaces import Jail
from sandbox.inside.syscalls import Machine

SCRATCH_BYTES = 64 << 20
SCRATCH_FILES = 256
FILE_BYTES = 16 << 20
OPEN_FILES = 64
STACK_BYTES = 8 << 20
STDOUT = "stdout.txt"

_CAPABILITY_VERSION = 0x20080522
_PR_CAP_AMBIENT_CLEAR_ALL = 4


@dataclass(frozen=True)
class Boundary:
    """What the zygote prepares once and every run is held by."""

    machine: Machine
    jail: Jail | None
    readable: tuple[int, ...]  # open with O_PATH
    address_space: int  # what the zygote itself takes, in bytes
    data: int  # and of this its private writable memory, as RLIMIT_DATA counts it

    @classmethod
    def prepare(cls, machine: Machine, jail: Jail | None, readable: Iterable[str]) -> "Boundary":
        """Open what runs may read; call it last, when all libraries are loaded."""
        opened = tuple(os.open(path, os.O_PATH | os.O_CLOEXEC) for path in readable)
        with open("/proc/self/status") as file:
            sizes = {name: words.split() for name, _, words in (line.partition(":") for line in file)}
        return cls(machine, jail, opened, int(sizes["VmSize"][0]) * 1024, int(sizes["VmData"][0]) * 1024)


def enter_scratch(boundary: Boundary, folder: int, keep: set[int]) -> int:
    """Close all that was inherited, move to the scratch folder, print into a file there; returns it, open.

    `folder` is the scratch folder made outside; with namespaces the run has its own instead.
    """
    os.setsid()
    os.umask(0o077)
    _close_all_but(boundary.machine, {*keep, folder, *boundary.readable})
    if boundary.jail is None:
        os.fchdir(folder)
    else:
        boundary.jail.enter_run(SCRATCH_BYTES, SCRATCH_FILES)
    nothing = os.open("/dev/null", os.O_RDONLY)
    printed = os.open(STDOUT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    for number, source in ((0, nothing), (1, printed), (2, printed)):
        os.dup2(source, number)
    for number in {nothing, printed} - {0, 1, 2}:
        os.close(number)
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def limit(boundary: Boundary, seconds: float, memory_mb: int, threads: int) -> None:
    """The kernel's limits, soft and hard alike. The watcher outside is the one that says which was passed."""
    processor = int(seconds * max(1, threads)) + 5
    for kind, value in (
        (resource.RLIMIT_AS, boundary.address_space + memory_mb * (1 << 20)),
        # The room of the libraries' code, given up, must not become room for data.
        (resource.RLIMIT_DATA, boundary.data + memory_mb * (1 << 20)),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 64),
    ):
        resource.setrlimit(kind, (value, value))


def hold(boundary: Boundary, scratch: int) -> None:
    """The boundary itself: no privileges, no core dumps, Landlock, seccomp. Nothing undoes it."""
    machine = boundary.machine
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    nothing = struct.pack("6I", *[0] * 6)
    linux.syscall(machine.calls["capset"], header, nothing)
    # A crash of a large process must not become a large file or wake a collector of core dumps.
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    rules = dict.fromkeys(boundary.readable, landlock.READ)
    rules[scratch] = landlock.SCRATCH
    opened = []
    for device in places.DEVICES:
        opened.append(os.open(device, os.O_PATH | os.O_CLOEXEC))
        rules[opened[-1]] = landlock.DEVICE if device in ("/dev/null", "/dev/zero") else landlock.READ_FILE
    # It stays open: with the last user the kernel would forget this file, and the rule with it.
    rules[os.open("/proc/self/maps", os.O_PATH | os.O_CLOEXEC)] = landlock.READ_FILE
    landlock.restrict(machine, rules)
    for number in (*opened, *boundary.readable):
        os.close(number)
    seccomp.install(machine, os.getpid())


def check_clean() -> None:
    """Raise OSError unless this process can be forked safely: one thread, no memory shared with its children."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise OSError(f"the libraries have started {threads - 1} threads")
    with open("/proc/self/maps") as file:
        shared = [line for line in file if line.split()[1][1] == "w" and line.split()[1][3] == "s"]
    if shared:
        raise OSError(f"the libraries share writable memory with forks: {shared[0].strip()}")
    gc.collect()
    gc.freeze()


def _close_all_but(machine: Machine, keep: set[int]) -> None:
    start = 0
    for number in sorted({0, 1, 2} | keep):
        if number > start:
            linux.syscall(machine.calls["close_range"], start, number - 1, 0)
        start = number + 1
    linux.syscall(machine.calls["close_range"], start, 0xFFFFFFFF, 0)
