"""Checkpoints are writes too: whoever lost the session cannot leave one."""

import uuid
from collections.abc import Iterator
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from engine.checkpoints import open_saver
from storage import sessions, users
from storage.database import Database
from storage.errors import LeaseLost
from storage.sessions import Lease


class Count(TypedDict):
    steps: int


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def lease(database: Database) -> Lease:
    with database.begin() as db:
        ann = users.identify(db, "terminal", "local", "ann", "Ann")
        row = sessions.create(
            db,
            workspace="local",
            owner_id=ann.id,
            platform="terminal",
            channel="tty",
            thread=uuid.uuid4().hex,
            goal="count",
        )
    with database.begin() as db:
        taken = sessions.take(db, row.id, 1, "first", seconds=-1)
    assert taken is not None
    return taken


def counting(saver: PostgresSaver, at_two: Any = None) -> CompiledStateGraph[Count, None, Count, Count]:
    def step(state: Count) -> Count:
        if state["steps"] == 1 and at_two is not None:
            at_two()
        return {"steps": state["steps"] + 1}

    graph = StateGraph(Count)
    for name in ("one", "two", "three"):
        graph.add_node(name, step)
    graph.add_edge(START, "one")
    graph.add_edge("one", "two")
    graph.add_edge("two", "three")
    graph.add_edge("three", END)
    return graph.compile(checkpointer=saver)


def config(lease: Lease) -> Any:
    return {"configurable": {"thread_id": str(lease.session_id)}}


def test_an_orphans_checkpoint_is_refused(database: Database, lease: Lease) -> None:
    def take_over() -> None:
        with database.begin() as db:
            assert sessions.take(db, lease.session_id, 2, "heir", seconds=60) is not None

    with open_saver(database.dsn, lease) as saver, pytest.raises(LeaseLost):
        counting(saver, at_two=take_over).invoke({"steps": 0}, config(lease), durability="sync")
    heir = Lease(lease.session_id, 2, "heir")
    with open_saver(database.dsn, heir) as saver:
        left = counting(saver).get_state(config(lease))
        assert (left.values, left.next) == ({"steps": 1}, ("two",)), "nothing of the orphan's second step"
        assert counting(saver).invoke(None, config(lease), durability="sync") == {"steps": 3}


def test_the_holder_writes_and_resumes(database: Database, lease: Lease) -> None:
    with open_saver(database.dsn, lease) as saver:
        assert counting(saver).invoke({"steps": 0}, config(lease), durability="sync") == {"steps": 3}


def test_the_library_still_sends_every_write_through_the_fenced_cursor(
    database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_cursor` is private to the library: this fails if a new version stops going through it in a pipeline."""
    modes: list[bool] = []
    with open_saver(database.dsn, lease) as saver:
        original = saver._cursor

        def watched(*, pipeline: bool = False) -> Any:
            modes.append(pipeline)
            return original(pipeline=pipeline)

        monkeypatch.setattr(saver, "_cursor", watched)
        before = len(modes)
        counting(saver).invoke({"steps": 0}, config(lease), durability="sync")
        writes = [mode for mode in modes[before:] if mode]
    assert len(writes) >= 4, "one checkpoint before the first node and one after each of three"
