"""Features that an agent writes: refused with what to change, or trained on, repeated, applied and told whose they are."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bots import differences
from engine import forecasting
from engine.errors import ToolError
from engine.outcome import Completed, Failed
from engine.science import simulate
from engine.tools.writing import MOST_WRITTEN, write_feature
from engine.work import Control, EngineSettings, Work
from sandbox import Limits, Sandbox, SandboxError
from storage import artifacts, sessions
from storage.models import AnalysisSession
from tests.engine.houses import House, repeat, thinking
from tests.engine.llm.players import good
from tests.model_server import Asked, ModelServer, Player, Says

GOOD = """
def feature(bars):
    body = (bars["close"] - bars["open"]).abs()
    whole = (bars["high"] - bars["low"]).rolling(24).mean()
    return (body.rolling(24).mean() / whole.where(whole > 0)).fillna(0.5)
"""
LEAKS = {
    "next_bar": "bars['close'].shift(-1) / bars['close'] - 1",
    "centred": "bars['close'] / bars['close'].rolling(25, center=True, min_periods=1).mean()",
    "whole_score": "(bars['close'] - bars['close'].mean()) / bars['close'].std()",
    "filled_back": "bars['volume'].bfill() / bars['volume'].rolling(24, min_periods=1).mean()",
    "as_long_as_all": "bars['close'].shift(-1 if len(bars) == 3_000 else 1) / bars['close']",
    "remembered": "vars(pd).setdefault('kept', bars['close'].shift(-1)).reindex(bars.index) / bars['close']",
}
WRONG = {
    "too_short": ("bars['close'].iloc[:-1]", "2,999 values for 3,000 bars"),
    "no_series": ("1.0", "must return a Series"),
    "words": ("bars['close'].astype(str)", "must return numbers"),
    "constant": ("bars['close'] * 0 + 4.0", "is the same on every bar"),
    "missing": ("bars['close'].where(bars['close'] < 0)", "use a shorter window"),
    "from_the_start": ("bars['volume'].cumsum() / 1e6", "depends on where the data begin"),
    "long_memory": ("bars['close'] / bars['close'].rolling(1_500, min_periods=1).mean()", "at most 1,000 bars"),
    "by_chance": ("pd.Series(np.random.normal(size=len(bars)), bars.index)", "other values each time"),
    "broken": ("bars['price']", "KeyError"),
    "reading": ("pd.read_csv('/etc/passwd')", "ended with error.*(No such file|reaches no network)"),
    "opening": ("open('/etc/passwd').read()", "`open` is not available"),
    "ending": ("exit(0)", "left no value"),
    "endless": ("[0 for _ in iter(int, 1)]", "ended with"),
}  # fmt: skip
Serve = Callable[[Player], ModelServer]


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


def write(work: Work, name: str, code: str) -> dict[str, Any]:
    prices = simulate.gbm(3_000, 5, sigma=0.002).assign(coin="btc")
    handle = work.keep_frame("prices", prices, summary="bars", details={"interval_minutes": 5})
    runtime = SimpleNamespace(context=work)
    found: dict[str, Any] = write_feature.func(  # type: ignore[attr-defined]
        data=handle, coins=["btc"], name=name, code=code, why="It may tell.", runtime=runtime
    )
    return found


def returning(expression: str) -> str:
    return f"def feature(bars):\n    return {expression}\n"


@pytest.mark.parametrize("name", LEAKS)
def test_a_feature_that_looks_ahead_is_refused_by_name(work: Work, name: str) -> None:
    code = LEAKS[name]
    with pytest.raises(ToolError, match=f"^{name} looks into the future.*earlier ones only"):
        write(work, name, returning(code))
    assert work.newest("own_feature") is None


@pytest.mark.parametrize("name", WRONG)
def test_code_that_makes_no_feature_is_refused_with_what_to_do(
    work: Work, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.written.LIMITS", Limits(seconds=3.0, memory_mb=512))
    expression, why = WRONG[name]
    with pytest.raises(ToolError, match=why):
        write(work, name, returning(expression))
    assert work.newest("own_feature") is None


def test_a_name_that_is_taken_and_one_feature_too_many_are_refused(work: Work) -> None:
    for taken in ("close", "direction", "volatility", "same_time_volatility", "rsi", "Body", "x1", "a-b"):
        with pytest.raises(ToolError, match="name"):
            write(work, taken, GOOD)
    for name in ("a", "b", "c")[:MOST_WRITTEN]:
        assert write(work, f"body_{name}", GOOD)["leak_cuts"] == 32
    with pytest.raises(ToolError, match="A run takes 3 features"):
        write(work, "body_d", GOOD)
    with pytest.raises(ToolError, match="that you wrote before"):
        write(work, "body_a", GOOD.replace("24", "36"))


def author(asked: Asked) -> Says:
    """Writes a leaking feature, then a sound one, and goes on by the plan."""
    if asked.stage != "feature_engineering":
        return good(asked)
    assert "write_feature" in asked.tools
    _, planned = asked.first_step or ("", {})
    args = {"data": planned["data"], "coins": ["btc"], "why": "Calm <b>bodies</b> may come before a `move`."}
    match len(asked.results):
        case 0:
            leak = returning(LEAKS["next_bar"])
            return Says(calls=(("write_feature", {**args, "name": "next_bar", "code": leak}),))
        case 1:
            assert "looks into the future" in asked.results[-1]
            return Says(calls=(("write_feature", {**args, "name": "body_share", "code": GOOD}),))
        case 2:
            return Says(calls=(("follow_plan", {}),))
        case _:
            return good(asked)


def test_a_feature_that_an_agent_wrote_is_trained_on_repeated_applied_and_told_whose_it_is(
    house: House, serve: Serve, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.sandbox = sandbox
    session = house.open()
    outcome = house.run(session, thinking(serve(author)))
    assert isinstance(outcome, Completed)
    [own] = outcome.result["validation"]["written"]
    assert (own["name"], own["code"]) == ("body_share", GOOD.strip() + "\n")
    report = house.report(outcome)
    assert "Written by the agent, body share" in report
    assert "may come before a" in report
    assert "<b>" not in report.replace("\\<b", "")
    assert "`move`" not in report
    assert "next bar" not in report
    assert "The agent wrote a feature of its own, body share; it passed the leak gate." in house.notes(
        session
    )
    plain = house.run(house.open(owner="bob"))
    assert isinstance(plain, Completed)
    assert outcome.result["validation"]["features"] == plain.result["validation"]["features"] + 1

    for file in outcome.payload["files"]:
        if "/" not in file["name"]:
            (tmp_path / file["name"]).write_bytes(house.store.read(file["sha256"]))
    assert "The same: " in ran(tmp_path)

    again = house.run(repeat(house, session))
    assert isinstance(again, Completed)
    assert differences.compare(outcome.result, again.result).figures == ()
    assert again.result["validation"]["written"] == outcome.result["validation"]["written"]

    with house.database.begin() as db:
        run = db.get_one(AnalysisSession, session)
        kinds = {file.kind for file in artifacts.of_session(db, session)}
    assert "own_feature" in kinds
    (forecast,) = forecasting.predict(house.database, house.store, run)
    assert 0 < forecast.said < 1

    def nowhere() -> Sandbox:
        raise SandboxError("Code can be held on Linux only.")

    monkeypatch.setattr(forecasting, "default_sandbox", nowhere)
    with pytest.raises(
        forecasting.NothingToApply, match=r"wrote as code \(body_share\), and code execution is off"
    ):
        forecasting.predict(house.database, house.store, run)
    house.sandbox = None
    refused = house.run(repeat(house, session))
    assert isinstance(refused, Failed)
    assert "body_share was written by an agent as code, and code execution is off here" in refused.message


def ran(folder: Path) -> str:
    """What the run's notebook prints, run beside its files."""
    cells = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    assert "# body_share, written by the agent\ndef feature(bars):" in out.getvalue()
    return out.getvalue()


def test_where_code_cannot_be_held_the_tool_is_not_offered(house: House, serve: Serve) -> None:
    house.sandbox = None
    server = serve(good)
    assert isinstance(house.run(house.open(), thinking(server)), Completed)
    assert not any("write_feature" in asked.tools for asked in server.asked)
    assert any("execute_python" in asked.tools for asked in server.asked)
