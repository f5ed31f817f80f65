"""`omc worker`: prepare a process that can fork runs quickly, and keep it at work until it is told to end."""

import contextlib
import gc
import importlib
import itertools
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from engine.outcome import Outcome
from jobs import process, queue, tasks
from jobs.parent import STOPS, Parent, Told
from jobs.sweeper import SweeperSettings, wake_again
from storage.artifacts import ArtifactSettings, ArtifactStore, open_store
from storage.database import Database
from storage.errors import StorageError
from storage.presence import Presence
from storage.sessions import Lease

if TYPE_CHECKING:
    from engine.agents import Stage
    from engine.budget import BudgetSettings
    from engine.llm.models import Models
    from engine.work import EngineSettings, Work
    from sandbox import Sandbox

# What runs import, loaded once here so that each fork has it: the difference between 5 s and 0.1 s.
PRELOAD = (
    "engine.graph",
    "engine.work",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "xgboost",
)

RESTART_SECONDS = 1.0
OpenRun = Callable[[Database, Lease], tasks.Run]

logger = logging.getLogger(__name__)


class WorkerSettings(SweeperSettings):
    """How a worker treats its runs."""

    agent_timeout_seconds: int = Field(600, gt=0, description="How long one stage may take, in seconds.")
    omc_drain_seconds: float = Field(
        8.0,
        ge=0,
        description="How long a worker that is told to end waits for its run, in seconds; less than the "
        "time after which it is killed (Docker: stop_grace_period, 10 s).",
    )
    omc_question_hours: float = Field(
        24.0,
        gt=0,
        description="How long a question waits for its answer before the recommended one is taken.",
    )
    omp_num_threads: int | None = Field(
        None, ge=1, description="Threads that one fit may use; by default all cores granted to the worker."
    )


class Services(Protocol):
    """The servers and the folder to work with, as `storage.embedded.connect` gives them."""

    @property
    def database_url(self) -> str: ...

    @property
    def redis_url(self) -> str: ...

    home: Path

    def ensure(self) -> bool:
        """Start the built-in servers again if they are gone. Raises ServiceError."""


def run_worker(
    services: Services,
    settings: WorkerSettings | None = None,
    *,
    burst: bool = False,
    parent_pid: int | None = None,
    open_run: OpenRun | None = None,
    preload: Sequence[str] = PRELOAD,
) -> None:
    """Work on sessions until SIGTERM or SIGINT; with `burst`, until none is left to start.

    It needs a process of its own, in which nothing has been computed yet. With `parent_pid` it ends, as
    if told to, when that process dies. `open_run` starts or resumes one session; by default the engine does.
    Raises StorageError or JobsError when the servers cannot be used at the start.
    """
    told = Told()
    for number in STOPS:
        signal.signal(number, told.stop)
    with contextlib.suppress(StopRequested):
        if parent_pid is None or process.die_with_parent(parent_pid, signal.SIGTERM):
            _prepare_and_work(services, settings or WorkerSettings(), told, burst, open_run, preload)


def _prepare_and_work(
    services: Services,
    settings: WorkerSettings,
    told: Told,
    burst: bool,
    open_run: OpenRun | None,
    preload: Sequence[str],
) -> None:
    process.grant_threads(settings.omp_num_threads or process.granted_cores())
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    database = Database(services.database_url, lock_timeout_seconds=3)
    client = queue.connect(services.redis_url)
    # A worker that ends by itself is nothing to count on.
    presence = None if burst else Presence(database)
    try:
        if presence is not None:
            presence.keep()
        for module in preload:
            importlib.import_module(module)
        if open_run is None:
            engine = EngineRuns.prepare(services.home)
            open_run = engine.open
            if presence is not None and engine.sandbox is None:
                presence.say_code_is_off()
        tasks.bind(
            tasks.Workshop(
                worker=owner,
                database_url=services.database_url,
                redis_url=services.redis_url,
                open_run=open_run,
                question_seconds=settings.omc_question_hours * 3600,
            )
        )
        if burst:  # nobody waits until the sweeper has made sure that a job is lost, which does no harm twice
            wake_again(database, client, after_seconds=0.0)
        gc.freeze()  # pages that the collector never touches stay shared with the horses
        _work(services, settings, database, client, presence, told, owner=owner, burst=burst)
    finally:
        if presence is not None:
            presence.close()
        client.close()
        database.close()


@dataclass(frozen=True)
class EngineRuns:
    """Opens runs of the engine, with what the worker's environment says about files and limits."""

    store: ArtifactStore
    settings: "EngineSettings"
    models: "Models"
    budgets: "BudgetSettings"
    sandbox: "Sandbox | None"
    customs: "tuple[Stage, ...]"

    @classmethod
    def prepare(cls, home: Path) -> "EngineRuns":
        from engine import custom_agents
        from engine.budget import BudgetSettings
        from engine.llm.models import Models
        from engine.work import EngineSettings

        budgets = BudgetSettings()
        models = Models.of_environment(budgets.llm_prices)
        if models.problem:
            logger.warning("no language model: %s Runs go on with the offline planner.", models.problem)
        customs = custom_agents.load(custom_agents.AgentSettings().omc_agents)
        sandbox = _start_sandbox(warm=models.are_there)
        return cls(open_store(ArtifactSettings(), home), EngineSettings(), models, budgets, sandbox, customs)

    def open(self, database: Database, lease: Lease) -> "EngineRun":
        from engine.llm.models import Models
        from engine.work import Control, Work

        control = Control(database, lease)
        work = Work(
            database,
            self.store,
            lease,
            control,
            self.settings,
            self.models,
            self.budgets,
            sandbox=self.sandbox,
            customs=self.customs,
        )
        if work.assignment.repeats is not None:
            # A repeat does what was done: no model of today may choose otherwise.
            work.models = Models.none()
        return EngineRun(work)


def _start_sandbox(*, warm: bool) -> "Sandbox | None":
    """Started and tried before any session; without it, everything but agents' own code works.

    With a model to write code, its libraries are loaded at once (`warm`); the offline planner never writes any.
    """
    from sandbox import Sandbox, SandboxError

    try:
        sandbox = Sandbox.start(warm=warm)
        sandbox.check()
    except SandboxError as error:
        logger.warning("agents cannot run code of their own: %s", error)
        return None
    return sandbox


@dataclass(frozen=True)
class EngineRun:
    """One session in the engine's hands."""

    work: "Work"

    def request_drain(self) -> None:
        self.work.control.request_drain()

    def run(self) -> Outcome:
        from engine.graph import run

        return run(self.work)


def _work(
    services: Services,
    settings: WorkerSettings,
    database: Database,
    client: Redis,
    presence: Presence | None,
    told: Told,
    *,
    owner: str,
    burst: bool,
) -> None:
    """Let RQ work, again and again if a server that went away made it stop."""
    for round_number in itertools.count(1):
        parent = Parent(
            client,
            database,
            services,
            presence,
            told,
            # RQ refuses a name whose last bearer could not say good-bye.
            name=f"{owner}-{round_number}",
            owner=owner,
            max_retries=settings.agent_max_retries,
            timeout_seconds=settings.agent_timeout_seconds,
            drain_seconds=settings.omc_drain_seconds,
        )
        try:
            parent.work(burst=burst, logging_level="WARNING")
        except RedisError as error:
            logger.warning("the queue went away: %s", error)
        if burst or parent.stopping:
            return
        try:
            services.ensure()
        except StorageError as error:
            logger.warning("%s", error)
        time.sleep(RESTART_SECONDS)
