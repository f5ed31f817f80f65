"""A home with prices in it, shells that type `omc` there, and workers that may be killed."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from storage import events, sessions
from storage.database import Database
from storage.embedded import ServiceSettings, connect
from storage.models import AnalysisSession, Event
from storage.presence import count_workers
from tests.waiting import wait_until

OMC = Path(sys.executable).parent / "omc"
# A busy machine with two cores may take this long over what takes seconds alone.
PATIENCE_SECONDS = 300.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


class Talk:
    """A command that is still talking. With `tty` it believes that a person sits there."""

    def __init__(self, arguments: tuple[str, ...], env: dict[str, str], cwd: Path, *, tty: bool) -> None:
        self._heard: list[str] = []
        self._keys: int | None = None
        self._gone = False
        command = [str(OMC), *arguments]
        if tty:
            ours, theirs = pty.openpty()
            self.process = subprocess.Popen(
                command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env={**env, "TERM": "xterm", "COLUMNS": "160"},
                cwd=cwd,
                start_new_session=True,
            )
            os.close(theirs)
            self._keys = ears = ours
        else:
            ears, theirs = os.pipe()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env, cwd=cwd
            )
            os.close(theirs)
        self._ears = ears
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def text(self) -> str:
        """Everything it has said so far, without what only moves the cursor."""
        return _ESCAPES.sub("", "".join(self._heard))

    def hears(self, words: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until it has said `words`."""
        try:
            wait_until(lambda: words in self.text or not self._listener.is_alive(), words, seconds=seconds)
        finally:
            assert words in self.text, f"{words!r} was not said, but:\n{self.text}"

    def type(self, line: str) -> None:
        assert self._keys is not None
        os.write(self._keys, line.encode() + b"\n")

    def ends(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(timeout=PATIENCE_SECONDS)
        self._listener.join(timeout=10)
        return status

    def hang_up(self) -> None:
        """Stop listening, as `head` does when it has its lines."""
        self._gone = True

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._listener.join(timeout=10)
        if not self._gone:
            os.close(self._ears)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # a terminal whose last program has gone
            while not self._gone and (heard := os.read(self._ears, 65536)):
                self._heard.append(heard.decode("utf-8", "replace"))
            if self._gone:
                os.close(self._ears)


@dataclass
class House:
    """One OMC_HOME and everybody in it."""

    home: Path
    folder: Path
    env: dict[str, str]
    talks: list[Talk] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def omc(self, *arguments: str, **environment: str) -> Said:
        """Type a command and wait for its end."""
        done = subprocess.run(
            [OMC, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**self.env, **environment},
            cwd=self.folder,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str, tty: bool = False) -> Talk:
        """Type a command and listen to it while it works."""
        talk = Talk(arguments, self.env, self.folder, tty=tty)
        self.talks.append(talk)
        return talk

    def have_workers(self, number: int) -> None:
        """See to it that so many workers of ours live."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        for _ in range(number - len(self.workers)):
            with (self.home / "logs" / "workers-of-tests.log").open("ab") as log:
                self.workers.append(
                    subprocess.Popen(
                        [OMC, "worker"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env
                    )
                )
        with self.database() as database:
            wait_until(
                lambda: count_workers(database) >= number, "the workers live", seconds=PATIENCE_SECONDS
            )

    def dismiss_workers(self) -> None:
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            assert worker.wait(timeout=60) == 0
        self.workers = []

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """The database, joined for a moment only: the servers must not live because a test looks on."""
        with connect(ServiceSettings(), self.home) as services:
            database = Database(services.database_url)
            try:
                yield database
            finally:
                database.close()

    def row(self, run: str) -> AnalysisSession:
        with self.database() as database, database.begin() as db:
            return sessions.find(db, run)

    def told(self, run: str) -> list[Event]:
        """Everything that happened to a run, in order."""
        with self.database() as database, database.begin() as db:
            return list(events.since(db, sessions.find(db, run).id))

    def kinds(self, run: str) -> list[str]:
        """What happened to a run, its progress and its stages left out."""
        quiet = ("progress", "stage_started", "stage_done")
        return [event.kind for event in self.told(run) if event.kind not in quiet]

    def wait_for_event(self, run: str, key: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until `key` has happened to a run."""
        with self.database() as database:

            def happened() -> bool:
                with database.begin() as db:
                    known = select(Event.seq).where(
                        Event.session_id == sessions.find(db, run).id, Event.key == key
                    )
                    return db.scalar(known) is not None

            wait_until(happened, f"{key} has happened to {run}", seconds=seconds)

    def wait_for_stage(self, run: str, stage: str) -> None:
        self.wait_for_event(run, f"stage:{stage}:started")

    def wait_for_status(self, run: str, status: str) -> None:
        wait_until(lambda: self.row(run).status == status, f"{run} is {status}", seconds=PATIENCE_SECONDS)

    def worker_of(self, run: str) -> subprocess.Popen[bytes]:
        """The worker process that holds a run."""
        pid = int((self.row(run).lease_owner or "?-0-?").split("-")[-2])
        return next(worker for worker in self.workers if worker.pid == pid)

    def hush(self) -> None:
        """End whatever a test left talking."""
        for talk in self.talks:
            talk.close()
        self.talks.clear()


def horses_of(worker: int) -> list[int]:
    """The processes that a worker has forked for its run."""
    return [int(pid) for pid in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]


def kill_worker_and_horse(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker together with the run in its hands."""
    horses = horses_of(worker.pid)
    assert horses, "the worker has nothing in its hands"
    for pid in (worker.pid, *horses):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()
