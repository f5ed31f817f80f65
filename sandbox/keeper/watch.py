"""One run, seen from outside: forked, held, watched until it ends or passes a limit, and measured."""

import contextlib
import errno
import os
import resource
import select
import signal
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox import wire
from sandbox.inside import asking
from sandbox.inside.confine import FILE_BYTES, SCRATCH_BYTES, SCRATCH_FILES
from sandbox.inside.runner import RESERVED
from sandbox.inside.syscalls import Machine, this_machine
from sandbox.keeper.zygotes import Unavailable, Zygote

LOOK_SECONDS = 0.05
# While files grow, because a fast writer passes a quota between two looks.
LOOK_CLOSELY_SECONDS = 0.004
MOST_THREADS = 96
START_SECONDS = 30.0
MB = 1 << 20


@dataclass
class Measured:
    """What a run has used."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0
    scratch_mb: float = 0.0
    threads: int = 0


@dataclass
class Watch:
    """A run in a zygote's fork. `verdict` is a limit it passed, with the reason; None when it ended by itself."""

    request: dict[str, Any]
    folder: Path
    namespaces: bool
    measured: Measured = field(default_factory=Measured)
    verdict: tuple[str, str] | None = None
    exit: int | None = None
    scratch: int = -1
    _questions: int = -1
    _pidfd: int = -1
    _pid: int = 0
    _base_kb: int = 0
    _grown_at: float = 0.0

    def run(self, zygote: Zygote, inputs: tuple[int, ...], client: socket.socket | None) -> None:
        """See the whole run through. Raises Unavailable when it could not be started or held."""
        inner, inner_there = socket.socketpair()
        outer, outer_there = socket.socketpair()
        self.folder.mkdir(mode=0o700)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with inner, outer:
            with inner_there, outer_there:
                try:
                    zygote.ask((inner_there.fileno(), outer_there.fileno(), folder, *inputs))
                except wire.Closed as error:
                    raise Unavailable("the process that is forked for each run has gone") from error
                finally:
                    os.close(folder)
            try:
                self._begin(inner, outer)
                self._watch(client)
                self._learn_end(outer)
            finally:
                if self._pidfd >= 0:
                    self._kill()
                    os.close(self._pidfd)
                if self._questions >= 0:
                    os.close(self._questions)

    @property
    def _machine(self) -> Machine:
        machine = this_machine()
        assert machine is not None, "the zygote has refused already"
        return machine

    def reply(self) -> dict[str, Any]:
        """What the client is told, beside the scratch folder."""
        status, why = self.verdict or (None, None)
        return {"verdict": status, "why": why, "exit": self.exit, "usage": asdict(self.measured)}

    def close(self) -> None:
        if self.scratch >= 0:
            os.close(self.scratch)
            self.scratch = -1

    def _begin(self, inner: socket.socket, outer: socket.socket) -> None:
        inner.settimeout(START_SECONDS)
        outer.settimeout(START_SECONDS)
        try:
            started, files = wire.receive(outer)
            if not started.get("started"):
                raise Unavailable(f"no process could be started: {started.get('failed')}")
            self._pidfd = files[0]
            self._pid = _pid_behind(self._pidfd)
            wire.send(inner, self.request)
            said, files = wire.receive(inner)
            if len(files) != 2:
                wire.close(files)
                raise Unavailable(f"the process could not be held: {said.get('failed')}")
            self.scratch, self._questions = files
            if inner.recv(1) != b"+":  # sent by the last step, after which nothing can fail
                inner.settimeout(1)
                raise Unavailable(f"the process could not be held: {_rest(inner)}")
        except (wire.Closed, OSError) as error:
            raise Unavailable(f"the process could not be held: {error}") from error

    def _watch(self, client: socket.socket | None) -> None:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._questions, select.POLLIN)
        if client is not None:
            poll.register(client, select.POLLIN | select.POLLHUP | select.POLLRDHUP)
        began = looked = time.monotonic()
        self._base_kb = self._status().get("VmRSS", 0)
        while True:
            now = time.monotonic()
            self.measured.seconds = now - began
            close_look = now - self._grown_at < 1.0
            ready = dict(poll.poll((LOOK_CLOSELY_SECONDS if close_look else LOOK_SECONDS) * 1000))
            if self._pidfd in ready:
                break
            if ready.pop(self._questions, 0) & select.POLLIN:
                self._answer()
            if ready.keys() - {self._questions}:
                self.verdict = ("killed", "Whoever asked for the run has gone.")
            if time.monotonic() - looked >= LOOK_CLOSELY_SECONDS:
                looked = time.monotonic()
                self._look(began)
            if self.verdict is not None:
                self._kill()
                break
        self.measured.seconds = time.monotonic() - began
        self._measure_scratch()

    def _answer(self) -> None:
        """Decide about a thread or a file that the run is about to make."""
        question = asking.next_question(self._machine, self._questions)
        if question is None:
            return
        refusal = 0
        if question.about == "thread":
            if self._status().get("Threads", 0) >= MOST_THREADS:
                refusal = errno.EAGAIN
        else:
            refusal = self._make_room()
        asking.answer(self._questions, question, refusal)

    def _make_room(self) -> int:
        """Room for one more file, or an error number: all files grown to what each may have fill the quota, no more.

        Sizes count, not blocks, since a file with holes can be filled faster than anyone looks.
        """
        with os.scandir(self.scratch) as entries:
            sizes = [entry.stat(follow_symlinks=False).st_size for entry in entries]
        files = len(sizes) + 1
        left = SCRATCH_BYTES - sum(max(size, RESERVED) for size in (*sizes, 0))
        if files > SCRATCH_FILES or left < 0:
            return errno.ENOSPC
        most = min(FILE_BYTES, RESERVED + left // files)
        with contextlib.suppress(OSError):
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (most, most))
        return 0

    def _look(self, began: float) -> None:
        measured, seconds, memory_mb = self.measured, self.request["seconds"], self.request["memory_mb"]
        status = self._status()
        peak = max(0, status.get("VmHWM", 0) - self._base_kb) / 1024
        measured.memory_mb = max(measured.memory_mb, peak)
        measured.threads = max(measured.threads, status.get("Threads", 0))
        files = self._measure_scratch()
        used = time.monotonic() - began
        if self.verdict is not None:
            return
        if used >= seconds:
            self.verdict = ("timeout", f"The code ran for {used:.1f} s; the limit is {seconds:g} s.")
        elif measured.memory_mb > memory_mb:
            self.verdict = ("memory", f"The code used {peak:,.0f} MB; the limit is {memory_mb:,} MB.")
        elif measured.threads > 2 * MOST_THREADS:
            self.verdict = (
                "killed",
                f"The code had {measured.threads} threads; the limit is {MOST_THREADS}.",
            )
        elif measured.scratch_mb * MB > SCRATCH_BYTES:
            limit = SCRATCH_BYTES // MB
            self.verdict = (
                "killed",
                f"The code wrote {measured.scratch_mb:.0f} MB of files; the limit is {limit} MB.",
            )
        elif files > SCRATCH_FILES:
            self.verdict = ("killed", f"The code made more than {SCRATCH_FILES} files.")

    def _status(self) -> dict[str, int]:
        """Memory in kB and the number of threads, as the kernel counts them; empty once the process has ended."""
        found: dict[str, int] = {}
        with contextlib.suppress(OSError), open(f"/proc/{self._pid}/status") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name in ("VmRSS", "VmHWM", "Threads"):
                    found[name] = int(value.split()[0])
        return found

    def _measure_scratch(self) -> int:
        """Note the bytes in the scratch folder; returns the number of files."""
        files, used = self._count_scratch()
        if used / MB > self.measured.scratch_mb + 0.5:
            self._grown_at = time.monotonic()
        self.measured.scratch_mb = max(self.measured.scratch_mb, used / MB)
        return files

    def _count_scratch(self) -> tuple[int, int]:
        """Files and bytes in the scratch folder."""
        if self.namespaces:
            system = os.statvfs(self.scratch)
            return system.f_files - system.f_ffree, (system.f_blocks - system.f_bfree) * system.f_frsize
        used = files = 0
        with os.scandir(self.scratch) as entries:
            for entry in entries:
                files += 1
                with contextlib.suppress(OSError):
                    used += entry.stat(follow_symlinks=False).st_blocks * 512
        return files, used

    def _learn_end(self, outer: socket.socket) -> None:
        try:
            ended, files = wire.receive(outer)
        except wire.Closed:
            return  # the zygote went with it; what the scratch holds is looked at all the same
        wire.close(files)
        self.exit = int(ended["exit"])
        self.measured.cpu_seconds = float(ended["cpu_seconds"])
        self.measured.memory_mb = max(self.measured.memory_mb, (ended["peak_kb"] - self._base_kb) / 1024)

    def _kill(self) -> None:
        """End the process and everything in it, and wait until the kernel has done so."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.poll(10_000)


def _pid_behind(pidfd: int) -> int:
    with open(f"/proc/self/fdinfo/{pidfd}") as file:
        for line in file:
            if line.startswith("Pid:"):
                return int(line.split()[1])
    raise OSError("the kernel does not say which process this is")


def _rest(inner: socket.socket) -> str:
    try:
        said, files = wire.receive(inner)
    except wire.Closed as error:
        return str(error)
    wire.close(files)
    return str(said.get("failed"))
