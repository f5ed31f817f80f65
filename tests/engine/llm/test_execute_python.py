"""`execute_python`: an agent's code on this run's data, its results and figures kept."""

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import ToolError
from engine.tools import ToolRegistry
from engine.tools.coding import MOST_TOLD, execute_python
from engine.work import Control, EngineSettings, Work
from sandbox import Sandbox
from storage import sessions
from storage.models import Artifact
from tests.engine.houses import House
from tests.sandbox.trial import make_prices


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    if sys.platform != "linux":
        pytest.skip("code can be held on Linux only")
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def work(house: House, sandbox: Sandbox) -> Work:
    session_id = house.open()
    with house.database.begin() as db:
        lease = sessions.take(db, session_id, 1, "test", seconds=60)
    assert lease is not None
    control = Control(house.database, lease)
    return Work(house.database, house.store, lease, control, EngineSettings(), sandbox=sandbox)


def call(work: Work, code: str, **data: str) -> dict[str, Any]:
    runtime = SimpleNamespace(context=work)
    answer: dict[str, Any] = execute_python.func(code=code, data=data, runtime=runtime)  # type: ignore[attr-defined]
    return answer


def test_an_agent_gets_the_answer_and_the_run_keeps_everything(work: Work) -> None:
    prices = work.keep_frame("prices", make_prices().assign(coin="btc"), summary="bars")
    code = "print(len(bars))\nbars['close'].plot()\nresult = {'mean': bars['close'].mean()}"
    answer = call(work, code, bars=prices)
    assert answer["status"] == "ok"
    assert answer["result"] == {"mean": make_prices()["close"].mean()}
    assert answer["printed"] == "600\n"
    content, _ = work.find(answer["kept"], "code")
    assert json.loads(content)["code"] == code
    (figure,) = answer["figures"]
    png, record = work.find(figure, "figure")
    assert png.startswith(b"\x89PNG")
    assert record.media_type == "image/png"
    with work.database.begin() as db:
        kinds = set(db.scalars(select(Artifact.kind).where(Artifact.session_id == work.lease.session_id)))
    assert kinds == {"prices", "code", "figure"}


def test_an_agent_learns_what_to_do_differently(work: Work) -> None:
    refused = call(work, "import requests")
    assert refused["status"] == "rejected"
    assert "line 1: `requests` is not available here" in refused["error"]
    failed = call(work, "x = 1\nresult = y")
    assert failed["status"] == "error"
    assert failed["error"].startswith("line 2: NameError")
    long = call(work, "result = 'x' * 10_000")
    assert len(long["result"]) == MOST_TOLD
    assert "characters" in long["notes"][0]
    with pytest.raises(ToolError, match="is not a handle"):
        call(work, "result = 1", prices="nothing-here")


def test_without_a_sandbox_an_agent_is_sent_to_the_other_tools(work: Work) -> None:
    work.sandbox = None
    assert call(work, "result = 1") == {
        "status": "unavailable",
        "error": "This machine cannot hold code. Use the other tools.",
    }


def test_those_who_look_at_data_and_models_have_the_tool() -> None:
    for agent in ("data_analyst", "model_evaluator"):
        assert "execute_python" in [tool.name for tool in ToolRegistry().get_tools_for_agent(agent)]
