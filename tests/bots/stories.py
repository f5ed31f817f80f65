"""Sessions told step by step, as a worker would: rows and events through the storage, no engine."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bots.access import AccessSettings
from bots.asking import Backend, Enqueue
from bots.delivery import Delivery
from bots.platform import Platform, Speaker
from storage import events, questions, sessions, users
from storage.artifacts import FolderStore
from storage.database import Database
from storage.models import AnalysisSession
from storage.sessions import Lease

ANN = Speaker("fake", "acme", "U-ann", "Ann")
BEN = Speaker("fake", "acme", "U-ben", "Ben")
EVE = Speaker("fake", "elsewhere", "U-eve", "Eve")

SPEC = {
    "coins": ["btc"],
    "task": "classification",
    "target": "direction",
    "horizon": "1h",
    "interval": "5m",
    "start": "2023-06-29T18:10:00Z",
    "end": "2023-09-27T18:10:00Z",
    "models": ["LogisticRegression"],
    "costs_bps": 12.0,
    "warnings": [],
}
FINISH = {
    "verdict_word": "Verdict: no edge",
    "verdict_line": "Verdict: no edge for BTC up or down in the next hour: the best of 24 rules lost 96 %.",
    "bullets": ["It was right 51.2 % of the time.", "Costs eat what there is."],
    "table": {
        "columns": [{"label": "Model", "align": "left"}, {"label": "Net %", "align": "right"}],
        "rows": [["LogReg", "-96.0"], ["hold", "-10.0"]],
        "marked": 0,
        "note": "Net: after costs",
    },
    "footer": "R-1 · 41 s · not financial advice",
    "data_age": "newest bar 2023-09-27 18:10 UTC, 12 minutes before this report",
    "simulated": "",
    "warnings": [],
    "charts": ["equity"],
}


@dataclass
class Story:
    """One session and the lease of whoever works on it."""

    database: Database
    session_id: uuid.UUID
    number: int
    lease: Lease | None = None
    epoch: int = 0

    @property
    def run(self) -> str:
        return f"R-{self.number}"

    def take(self, *, seconds: float = 60) -> None:
        self.epoch += 1
        with self.database.begin() as db:
            self.lease = sessions.take(db, self.session_id, self.epoch, "worker", seconds=seconds)
        assert self.lease is not None

    def tell(self, key: str, kind: str, **payload: Any) -> None:
        with self.database.begin() as db:
            sessions.held(db, self.holder)
            events.append(db, self.session_id, key, kind, payload)

    def plan(self, **changes: Any) -> None:
        self.tell("planned", "planned", spec={**SPEC, **changes}, reasons={}, notes=[])

    def start(self, stage: str, step: int = 1) -> None:
        with self.database.begin() as db:
            sessions.held(db, self.holder).stage = stage
        self.tell(f"stage:{stage}:started", "stage_started", stage=stage, step=step, steps=7)

    def finish_stage(self, stage: str, summary: str, seconds: float = 1.0) -> None:
        self.tell(f"stage:{stage}:done", "stage_done", stage=stage, summary=summary, seconds=seconds)

    def progress(self, stage: str, label: str, done: int, total: int) -> None:
        self.tell(
            f"progress:{stage}:{label}:{done}",
            "progress",
            stage=stage,
            label=label,
            done=done,
            total=total,
            unit="fold",
        )

    def ask(self, interrupt_id: str = "q1", recommended: str = "1h", **changes: Any) -> None:
        question: dict[str, Any] = {
            "stage": "planning",
            "about": "horizon",
            "question": "How far ahead?",
            "choices": ["1h", "4h"],
            "expires_in": timedelta(hours=24),
            **changes,
        }
        with self.database.begin() as db:
            questions.ask(db, self.holder, interrupt_id=interrupt_id, recommended=recommended, **question)

    def complete(self, files: list[dict[str, Any]] | None = None, **changes: Any) -> None:
        payload = {"finish": {**FINISH, **changes}, "files": files or []}
        with self.database.begin() as db:
            result = {"verdict": {"decision": "no_edge"}}
            sessions.complete(db, self.holder, result, payload)

    def fail(self, message: str, *, no_data: bool = False) -> None:
        with self.database.begin() as db:
            sessions.fail(db, self.holder, message, "3f2a91c0", no_data=no_data)

    @property
    def holder(self) -> Lease:
        assert self.lease is not None
        return self.lease

    def row(self) -> AnalysisSession:
        with self.database.begin() as db:
            return db.get_one(AnalysisSession, self.session_id)


def begin(
    database: Database,
    speaker: Speaker = ANN,
    *,
    goal: str = "will btc close higher in the next hour? last 90 days",
    thread: str = "",
    platform: str = "fake",
    channel: str = "research",
) -> Story:
    """A session somebody asked for, in the queue."""
    with database.begin() as db:
        user = users.identify(db, platform, speaker.workspace, speaker.external_id, speaker.display_name)
        row = sessions.create(
            db,
            workspace=speaker.workspace,
            owner_id=user.id,
            platform=platform,
            channel=channel,
            thread=thread,
            goal=goal,
        )
    return Story(database, row.id, row.number)


class Woken:
    """An `enqueue` that remembers what it was asked for."""

    def __init__(self) -> None:
        self.jobs: list[tuple[uuid.UUID, int, bool]] = []

    def __call__(
        self, session_id: uuid.UUID, owner_id: uuid.UUID, epoch: int, *, first: bool = False
    ) -> None:
        self.jobs.append((session_id, epoch, first))


def backend(database: Database, woken: Enqueue | None = None, *, most: int = 10) -> Backend:
    return Backend(database, woken or Woken(), AccessSettings(max_concurrent_sessions=most))


def keep_file(store: FolderStore, name: str, content: bytes) -> dict[str, Any]:
    """A file of a finished run, as the completed event names it."""
    stored = store.put(content)
    media = "image/png" if name.endswith(".png") else "text/plain"
    return {
        "name": name,
        "kind": "file",
        "media_type": media,
        "sha256": stored.sha256,
        "alt": f"alt of {name}",
    }


def deliver(
    database: Database,
    platform: Platform,
    folder: Path,
    until: Callable[[], bool],
    *,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
    seconds: float = 15.0,
    **options: Any,
) -> None:
    """Deliver until `until()` is true; fail when that does not come."""

    async def run() -> None:
        async with delivering(database, platform, folder, **options) as task, asyncio.timeout(seconds):
            if meanwhile is not None:
                await meanwhile()
            while not until():
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)

    asyncio.run(run())


@asynccontextmanager
async def delivering(
    database: Database, platform: Platform, folder: Path, **options: Any
) -> AsyncIterator[asyncio.Task[None]]:
    """A delivery at work until the end of the block."""
    delivery = Delivery(database, platform, FolderStore(folder / "store"), **options)
    task = asyncio.create_task(delivery.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def all_told(database: Database, story: Story) -> bool:
    """Whether nothing waits for delivery in a session."""
    waiting = sa.text(
        "select (select count(*) from agent_session_events where session_id = :id and delivered_at is null) + "
        "(select count(*) from agent_sessions where id = :id and card_shown_seq < next_seq)"
    )
    with database.begin() as db:
        return bool(db.scalar(waiting, {"id": story.session_id}) == 0)


def execute(database: Database, statement: str, **values: Any) -> None:
    with database.begin() as db:
        db.execute(sa.text(statement), values)
