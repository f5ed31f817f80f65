"""The process that runs the built-in servers for as long as somebody on this machine uses them.

One for each OMC_HOME. It is started by `storage.embedded` in a session of its own, holds the home's lock, and
listens on a socket, the door. A user connects, says which servers it needs, hears when they are up, and keeps
the connection: its end is the user's end, whatever that was. When the last user has been gone for the time of
grace, or when a server dies, everything is stopped; the next user starts afresh.

Only the standard library is imported here, so that it is up in a moment and stays small.
"""

import contextlib
import errno
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from storage.embedded_binaries import Binaries, choose_binaries
from storage.embedded_home import OWN_SERVERS, Layout, choose_account, give
from storage.embedded_processes import failure, open_log, spawn
from storage.embedded_servers import Postgres, Server, Valkey
from storage.errors import ServiceError

ANOTHER_ONE_RUNS = 3  # exit status
FIRST_USER_SECONDS = 5.0  # whoever started us is on the way, however short the time of grace
START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Orders:
    """What the user that starts the supervisor tells it."""

    home: Path
    binaries: Binaries
    grace_seconds: float

    def to_text(self) -> str:
        paths = {name: str(path) for name, path in vars(self.binaries).items()}
        return json.dumps({"home": str(self.home), "binaries": paths, "grace_seconds": self.grace_seconds})

    @classmethod
    def from_text(cls, text: str) -> "Orders":
        said = json.loads(text)
        binaries = Binaries(**{name: Path(path) for name, path in said["binaries"].items()})
        return cls(Path(said["home"]), binaries, said["grace_seconds"])


def main() -> None:
    """Become the supervisor of a home; the process that was started ends as soon as the door is open.

    Exit status 0: the door is open. 3: another supervisor has this home. 1: impossible, in words on stderr.
    """
    os.umask(0o077)
    orders = Orders.from_text(sys.argv[-1])
    layout = Layout(orders.home)
    try:
        layout.make()
        lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(ANOTHER_ONE_RUNS)
        door = _open_door(layout.door)
        log = open_log(layout.logs / "supervisor.log")
    except OSError as error:
        sys.exit(str(_unusable(layout.home, error)))
    except ServiceError as error:
        sys.exit(str(error))
    if os.fork() != 0:  # whoever started us has nothing to wait for and no child to bury
        os._exit(0)
    os.chdir("/")
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    supervisor = Supervisor(orders, layout, lock, door)
    try:
        supervisor.serve()
    finally:
        supervisor.stop()


@dataclass(frozen=True)
class Running:
    """A server that was started, and where in its log that was."""

    server: Server
    process: subprocess.Popen[bytes]
    log_start: int

    @property
    def is_dead(self) -> bool:
        return self.process.poll() is not None


class Supervisor:
    """The open door, the users behind it, and the servers they asked for."""

    def __init__(self, orders: Orders, layout: Layout, lock: int, door: socket.socket) -> None:
        self.orders = orders
        self.layout = layout
        self.lock = lock
        self.door = door
        self.users: dict[socket.socket, bytes] = {}  # and what each has said so far
        self.running: dict[str, Running] = {}
        self.alone_since = time.monotonic() + FIRST_USER_SECONDS
        self.must_stop = False
        self.selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Let users in and out until it is time to stop."""
        signals = self._hear_signals()
        self.selector.register(self.door, selectors.EVENT_READ)
        self.selector.register(signals, selectors.EVENT_READ)
        while not self.must_stop:
            grace_left = self.alone_since + self.orders.grace_seconds - time.monotonic()
            happened = self.selector.select(None if self.users else max(0.0, grace_left))
            dead = [running.server.title for running in self.running.values() if running.is_dead]
            if dead:
                return _note(f"{' and '.join(dead)} died; stopping")
            if not happened and not self.users and grace_left <= 0:
                return _note("the last user has gone; stopping")
            for key, _ in happened:
                if key.fileobj is self.door:
                    self._let_in()
                elif key.fileobj is signals:
                    signals.recv(512)
                elif isinstance(key.fileobj, socket.socket):
                    self._listen_to(key.fileobj)
        return None

    def stop(self) -> None:
        """Close the door, stop the servers in order, and only then let the users and the lock go."""
        if self._home_is_ours():
            self.layout.door.unlink(missing_ok=True)
        self.door.close()
        for running in self.running.values():
            if not running.is_dead:
                running.process.send_signal(running.server.stop_signal)
        for running in self.running.values():
            try:
                running.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _note(f"{running.server.title} did not stop in {STOP_SECONDS:.0f} s; killed")
                running.process.kill()
                running.process.wait()
        for user in self.users:
            user.close()
        os.close(self.lock)

    def _hear_signals(self) -> socket.socket:
        """Have signals wake the loop: an end that becomes readable with each."""
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        signal.set_wakeup_fd(there.detach())

        def end(_number: int, _frame: object) -> None:
            self.must_stop = True

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        # Functions that do nothing, not SIG_IGN, which the servers would inherit.
        signal.signal(signal.SIGHUP, lambda *_: None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return here

    def _let_in(self) -> None:
        with contextlib.suppress(OSError):  # gone again already
            user, _ = self.door.accept()
            user.setblocking(False)
            self.users[user] = b""
            self.selector.register(user, selectors.EVENT_READ)

    def _listen_to(self, user: socket.socket) -> None:
        try:
            said = user.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._let_out(user)
            return
        self.users[user] += said
        if not self.users[user].endswith(b"\n"):
            return
        needs, self.users[user] = self.users[user].decode().split(), b""
        try:
            user.sendall(json.dumps(self._provide(needs)).encode() + b"\n")
        except (OSError, _ComeAgainError):
            self._let_out(user)

    def _let_out(self, user: socket.socket) -> None:
        self.selector.unregister(user)
        del self.users[user]
        user.close()
        self.alone_since = time.monotonic()

    def _provide(self, needs: list[str]) -> dict[str, str]:
        """Have the servers called `needs` up; the answer is {}, or {"error": in words}."""
        fresh = [name for name in needs if name not in self.running]
        try:
            for name in fresh:
                self._start(name)
            for name in needs:
                self._wait_until_ready(name, is_fresh=name in fresh)
        except (ServiceError, OSError) as problem:
            error = problem if isinstance(problem, ServiceError) else _unusable(self.layout.home, problem)
            _note(str(error))
            self.running = {name: running for name, running in self.running.items() if not running.is_dead}
            # With nothing running the next user deserves a fresh start at once, not after the time of grace.
            self.must_stop = self.must_stop or not self.running
            return {"error": str(error)}
        for name in fresh:
            _note(f"{self.running[name].server.title} is up")
        return {}

    def _start(self, name: str) -> None:
        account = choose_account(self.layout)
        binaries = choose_binaries(self.orders.binaries, self.layout, account)
        if account is not None:
            give(self.layout.sockets, account)
        kinds: dict[str, type[Postgres | Valkey]] = {"postgres": Postgres, "valkey": Valkey}
        server: Server = kinds[name](self.layout, binaries, account)
        server.prepare()
        with open_log(server.log) as log:
            start = log.tell()
            process = spawn(server.command(), log=log, folder=server.folder, account=account,
                            death_signal=server.stop_signal)  # fmt: skip
        self.running[name] = Running(server, process, start)

    def _wait_until_ready(self, name: str, *, is_fresh: bool) -> None:
        running = self.running[name]
        deadline = time.monotonic() + START_SECONDS
        while not running.server.is_ready(running.process.pid):
            if self.must_stop or (running.is_dead and not is_fresh):
                raise _ComeAgainError
            if running.is_dead:
                raise failure(f"{running.server.title} did not start", running.server.log, running.log_start)
            if time.monotonic() > deadline:
                running.process.kill()
                running.process.wait()
                raise failure(
                    f"{running.server.title} does not answer", running.server.log, running.log_start
                )
            time.sleep(0.005)

    def _home_is_ours(self) -> bool:
        """Whether the home is still the one we locked, not one made anew after that was deleted."""
        try:
            return os.path.samestat(os.fstat(self.lock), self.layout.lock.stat())
        except OSError:
            return False


class _ComeAgainError(Exception):
    """We are stopping, or a server that was up has died: the user is sent away and asks the next supervisor."""


def _open_door(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a supervisor that was killed: we hold the lock
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    path.chmod(0o600)
    door.listen(128)
    door.setblocking(False)
    return door


def _unusable(home: Path, error: OSError) -> ServiceError:
    copy_failures = error.args[0] if isinstance(error, shutil.Error) else []  # (from, to, why)
    why = str(copy_failures[-1][-1]) if copy_failures else error.strerror or str(error)
    if error.errno == errno.ENOSPC or os.strerror(errno.ENOSPC) in why:
        remedy = "Free some disk space, set OMC_HOME to a folder on another disk"
    else:
        remedy = "Set OMC_HOME to a folder you may write"
    where = error.filename if isinstance(error.filename, str) else home
    return ServiceError(f"{where} cannot be used for the built-in servers: {why}. {remedy}, {OWN_SERVERS}.")


def _note(text: str) -> None:
    """A line in the supervisor's log."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    os.write(2, f"{stamp} [{os.getpid()}] {text}\n".encode())
