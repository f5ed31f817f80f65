"""The graph of a session: it refuses, asks, waits, goes on where it was, makes way and stops - and nothing twice."""

import math
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import func

from engine.graph import create_agent_graph, run, should_tune_or_report
from engine.outcome import AwaitingUser, Cancelled, Completed, Drained, Failed
from engine.state import AgentState
from engine.work import Control, EngineSettings, Work
from storage import events, prices, questions, sessions, users
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database
from storage.errors import LeaseLost
from storage.models import AnalysisSession, Clarification
from storage.sessions import Lease

START = datetime(2024, 5, 1, tzinfo=UTC)
CLEAR = "will eth close higher in the next hour? last 2 days, only logistic regression"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


class Hasty(Work):
    """Work in a worker that is told to end as soon as the plan stands."""

    def tell(self, key: str, kind: str, payload: dict[str, Any]) -> None:
        super().tell(key, kind, payload)
        if kind == "planned":
            self.control.request_drain()


class Desk:
    """A session and whoever works on it."""

    def __init__(self, database: Database, folder: Path, goal: str) -> None:
        self.database, self.folder = database, folder
        with database.begin() as db:
            ann = users.identify(db, "terminal", "local", "ann", "Ann")
            self.id = sessions.create(
                db,
                workspace="local",
                owner_id=ann.id,
                platform="terminal",
                channel="tty",
                thread=uuid.uuid4().hex,
                goal=goal,
            ).id

    def take(self, epoch: int = 1, *, hasty: bool = False) -> Work:
        with self.database.begin() as db:
            lease = sessions.take(db, self.id, epoch, f"worker-{epoch}", seconds=-1)
        assert lease is not None
        store = open_store(ArtifactSettings(), self.folder)
        control = Control(self.database, lease, look_every_seconds=0.0)
        kind = Hasty if hasty else Work
        return kind(self.database, store, lease, control, EngineSettings())

    def ask(self, lease: Lease, asked: AwaitingUser) -> None:
        with self.database.begin() as db:
            questions.ask(
                db,
                lease,
                interrupt_id=asked.interrupt_id,
                stage=asked.stage,
                about=asked.about,
                question=asked.question,
                choices=asked.choices,
                recommended=asked.recommended,
                expires_in=timedelta(hours=1),
            )

    def answer(self, text: str) -> None:
        with self.database.begin() as db:
            assert questions.answer(db, self.id, text, user_id=None).accepted

    def kinds(self) -> list[str]:
        with self.database.begin() as db:
            return [event.kind for event in events.since(db, self.id)]

    def stages(self, kind: str) -> list[str]:
        with self.database.begin() as db:
            return [event.payload["stage"] for event in events.since(db, self.id) if event.kind == kind]


def hold_prices(database: Database, *coins: str, bars: int = 600) -> None:
    stamps = pa.array([START + timedelta(minutes=5 * at) for at in range(bars)], pa.timestamp("us", tz="UTC"))
    closes = [100 + math.sin(at / 7) for at in range(bars)]
    with database.begin() as db:
        for coin in coins:
            table = pa.table({"coin": [coin] * bars, "timestamp": stamps, "close": closes})
            prices.upsert(db, "binance:usdt", table)


def test_every_stage_is_a_node_beside_planning_and_the_one_that_waits() -> None:
    assert set(create_agent_graph().get_graph().nodes) - {"__start__", "__end__"} == {
        "planning", "data_retrieval", "data_analysis", "feature_engineering", "model_training",
        "model_evaluation", "hyperparameter_tuning", "reporting", "awaiting_user",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "following"),
    [({"tune": True}, "hyperparameter_tuning"), ({"tune": False}, "reporting"), ({}, "reporting")],
)
def test_tuning_comes_only_where_the_evaluation_sees_a_point(facts: dict[str, bool], following: str) -> None:
    state = AgentState(findings={"model_evaluation": {"summary": "", "facts": facts}})
    assert should_tune_or_report(state) == following


def test_without_prices_nothing_is_begun_and_the_outcome_says_so(database: Database, tmp_path: Path) -> None:
    outcome = run(Desk(database, tmp_path, CLEAR).take())
    assert isinstance(outcome, Failed)
    assert (outcome.refused, outcome.no_data) == (True, True)
    assert "omc data import FILE" in outcome.message


def test_a_goal_that_is_none_is_refused_in_words(database: Database, tmp_path: Path) -> None:
    hold_prices(database, "eth")
    outcome = run(Desk(database, tmp_path, "hello").take())
    assert isinstance(outcome, Failed)
    assert (outcome.refused, outcome.no_data) == (True, False)


def test_a_question_waits_for_its_answer_and_each_answer_counts_for_its_own(
    database: Database, tmp_path: Path
) -> None:
    hold_prices(database, "btc", "eth")
    desk = Desk(database, tmp_path, "analyse doge")
    work = desk.take()
    coin = run(work)
    assert isinstance(coin, AwaitingUser)
    assert (coin.stage, coin.about, sorted(coin.choices)) == ("planning", "coins", ["BTC", "ETH"])
    assert coin.recommended in coin.choices
    assert run(work) == coin, "started again without an answer it asks the same, under the same name"

    desk.ask(work.lease, coin)
    desk.answer("eth")
    work = desk.take(2)
    target = run(work)
    assert isinstance(target, AwaitingUser)
    assert target.about == "target"
    assert target.interrupt_id != coin.interrupt_id
    assert "ETH" in target.question
    # The wake-up for the first answer is delivered once more: it must not answer the second question.
    assert run(work) == target
    assert "planned" not in desk.kinds()


def test_a_plan_speaks_of_the_newest_bar_of_its_own_coin(database: Database, tmp_path: Path) -> None:
    hold_prices(database, "btc", bars=900)
    hold_prices(database, "eth", bars=600)
    desk = Desk(database, tmp_path, CLEAR)
    work = desk.take(hasty=True)
    assert isinstance(run(work), Drained)
    with database.begin() as db:
        row = db.get_one(AnalysisSession, desk.id)
        [planned] = [event.payload for event in events.since(db, desk.id) if event.kind == "planned"]
    assert row.spec is not None
    assert row.spec["end"] == "2024-05-03T02:00:00Z", "600 bars of 5 minutes after the first of May"
    assert row.spec["models"] == ["LogisticRegression"]
    assert planned["spec"] == row.spec
    assert planned["notes"][0].startswith("The newest price is ")


def test_a_run_told_to_make_way_goes_on_elsewhere_and_says_nothing_twice(
    database: Database, tmp_path: Path
) -> None:
    hold_prices(database, "eth")
    desk = Desk(database, tmp_path, CLEAR)
    assert isinstance(run(desk.take(hasty=True)), Drained)
    assert desk.kinds() == ["opened", "planned"]
    outcome = run(desk.take(2))
    assert isinstance(outcome, Completed)
    # Two days are too few to train on: the run ends there, with the reason in the verdict's place.
    assert outcome.result["verdict"]["decision"] == "not_enough_data"
    assert desk.kinds().count("planned") == 1
    before = ["data_retrieval", "data_analysis", "feature_engineering"]
    assert desk.stages("stage_started") == [*before, "model_training"]
    assert desk.stages("stage_done") == before


def test_a_run_that_was_asked_to_stop_stops_before_its_next_tool(database: Database, tmp_path: Path) -> None:
    hold_prices(database, "eth")
    desk = Desk(database, tmp_path, CLEAR)
    work = desk.take()
    with database.begin() as db:
        sessions.request_cancel(db, desk.id)
    assert run(work) == Cancelled()
    assert desk.stages("stage_started") == ["data_retrieval"]
    assert desk.stages("stage_done") == []


def test_a_run_whose_session_was_taken_over_leaves_no_trace(database: Database, tmp_path: Path) -> None:
    hold_prices(database, "eth")
    desk = Desk(database, tmp_path, CLEAR)
    orphan = desk.take()
    desk.take(2)
    told = desk.kinds()
    with pytest.raises(LeaseLost):
        run(orphan)
    assert desk.kinds() == told


def test_a_question_that_ran_out_of_time_is_still_the_same_question(
    database: Database, tmp_path: Path
) -> None:
    hold_prices(database, "btc", "eth")
    desk = Desk(database, tmp_path, "analyse doge")
    work = desk.take()
    asked = run(work)
    assert isinstance(asked, AwaitingUser)
    desk.ask(work.lease, asked)
    with database.begin() as db:
        db.get_one(Clarification, (desk.id, asked.interrupt_id)).expires_at = func.clock_timestamp()
        [overdue] = questions.overdue(db)
        questions.answer(db, desk.id, overdue.recommended, user_id=None, by="expiry")
    following = run(desk.take(2))
    assert isinstance(following, AwaitingUser)
    assert asked.recommended in following.question
