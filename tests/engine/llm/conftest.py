"""Whole sessions on a small simulated sample, with a scripted model's server as the mind."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import select

from engine import graph
from engine.agents import Stage
from engine.budget import BudgetSettings
from engine.llm.models import Models
from engine.llm.settings import ModelSettings
from engine.outcome import AwaitingUser, Completed, Outcome
from engine.science import simulate
from engine.work import Control, EngineSettings, Work
from jobs import tasks
from storage import events, prices, sessions, users
from storage.artifacts import ArtifactSettings, ArtifactStore, open_store
from storage.database import Database
from storage.embedded import Services
from storage.models import Event, SessionMessage, Usage
from storage.series import SIMULATED
from tests.model_server import ModelServer, Player

GOAL = "will btc close higher in the next hour? last 20 days, logistic regression"
DAYS = 40


@pytest.fixture(scope="session")
def stocked(services: Services, administrator: psycopg.Connection, template: str) -> str:
    """The name of a database that holds a small sample, never used itself."""
    administrator.execute(f"create database template_stocked template {template}")
    url = services.database_url.replace("/omc?", "/template_stocked?", 1)
    database = Database(url)
    newest = datetime(2026, 10, 1, tzinfo=UTC)
    drawn = simulate.sample(DAYS, 7, newest - timedelta(days=DAYS))
    with database.begin() as db:
        for coin, kind in {"btc": "flat", "eth": "wild"}.items():
            bars = drawn[kind]
            columns = {
                name: pa.array(bars[name].to_numpy()) for name in ("open", "high", "low", "close", "volume")
            }
            stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
            table = pa.table({"coin": pa.repeat(coin, len(bars)), "timestamp": stamps} | columns)
            prices.upsert(db, SIMULATED, table)
    database.close()
    administrator.execute("alter database template_stocked with allow_connections false")
    return "template_stocked"


class UntilPlanned(Control):
    """Stops a run before its first stage does anything."""

    def cancelled(self) -> bool:
        with self._database.begin() as db:
            return any(event.kind == "planned" for event in events.since(db, self._lease.session_id))


@dataclass
class House:
    """A database with prices, a folder for files, and sessions run in this process."""

    database: Database
    store: ArtifactStore

    def open(self, goal: str = GOAL, *, owner: str = "ann", **preferences: Any) -> uuid.UUID:
        with self.database.begin() as db:
            person = users.identify(db, "terminal", "local", owner, owner.title())
            row = sessions.create(
                db, workspace="local", owner_id=person.id, platform="terminal", channel="tty",
                thread=uuid.uuid4().hex, goal=goal, preferences=preferences, seed=1,
            )  # fmt: skip
        return row.id

    def run(
        self,
        session_id: uuid.UUID,
        settings: ModelSettings | None = None,
        budgets: BudgetSettings | None = None,
        answers: tuple[str, ...] = (),
        *,
        only_planning: bool = False,
        customs: tuple[Stage, ...] = (),
    ) -> Outcome:
        """Work on a session to its end; questions are answered from `answers`, then as recommended.

        With `only_planning` it is cancelled once it is planned.
        """
        budgets = budgets or BudgetSettings()
        models = Models.of(settings or ModelSettings(llm_provider="offline"), budgets.llm_prices)
        try:
            return self._work(session_id, models, budgets, iter(answers), only_planning, customs)
        finally:
            models.close()

    def _work(
        self,
        session_id: uuid.UUID,
        models: Models,
        budgets: BudgetSettings,
        replies: Iterator[str],
        only_planning: bool,
        customs: tuple[Stage, ...],
    ) -> Outcome:
        while True:
            with self.database.begin() as db:
                epoch = sessions.find(db, str(session_id)).lease_epoch + 1
                lease = sessions.take(db, session_id, epoch, "test", seconds=60)
            assert lease is not None
            control = (UntilPlanned if only_planning else Control)(self.database, lease)
            work = Work(
                self.database,
                self.store,
                lease,
                control,
                EngineSettings(omp_num_threads=1),
                models,
                budgets,
                customs=customs,
            )
            outcome = graph.run(work)
            tasks.record(self.database, lease, outcome, tasks.Workshop("test", "", "", lambda *_: None))  # type: ignore[arg-type]
            if not isinstance(outcome, AwaitingUser):
                return outcome
            with self.database.begin() as db:
                reply = next(replies, outcome.recommended)
                assert sessions.answer(db, session_id, reply, user_id=None, by="default").accepted

    def told(self, session_id: uuid.UUID, kind: str = "") -> list[Event]:
        with self.database.begin() as db:
            return [event for event in events.since(db, session_id) if not kind or event.kind == kind]

    def notes(self, session_id: uuid.UUID) -> list[str]:
        return [str(event.payload["text"]) for event in self.told(session_id, "note")]

    def audit(self, session_id: uuid.UUID) -> list[SessionMessage]:
        with self.database.begin() as db:
            query = select(SessionMessage).where(SessionMessage.session_id == session_id)
            return list(db.scalars(query.order_by(SessionMessage.id)))

    def usage(self, session_id: uuid.UUID) -> list[Usage]:
        with self.database.begin() as db:
            return list(db.scalars(select(Usage).where(Usage.session_id == session_id).order_by(Usage.id)))

    def report(self, outcome: Outcome) -> str:
        """The text of the report a run ended with."""
        assert isinstance(outcome, Completed), outcome
        named = next(file for file in outcome.payload["files"] if file["name"] == "report.md")
        return self.store.read(named["sha256"]).decode()


NUMBERS = itertools.count(1)


@pytest.fixture
def house(
    services: Services, administrator: psycopg.Connection, stocked: str, tmp_path: Path
) -> Iterator[House]:
    name = f"stocked_{next(NUMBERS)}"
    administrator.execute(f"create database {name} template {stocked}")
    database = Database(services.database_url.replace("/omc?", f"/{name}?", 1))
    yield House(database, open_store(ArtifactSettings(), tmp_path))
    database.close()
    administrator.execute(f"drop database {name} with (force)")


@pytest.fixture
def serve() -> Iterator[Callable[[Player], ModelServer]]:
    """Starts servers that play a model; all are closed at the end."""
    servers: list[ModelServer] = []

    def start(play: Player) -> ModelServer:
        servers.append(ModelServer(play))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def thinking(server: ModelServer, **more: Any) -> ModelSettings:
    """Settings with which a server of the test thinks, impatiently."""
    settings = {"agent_max_retries": 1, "llm_timeout_seconds": 60, "openai_model": "test-model"}
    return ModelSettings.model_validate(
        {"openai_base_url": f"{server.url}/v1", "openai_api_key": "sk-test-0123456789abcdef0123"}
        | settings
        | more
    )
