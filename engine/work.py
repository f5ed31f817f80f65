"""One run at work: what the nodes and tools of the graph may reach, and nothing else.

It travels as LangGraph's `context`, so live objects never enter the state. Every write it makes is fenced by
the session's lease.
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
from langgraph.runtime import RunControl
from pydantic import Field
from pydantic_core import core_schema
from pydantic_settings import BaseSettings
from sqlalchemy import select

from engine import speech
from engine.agents import Stage
from engine.budget import Budget, BudgetSettings
from engine.errors import Cancelled, ToolError
from engine.llm.models import Models
from sandbox import Sandbox
from storage import artifacts, events, sessions
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.models import AnalysisSession, Artifact
from storage.sessions import Lease

ARROW = "application/vnd.apache.arrow.file"
Found = TypeVar("Found")


class EngineSettings(BaseSettings):
    """Limits of a run."""

    omp_num_threads: int = Field(2, ge=1, description="Threads that one fit may use.")


class Control:
    """What the outside can tell a run while it works: stop, or make way."""

    def __init__(self, database: Database, lease: Lease, *, look_every_seconds: float = 0.5) -> None:
        self.runtime = RunControl()
        self._database = database
        self._lease = lease
        self._look_every_seconds = look_every_seconds
        self._looked_at = 0.0
        self._cancelled = False

    def request_drain(self, reason: str = "the worker is stopping") -> None:
        """Leave the run at its next node boundary. Safe to call from any thread."""
        self.runtime.request_drain(reason)

    @property
    def drain_requested(self) -> bool:
        return self.runtime.drain_requested

    def cancelled(self) -> bool:
        """Whether the person asked to stop, asking the database twice a second at most."""
        now = time.monotonic()
        if not self._cancelled and now - self._looked_at >= self._look_every_seconds:
            self._looked_at = now
            with self._database.begin() as db:
                flag = select(AnalysisSession.cancel_requested_at).where(
                    AnalysisSession.id == self._lease.session_id
                )
                self._cancelled = db.scalar(flag) is not None
        return self._cancelled


@dataclass(frozen=True)
class Assignment:
    """The session as it stood when this run began."""

    number: int
    workspace: str
    owner_id: str
    goal: str
    preferences: dict[str, Any]
    seed: int
    created_at: datetime
    follows: dict[str, Any] | None
    repeats: uuid.UUID | None


@dataclass(eq=False)
class Work:
    """The hands of a run: rows, files, progress. Frames it has seen stay in memory until it ends."""

    database: Database
    store: ArtifactStore
    lease: Lease
    control: Control
    settings: EngineSettings
    models: Models = field(default_factory=Models.none)
    budgets: BudgetSettings = field(default_factory=BudgetSettings.model_construct)
    # Where code that an agent writes is held; None where this machine cannot hold it.
    sandbox: Sandbox | None = None
    customs: tuple[Stage, ...] = ()
    # Frames of this process, newest last: a hop between tools reads nothing back.
    _frames: OrderedDict[str, pd.DataFrame] = field(default_factory=OrderedDict)
    _found: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Tools name this type in their signatures; pydantic must not look inside."""
        return core_schema.is_instance_schema(cls)

    @cached_property
    def assignment(self) -> Assignment:
        with self.database.begin() as db:
            row = db.get_one(AnalysisSession, self.lease.session_id)
            before = db.get(AnalysisSession, row.follows_id) if row.follows_id else None
            return Assignment(
                number=row.number,
                workspace=row.workspace,
                owner_id=str(row.owner_id),
                goal=row.goal,
                preferences=dict(row.preferences),
                seed=row.seed,
                created_at=row.created_at,
                follows=dict(before.spec) if before is not None and before.spec else None,
                repeats=row.repeats_id,
            )

    @cached_property
    def budget(self) -> Budget:
        return Budget(self, self.budgets, self.models.prices)

    @property
    def run_name(self) -> str:
        return f"R-{self.assignment.number}"

    def speaking(self) -> AbstractContextManager[None]:
        """Inside, everything said is worded for the thread of this run."""
        return speech.speaking(self._language)

    @property
    def speaks_another_language(self) -> bool:
        """Whether the thread of this run is not in English, the language of its report."""
        return speech.find(self._language) is not speech.LANGUAGES["en"]

    @property
    def _language(self) -> str:
        return str(self.assignment.preferences.get("language") or "")

    def check(self) -> None:
        """Raise Cancelled when the person asked to stop. Called before anything that takes long."""
        if self.control.cancelled():
            raise Cancelled

    def tell(self, key: str, kind: str, payload: dict[str, Any]) -> None:
        """Tell the thread something once. Raises LeaseLost."""
        with self.database.begin() as db:
            sessions.held(db, self.lease)
            events.append(db, self.lease.session_id, key, kind, payload)

    def progress(self, stage: str, label: str, done: int, total: int, unit: str) -> None:
        """Tell the thread how far a long step has come, and stop here if that was asked for."""
        self.check()
        payload = {"stage": stage, "label": label, "done": done, "total": total, "unit": unit}
        self.tell(f"progress:{stage}:{label}:{done}/{total}", "progress", payload)

    def enter(self, stage: str, *, spec: dict[str, Any] | None = None) -> None:
        """Record on the session's row how far it has come. Raises LeaseLost."""
        with self.database.begin() as db:
            row = sessions.held(db, self.lease)
            row.stage = stage
            if spec is not None:
                row.spec = spec

    def keep(
        self,
        kind: str,
        content: bytes,
        *,
        media_type: str,
        summary: str,
        details: dict[str, Any] | None = None,
    ) -> str:
        """Keep bytes as an artifact of this session and return its handle, which names their content."""
        stored = self.store.put(content)
        handle = f"{kind}-{stored.sha256[:16]}"
        self._record(stored, kind, handle, media_type, summary, details)
        return handle

    def deliver(
        self, kind: str, name: str, content: bytes, *, media_type: str, summary: str
    ) -> dict[str, Any]:
        """Keep a file that people receive under `name`; returns what a thread needs to know of it."""
        stored = self.store.put(content)
        self._record(stored, kind, name, media_type, summary, None)
        return {
            "name": name,
            "kind": kind,
            "media_type": media_type,
            "sha256": stored.sha256,
            "bytes": stored.bytes,
            "alt": summary,
        }

    def keep_frame(
        self, kind: str, frame: pd.DataFrame, *, summary: str, details: dict[str, Any] | None = None
    ) -> str:
        """Keep a frame (an Arrow file, its index with it) and return its handle."""
        content = write_frame(frame)
        handle = self.keep(kind, content, media_type=ARROW, summary=summary, details=details)
        self._remember(handle, frame)
        return handle

    def frame(self, handle: str, *kinds: str) -> pd.DataFrame:
        """The frame behind a handle; do not change it. Raises ToolError for one that is no such thing."""
        if handle in self._frames and _is_kind(handle, kinds):
            self._frames.move_to_end(handle)
            return self._frames[handle]
        content, _ = self.find(handle, *kinds)
        frame = read_frame(content)
        self._remember(handle, frame)
        return frame

    def find(self, handle: str, *kinds: str) -> tuple[bytes, Artifact]:
        """The bytes and the record behind a handle of this session. Raises ToolError."""
        row = self.record(handle, *kinds)
        return self.store.read(row.sha256), row

    def record(self, handle: str, *kinds: str) -> Artifact:
        """What is noted of a handle of this session: its details, not its bytes. Raises ToolError."""
        with self.database.begin() as db:
            row = db.scalar(
                select(Artifact).where(
                    Artifact.session_id == self.lease.session_id, Artifact.name == str(handle)[:200]
                )
            )
        if row is None or not _is_kind(row.name, kinds):
            wanted = " or ".join(kinds) or "stored"
            raise ToolError(
                f"{str(handle)[:80]!r} is not a handle of {wanted} data in this run. "
                "Use a handle exactly as an earlier tool returned it."
            )
        return row

    def remember(self, key: tuple[str, ...], value: Any) -> None:
        """Let `once` find in this process what was just kept: nothing is read back from a file for nothing."""
        self._found[key] = value

    def newest(self, kind: str) -> str | None:
        """The handle of the newest artifact of a kind in this session; None when there is none."""
        with self.database.begin() as db:
            kept = artifacts.of_session(db, self.lease.session_id, kind=kind)
        return kept[-1].name if kept else None

    def once(self, key: tuple[str, ...], compute: Callable[[], Found]) -> Found:
        """What `compute` makes, computed once in this process. The key names everything it is made from: handles."""
        if key not in self._found:
            self._found[key] = compute()
        found: Found = self._found[key]
        return found

    def elapsed_seconds(self) -> float:
        return (datetime.now(UTC) - self.assignment.created_at).total_seconds()

    def _record(
        self,
        stored: artifacts.Stored,
        kind: str,
        name: str,
        media_type: str,
        summary: str,
        details: dict[str, Any] | None,
    ) -> None:
        with self.database.begin() as db:
            artifacts.save(
                db,
                self.lease,
                stored,
                kind=kind,
                name=name,
                media_type=media_type,
                summary=summary,
                details=details,
            )

    def _remember(self, handle: str, frame: pd.DataFrame) -> None:
        self._frames[handle] = frame
        while len(self._frames) > 12:
            self._frames.popitem(last=False)


def write_frame(frame: pd.DataFrame) -> bytes:
    """A frame, its index with it, as the bytes it is kept as: an Arrow file, three times as quick as Parquet."""
    sink, table = pa.BufferOutputStream(), pa.Table.from_pandas(frame)
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file:
        file.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def read_frame(content: bytes) -> pd.DataFrame:
    """The frame that `write_frame` made bytes of."""
    frame: pd.DataFrame = pa.ipc.open_file(pa.BufferReader(content)).read_all().to_pandas()
    return frame


def _is_kind(handle: str, kinds: tuple[str, ...]) -> bool:
    return not kinds or handle.rsplit("-", 1)[0] in kinds
