"""A bench with real servers, real worker processes and sessions whose runs follow a script."""

import contextlib
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func

from jobs import queue
from storage import events, sessions, users
from storage.database import Database
from storage.models import AnalysisSession, Event
from storage.presence import count_workers
from tests.jobs.scripted import Orders, work
from tests.waiting import wait_until

# A server that has imported everything once: a worker starts in an instant, and knows nothing of the tests.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.jobs.scripted"])


def ended(worker: BaseProcess) -> int | None:
    """The exit status of a worker, once it has ended."""
    worker.join(timeout=20)
    return worker.exitcode


@dataclass
class Bench:
    database: Database
    client: Redis
    database_url: str
    redis_url: str
    folder: Path
    workers: list[BaseProcess] = field(default_factory=list)

    def open(self, *steps: str, owner: str = "ann", enqueue: bool = True) -> uuid.UUID:
        """A session whose run takes these steps, in the queue unless told otherwise."""
        with self.database.begin() as db:
            person = users.identify(db, "terminal", "local", owner, owner.title())
            row = sessions.create(
                db,
                workspace="local",
                owner_id=person.id,
                platform="terminal",
                channel="tty",
                thread=uuid.uuid4().hex,
                goal="\n".join(steps),
            )
        if enqueue:
            queue.enqueue(self.client, row.id, row.owner_id, 1)
        return row.id

    def start_worker(
        self, *, burst: bool = False, embedded: bool = False, preload: tuple[str, ...] = (), **settings: Any
    ) -> BaseProcess:
        """A worker process; it lives once this returns."""
        before = count_workers(self.database)
        log = self.folder / f"worker-{len(self.workers)}.log"
        orders = Orders(
            self.database_url,
            self.redis_url,
            self.folder,
            burst=burst,
            settings=settings,
            embedded=embedded,
            preload=preload,
        )
        worker = FORKS.Process(target=work, args=(orders, log))
        worker.start()
        self.workers.append(worker)
        if not burst:
            wait_until(
                lambda: count_workers(self.database) > before or not worker.is_alive(), "a worker lives"
            )
        return worker

    def run_burst(self, **settings: Any) -> None:
        """Have a worker do everything that can be done now."""
        assert ended(self.start_worker(burst=True, **settings)) == 0, self.logs()

    def open_gate(self, name: str) -> None:
        (self.folder / name).touch()

    def enqueue(self, session_id: uuid.UUID, *, first: bool = False) -> None:
        row = self.row(session_id)
        queue.enqueue(self.client, row.id, row.owner_id, row.lease_epoch + 1, first=first)

    def cancel(self, session_id: uuid.UUID) -> None:
        with self.database.begin() as db:
            sessions.request_cancel(db, session_id)

    def expire_lease(self, session_id: uuid.UUID) -> None:
        """As if the time of the lease had passed."""
        with self.database.begin() as db:
            row = db.get_one(AnalysisSession, session_id)
            assert row.status == "running"
            row.lease_until = func.clock_timestamp()

    def row(self, session_id: uuid.UUID) -> AnalysisSession:
        with self.database.begin() as db:
            return db.get_one(AnalysisSession, session_id)

    def status(self, session_id: uuid.UUID) -> str:
        return self.row(session_id).status

    def told(self, session_id: uuid.UUID) -> list[Event]:
        with self.database.begin() as db:
            return list(events.since(db, session_id))

    def kinds(self, session_id: uuid.UUID) -> list[str]:
        """The kinds of what was told, without the script's own notes."""
        return [event.kind for event in self.told(session_id) if event.kind != "note"]

    def payload(self, session_id: uuid.UUID, kind: str) -> dict[str, Any]:
        [event] = [event for event in self.told(session_id) if event.kind == kind]
        return event.payload

    def wait_for(self, session_id: uuid.UUID, status: str, *, seconds: float = 20.0) -> None:
        def is_so() -> bool:
            return self.status(session_id) == status

        try:
            wait_until(is_so, f"the session is {status}", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.status(session_id)}\n{self.logs()}") from None

    def wait_for_note(self, session_id: uuid.UUID, key: str) -> str:
        """The text of a note once the run has told it."""

        def text() -> str | None:
            return next((str(e.payload["text"]) for e in self.told(session_id) if e.key == key), None)

        try:
            wait_until(text, f"the run tells {key}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None
        return text() or ""

    def horse(self, session_id: uuid.UUID, key: str) -> int:
        """The process number of the horse that told `key`."""
        return int(self.wait_for_note(session_id, key).split()[1])

    def worker_of(self, session_id: uuid.UUID) -> BaseProcess:
        """The worker process that holds the session."""
        pid = int((self.row(session_id).lease_owner or "?-0-?").split("-")[-2])
        return next(worker for worker in self.workers if worker.pid == pid)

    def logs(self) -> str:
        return "\n".join(path.read_text()[-4000:] for path in sorted(self.folder.glob("worker-*.log")))

    def stop(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid or 0, signal.SIGCONT)
            worker.kill()
            worker.join()
            worker.close()


@pytest.fixture
def bench(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Bench]:
    database, client = Database(database_url), queue.connect(redis_url)
    bench = Bench(database, client, database_url, redis_url, tmp_path)
    yield bench
    bench.stop()
    client.close()
    database.close()


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Whether a process runs; one that has ended and was not waited for does not."""

    def ask(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return ask
