"""A worker whose runs follow a script instead of the engine: the session's goal is the script.

Each line is a step; what a step has told its thread is done and is not done again after a resume.

    stage NAME    enter a stage and finish it            hold NAME    stay in a stage until its gate is opened
    count A       one C call over a long regular expression, deaf to everything, like a fit
    ask           put a question and wait for its answer
    crash         die as if killed by the kernel         crash_once   the same, the first time only
    stumble|fail|starve    a bug, a failure in words, no memory        dawdle NAME    hold, but deaf to requests
"""

import logging
import os
import re
import signal
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine.outcome import AwaitingUser, Cancelled, Completed, Drained, Failed, Outcome
from jobs.worker import WorkerSettings, run_worker
from storage import events, sessions
from storage.database import Database
from storage.embedded import ServiceSettings, connect
from storage.models import AnalysisSession, Clarification, Event
from storage.sessions import Lease


@dataclass
class ScriptedRun:
    database: Database
    lease: Lease
    gates: Path
    drained: threading.Event = field(default_factory=threading.Event)

    def request_drain(self) -> None:
        self.drained.set()

    def run(self) -> Outcome:
        with self.database.begin() as db:
            steps = db.get_one(AnalysisSession, self.lease.session_id).goal.splitlines()
        for number, step in enumerate(steps):
            name, _, detail = step.partition(" ")
            if self.has_told(f"step:{number}"):
                continue
            if self.is_cancelled():
                return Cancelled()
            if self.drained.is_set() and name != "dawdle":
                return Drained()
            end: Outcome | None = getattr(self, name)(detail)
            if end is not None:
                return end
            self.tell(f"step:{number}", "stage_done" if name in ("stage", "hold") else "note", step)
        return Completed({"worker": self.lease.owner, "epoch": self.lease.epoch}, {"files": []})

    def stage(self, name: str) -> None:
        self.enter(name)

    def hold(self, name: str) -> Outcome | None:
        self.enter(name)
        self.tell(f"holding:{name}:{self.lease.epoch}", "note", f"{self.lease.owner} {os.getpid()}")
        while not (self.gates / name).exists():
            if self.is_cancelled():
                return Cancelled()
            if self.drained.is_set():
                return Drained()
            time.sleep(0.02)
        return None

    def dawdle(self, name: str) -> None:
        self.enter(name)
        self.tell(f"holding:{name}:{self.lease.epoch}", "note", f"{self.lease.owner} {os.getpid()}")
        while not (self.gates / name).exists():
            time.sleep(0.02)

    def count(self, letters: str) -> None:
        self.tell(f"counting:{self.lease.epoch}", "note", f"{self.lease.owner} {os.getpid()}")
        re.fullmatch(r"(a+)+b", letters * 40)  # centuries

    def ask(self, _: str) -> Outcome | None:
        with self.database.begin() as db:
            asked = db.get(Clarification, (self.lease.session_id, "q1"))
        if asked is None or asked.answer is None:
            return AwaitingUser("q1", "planning", "coins", "Which coin?", ["btc", "eth"], "eth")
        self.tell("heard", "note", asked.answer)
        return None

    def crash(self, _: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def crash_once(self, _: str) -> None:
        if not self.has_told("crashed"):
            self.tell("crashed", "note", "")
            os.kill(os.getpid(), signal.SIGKILL)

    def stumble(self, _: str) -> None:
        raise ValueError("a bug")

    def starve(self, _: str) -> None:
        raise MemoryError

    def fail(self, message: str) -> Outcome:
        return Failed(message, no_data=True)

    def enter(self, stage: str) -> None:
        with self.database.begin() as db:
            sessions.held(db, self.lease).stage = stage

    def tell(self, key: str, kind: str, text: str) -> None:
        with self.database.begin() as db:
            sessions.held(db, self.lease)
            events.append(db, self.lease.session_id, key, kind, {"text": text})

    def has_told(self, key: str) -> bool:
        with self.database.begin() as db:
            told = select(Event.seq).where(Event.session_id == self.lease.session_id, Event.key == key)
            return db.scalar(told) is not None

    def is_cancelled(self) -> bool:
        with self.database.begin() as db:
            return db.get_one(AnalysisSession, self.lease.session_id).cancel_requested_at is not None


@dataclass
class Addresses:
    """Servers that somebody else looks after."""

    database_url: str
    redis_url: str
    home: Path

    def ensure(self) -> bool:
        return False


@dataclass(frozen=True)
class Orders:
    """What a worker of a test is to do."""

    database_url: str
    redis_url: str
    gates: Path
    burst: bool = False
    parent_pid: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    embedded: bool = False
    preload: tuple[str, ...] = ()


def work(orders: Orders, log: Path) -> None:
    """Be a worker, and write what it says into `log`."""
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    warnings.simplefilter("error")
    logging.basicConfig(level=logging.INFO, format="%(process)d %(name)s %(message)s")
    servers = Addresses(orders.database_url, orders.redis_url, orders.gates)
    run_worker(
        connect(ServiceSettings(), orders.gates, grace_seconds=1) if orders.embedded else servers,
        WorkerSettings(**orders.settings),
        burst=orders.burst,
        parent_pid=orders.parent_pid,
        open_run=lambda database, lease: ScriptedRun(database, lease, orders.gates),
        preload=orders.preload,
    )
