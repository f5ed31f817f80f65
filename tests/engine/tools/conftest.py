"""Tools at work: a run's hands on a real database with a small simulated sample, and every tool by its name."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool

from engine import agents
from engine.llm.offline import Brief
from engine.science import simulate
from engine.tools import TOOLBOXES, ToolRegistry
from engine.work import Control, EngineSettings, Work
from storage import prices, sessions, users
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database
from storage.series import SIMULATED

DAYS = 30
END = datetime(2026, 3, 1, tzinfo=UTC)
START = END - timedelta(days=DAYS)
MINUTES = 15  # bars are joined, so that a fit takes no time


@dataclass
class Bench:
    """A run under way: `use` calls a tool as its agent would, `state` is what the graph would hold."""

    work: Work
    state: dict[str, Any] = field(
        default_factory=lambda: {"current_step": "test", "findings": {}, "spec": {}}
    )

    def use(self, name: str, **args: Any) -> dict[str, Any]:
        """Call a tool; its answer as an agent reads it, plain JSON. Raises what the tool raises."""
        runtime = ToolRuntime(
            state=self.state, context=self.work, config={}, stream_writer=lambda _: None,
            tool_call_id="call", store=None,
        )  # fmt: skip
        answer = tools()[name].invoke({**args, "runtime": runtime})
        read: dict[str, Any] = json.loads(json.dumps(answer))
        return read

    def prices(self, *coins: str) -> str:
        """The handle of cleaned prices."""
        fetched = self.use(
            "fetch_price_data", coin_types=list(coins), start_date=START.isoformat(), end_date=END.isoformat()
        )
        return str(self.use("clean_data", data=fetched["data"], interval_minutes=MINUTES)["data"])

    def features(self, target: str = "direction", *coins: str, **changes: Any) -> str:
        """The handle of features of some coins, btc by default."""
        wanted = {
            "data": self.prices(*(coins or ("btc",))), "target_variable": target, "horizon_minutes": [60],
            "indicators": ["RSI_14", "MACD"], "coins": list(coins or ("btc",)), "driver_coins": [], "costs_bps": 5.0,
            "leave_out": [],
        }  # fmt: skip
        return str(self.use("create_features", **{**wanted, **changes})["data"])

    def forecasts(
        self, features: str, model: str = "LogisticRegression", coin: str = "btc", minutes: int = 60
    ) -> str:
        """The handle of one model's walk-forward."""
        task = "regression" if model in ("Ridge", "LinearRegression") else "classification"
        fitted = self.use(
            f"train_{task}_model", feature_data=features, coin=coin, model_type=model, horizon_minutes=minutes,
            hyperparameters=None,
        )  # fmt: skip
        return str(self.use("cross_validate_model", model_id=fitted["model_id"])["forecasts"])

    def follow(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Go through every stage by its offline policy; the reporting stage's facts."""
        self.state["spec"] = {**SPEC, **spec}
        for stage in agents.stages(self.state["spec"]):
            if stage.optional:
                continue
            self.state["current_step"] = stage.name
            brief = Brief(
                goal=self.work.assignment.goal,
                spec=self.state["spec"],
                findings=self.state["findings"],
                answers=[],
            )
            steps = stage.policy(brief)
            answer: Any = None
            try:
                while True:
                    call = steps.send(answer)
                    answer = self.use(call.tool, **call.args)
            except StopIteration as end:
                self.state["findings"] = {**self.state["findings"], stage.name: end.value.args}
        facts: dict[str, Any] = self.state["findings"]["reporting"]["facts"]
        return facts

    def read(self, facts: Mapping[str, Any], name: str) -> bytes:
        """A delivered file by its name."""
        [file] = [file for file in facts["payload"]["files"] if file["name"] == name]
        return self.work.store.read(file["sha256"])


SPEC: Mapping[str, Any] = {
    "coins": ["btc"], "driver_coins": [], "task": "classification", "target": "direction", "horizon": "1h",
    "horizons": ["1h"], "interval": f"{MINUTES}m", "start": START.isoformat(), "end": END.isoformat(),
    "period_days": DAYS, "models": ["LogisticRegression"], "indicators": ["RSI_14", "MACD"], "costs_bps": 5.0,
    "costs_stated": True, "metric": "auc", "warnings": [], "focus": None, "study": "forecast",
}  # fmt: skip


def tools() -> dict[str, BaseTool]:
    """Every tool of every agent by its name."""
    held = (ToolRegistry().get_tools_for_agent(agent) for agent in TOOLBOXES)
    return {tool.name: tool for tool in itertools.chain.from_iterable(held)}


@pytest.fixture(scope="module")
def database(make_database: Callable[[], str]) -> Iterator[Database]:
    """A database with thirty days of three simulated coins; doge is wild."""
    database = Database(make_database())
    drawn = simulate.sample(DAYS, 7, START)
    with database.begin() as db:
        for coin, kind in {"btc": "flat", "eth": "lead", "doge": "wild"}.items():
            bars = drawn[kind]
            columns = {
                name: pa.array(bars[name].to_numpy()) for name in ("open", "high", "low", "close", "volume")
            }
            stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
            table = pa.table({"coin": pa.repeat(coin, len(bars)), "timestamp": stamps} | columns)
            prices.upsert(db, SIMULATED, table)
    yield database
    database.close()


@pytest.fixture
def make_bench(database: Database, tmp_path: Path) -> Callable[..., Bench]:
    """Makes the bench of a fresh run of some person's workspace."""
    return lambda workspace="local": open_bench(database, tmp_path, workspace)


def open_bench(database: Database, folder: Path, workspace: str) -> Bench:
    with database.begin() as db:
        person = users.identify(db, "terminal", workspace, "ann", "Ann")
        row = sessions.create(
            db, workspace=workspace, owner_id=person.id, platform="terminal", channel="tty",
            thread=uuid.uuid4().hex, goal="will btc close higher in the next hour?", seed=1,
        )  # fmt: skip
        lease = sessions.take(db, row.id, 1, "test", seconds=600)
    assert lease is not None
    store = open_store(ArtifactSettings(), folder)
    control = Control(database, lease)
    return Bench(Work(database, store, lease, control, EngineSettings(omp_num_threads=1)))


@pytest.fixture(scope="module")
def bench(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One run's bench that a module's tests share: handles stay valid, nothing is computed twice."""
    return open_bench(database, tmp_path_factory.mktemp("bench"), "shared")
