"""The keeper's main loop: accept who may ask, hand each request to a thread, end with the owner."""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import Any

from sandbox import wire
from sandbox.inside import probe
from sandbox.keeper.watch import Watch
from sandbox.keeper.zygotes import Lost, Nursery, Options, Unavailable, Zygote

PREFIX = "omc-sandbox-"
AT_ONCE = 16
MOST_CODE = 256 << 10
COLLECT_SECONDS = 60.0
PROBE_MB = 256
_ROOMY = 256 << 20


def main() -> None:
    """Serve until the owner ends. The argument is one JSON object; the address goes to standard output."""
    given = json.loads(sys.argv[-1])
    owner = os.pidfd_open(given["owner"]) if given["owner"] else None
    with Base() as base:
        keeper = Keeper(base.path, given)
        print(json.dumps({"address": keeper.address}), flush=True)  # noqa: T201
        keeper.serve(owner)


class Base:
    """The folder of this keeper, gone when it ends. Those that killed keepers left behind go when one starts."""

    def __enter__(self) -> "Base":
        place = _where()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for other in place.glob(f"{PREFIX}*"):
            if other != self.path:
                _remove_if_left(other)
        return self

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


class Keeper:
    """The socket, the zygotes behind it, and the runs under way."""

    def __init__(self, base: Path, given: dict[str, Any]) -> None:
        self._base = base
        self._threads = int(given["threads"])
        self._most_seconds = float(given["seconds"])
        self._most_memory_mb = int(given["memory_mb"])
        self._names = count(1)
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self.address = given["socket"] or str(base / "socket")
        fonts = _font_cache(Path(given["font_cache"]), base)
        options = Options(tuple(given["modules"]), given["namespaces"], self._threads, str(fonts))
        self._listener = _listen(self.address)
        self._nursery = Nursery(options, base, self._test)
        if given["warm"]:
            self._nursery.warm()

    def serve(self, owner: int | None) -> None:
        stop, stopper = socket.socketpair()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopper.send(b"."))
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(stop, select.POLLIN)
        if owner is not None:
            poll.register(owner, select.POLLIN)
        while True:
            ready = [number for number, _ in poll.poll()]
            if ready != [self._listener.fileno()]:
                break
            client, _ = self._listener.accept()
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()
        self._listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.address)
        self._nursery.close()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(wire.Closed, OSError):
            if _user_of(client) not in (0, os.geteuid()):
                return
            client.settimeout(COLLECT_SECONDS)
            request, inputs = wire.receive(client)
            try:
                if "about" in request:
                    self._tell(client)
                else:
                    self._run(client, self._checked(request, inputs), tuple(inputs))
            except Unavailable as error:
                wire.send(client, {"unavailable": str(error)})
            finally:
                wire.close(inputs)

    def _tell(self, client: socket.socket) -> None:
        proof = self._nursery.proof()
        wire.send(client, {"namespaces": proof.namespaces, "landlock": proof.landlock})

    def _checked(self, request: dict[str, Any], inputs: list[int]) -> dict[str, Any]:
        """The request within this keeper's limits."""
        try:
            code, described = request["code"], request["inputs"]
            seconds = min(float(request["seconds"]), self._most_seconds)
            memory_mb = min(int(request["memory_mb"]), self._most_memory_mb)
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("it was asked for something that is no run") from error
        fits = isinstance(code, str) and len(code) <= MOST_CODE and len(described) == len(inputs)
        if not (fits and seconds > 0 and memory_mb > 0):
            raise Unavailable("it was asked for something that is no run")
        return {
            "code": code,
            "inputs": described,
            "seconds": seconds,
            "memory_mb": memory_mb,
            "threads": self._threads,
        }

    def _run(self, client: socket.socket, request: dict[str, Any], inputs: tuple[int, ...]) -> None:
        with self._room:
            try:
                watch = self._attempt(client, request, inputs)
            except Lost:  # before a line of the code had run, so that it can be asked for again
                watch = self._attempt(client, request, inputs)
        try:
            wire.send(client, watch.reply(), (watch.scratch,))
            client.recv(1)  # until the client has read what it wants
        finally:
            self._clear(watch)

    def _attempt(self, client: socket.socket, request: dict[str, Any], inputs: tuple[int, ...]) -> Watch:
        zygote = self._nursery.hire()
        watch = Watch(request, self._base / f"run-{next(self._names)}", zygote.namespaces)
        try:
            watch.run(zygote, inputs, client)
        except BaseException as error:
            self._clear(watch)
            if isinstance(error, Unavailable) and zygote.is_lost():
                raise Lost(str(error)) from error
            raise
        finally:
            self._nursery.release(zygote)
        return watch

    def _clear(self, watch: Watch) -> None:
        watch.close()
        shutil.rmtree(watch.folder, ignore_errors=True)

    def _test(self, zygote: Zygote) -> None:
        """Let a run try to break out; raises Unavailable unless nothing worked."""
        outside = self._base / "outside"
        outside.mkdir(exist_ok=True)
        (outside / "file").write_text("outside")
        target = {"file": str(outside / "file"), "folder": str(outside), "pid": os.getpid()}
        request = {"probe": target, "seconds": 20.0, "memory_mb": PROBE_MB, "threads": 1}
        watch = Watch(request, self._base / f"run-{next(self._names)}", zygote.namespaces)
        try:
            watch.run(zygote, (), None)
            report = _read_report(watch)
        finally:
            self._clear(watch)
            shutil.rmtree(outside, ignore_errors=True)
        if report["worked"] or not report["tried"]:
            raise Unavailable(f"in the self-test a run could {', '.join(report['worked'])}")


def _read_report(watch: Watch) -> dict[str, Any]:
    try:
        file = os.open(probe.REPORT, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=watch.scratch)
        with os.fdopen(file) as opened:
            report: dict[str, Any] = json.load(opened)
            return report
    except (OSError, ValueError) as error:
        why = watch.verdict[1] if watch.verdict else f"exit status {watch.exit}"
        raise Unavailable(f"the self-test did not come to its end ({why})") from error


def _font_cache(wanted: Path, base: Path) -> Path:
    """Where matplotlib finds its list of fonts, which takes seconds to make: a lasting place if there can be one."""
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError:
        wanted = base / "fonts"
        wanted.mkdir()
    return wanted.resolve()


def _listen(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address)
    before = os.umask(0o177)
    try:
        listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(AT_ONCE * 2)
    return listener


def _user_of(client: socket.socket) -> int:
    _, user, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user)


def _where() -> Path:
    """Memory, where it has room: a run's files never reach a disk."""
    memory = Path("/dev/shm")
    with contextlib.suppress(OSError):
        system = os.statvfs(memory)
        if system.f_bavail * system.f_frsize >= _ROOMY and os.access(memory, os.W_OK | os.X_OK):
            return memory
    return Path(tempfile.gettempdir())


def _remove_if_left(folder: Path) -> None:
    """Remove another keeper's folder if that keeper is dead: nobody holds its lock."""
    try:
        found = folder.lstat()
        if found.st_uid != os.geteuid() or not folder.is_dir() or folder.is_symlink():
            return
        lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # not ours, or just being made
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
