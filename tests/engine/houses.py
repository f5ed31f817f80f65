"""Whole sessions on a small simulated sample, run in the process of the test."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from engine import graph
from engine.agents import Stage
from engine.budget import BudgetSettings
from engine.llm.models import Models
from engine.llm.settings import ModelSettings
from engine.outcome import AwaitingUser, Completed, Outcome
from engine.work import Control, EngineSettings, Work
from jobs import tasks
from sandbox import Sandbox
from storage import events, questions, sessions, users
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.models import Artifact, Event, SessionMessage, Usage
from tests.model_server import ModelServer

GOAL = "will btc close higher in the next hour? last 20 days, logistic regression"


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
    sandbox: Sandbox | None = None

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
                sandbox=self.sandbox,
                customs=customs,
            )
            outcome = graph.run(work)
            tasks.record(self.database, lease, outcome, tasks.Workshop("test", "", "", lambda *_: None))  # type: ignore[arg-type]
            if not isinstance(outcome, AwaitingUser):
                return outcome
            with self.database.begin() as db:
                reply = next(replies, outcome.recommended)
                assert questions.answer(db, session_id, reply, user_id=None, by="default").accepted

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

    def handles(self, session_id: uuid.UUID) -> dict[str, str]:
        """The handles of a session's artifacts by their kind."""
        with self.database.begin() as db:
            names = list(db.scalars(select(Artifact.name).where(Artifact.session_id == session_id)))
        return {name.rsplit("-", 1)[0]: name for name in names if "-" in name and "/" not in name}

    def report(self, outcome: Outcome) -> str:
        """The text of the report a run ended with."""
        assert isinstance(outcome, Completed), outcome
        named = next(file for file in outcome.payload["files"] if file["name"] == "report.md")
        return self.store.read(named["sha256"]).decode()


def thinking(server: ModelServer, **more: Any) -> ModelSettings:
    """Settings with which a server of the test thinks, impatiently."""
    settings = {"agent_max_retries": 1, "llm_timeout_seconds": 60, "openai_model": "test-model"}
    return ModelSettings.model_validate(
        {"openai_base_url": f"{server.url}/v1", "openai_api_key": "sk-test-0123456789abcdef0123"}
        | settings
        | more
    )


def repeat(house: House, session_id: uuid.UUID) -> uuid.UUID:
    """A session that does another one again, as `omc rerun` makes it."""
    with house.database.begin() as db:
        before = sessions.find(db, str(session_id))
        again = sessions.create(
            db, workspace=before.workspace, owner_id=before.owner_id, platform="terminal", channel="tty",
            thread=uuid.uuid4().hex, goal=before.goal, repeats=before,
        )  # fmt: skip
    return again.id
