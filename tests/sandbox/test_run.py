"""What a run gives back: value, output, figures, errors that help, limits that say which and how much."""

from pathlib import Path

import pandas as pd
import pytest

from sandbox import Limits, Sandbox, SandboxError
from sandbox.settings import SandboxSettings

FITS = """
from xgboost import XGBClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.cluster import KMeans
X = np.random.default_rng(0).normal(size=(400, 4)); y = (X[:, 0] + X[:, 1] > 0).astype(int)
result = {
    "xgboost": float(XGBClassifier(n_estimators=20, n_jobs=2).fit(X, y).score(X, y)),
    "hist": float(HistGradientBoostingClassifier(max_iter=20).fit(X, y).score(X, y)),
    "forest": float(RandomForestClassifier(20, n_jobs=2, random_state=0).fit(X, y).score(X, y)),
    "kmeans": len(KMeans(3, n_init=2, random_state=0).fit(X).cluster_centers_),
}
"""


def test_a_frame_goes_in_and_values_output_and_a_figure_come_out(
    sandbox: Sandbox, prices: pd.DataFrame
) -> None:
    code = """
import seaborn as sns
print("rows", len(prices), prices["ts"].dtype.kind)
sns.lineplot(x=prices["ts"], y=prices["close"])
result = {"mean": prices["close"].mean(), "table": prices[["close"]].head(2), "none": float("nan")}
"""
    done = sandbox.run(code, {"prices": prices})
    assert (done.status, done.error, done.stdout) == ("ok", None, "rows 600 M\n")
    assert done.value["mean"] == prices["close"].mean()
    close = prices["close"].tolist()
    assert done.value["table"] == {
        "columns": ["close"],
        "index": [0, 1],
        "data": [[close[0]], [close[1]]],
        "shape": [2, 1],
    }
    assert done.value["none"] is None
    assert [(figure.name, figure.width) for figure in done.figures] == [("figure_1.png", 640)]
    assert done.usage.seconds > 0
    assert done.usage.cpu_seconds > 0


def test_a_parquet_file_goes_in_by_its_path(sandbox: Sandbox, prices: pd.DataFrame, tmp_path: Path) -> None:
    prices.set_index("ts").to_parquet(tmp_path / "prices.parquet")
    done = sandbox.run(
        "result = [str(prices.index[1]), list(prices.columns)]", {"prices": tmp_path / "prices.parquet"}
    )
    assert done.value == ["2024-03-01 00:05:00", ["open", "high", "low", "close", "volume"]]


def test_models_are_fitted_on_two_threads(sandbox: Sandbox) -> None:
    done = sandbox.run(FITS, limits=Limits(120, 2048))
    assert done.status == "ok", done.error
    assert done.value["kmeans"] == 3
    assert all(done.value[name] > 0.9 for name in ("xgboost", "hist", "forest"))


def test_figures_that_the_code_saves_itself_come_out_once(sandbox: Sandbox) -> None:
    done = sandbox.run("plt.plot([1, 2]); plt.savefig('mine.png')\nplt.figure(); plt.plot([3])")
    assert [figure.name for figure in done.figures] == ["figure_1.png", "figure_2.png"]


def test_an_error_names_the_line_the_exception_and_what_to_do(sandbox: Sandbox) -> None:
    done = sandbox.run("def look(frame):\n    return frame['b']\n\nlook(pd.DataFrame({'a': [1]}))")
    assert done.status == "error"
    assert done.error == "line 2: KeyError: 'b'\n    return frame['b']\n(called from line 4)"
    refused = sandbox.run("pd.read_csv('http://127.0.0.1:9/x.csv')")
    assert "line 1: " in (refused.error or "")
    files = sandbox.run("np.arange(3).tofile('/tmp/never')")
    assert "put the answer in `result`" in (files.error or "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\nimport os", "line 2: `os` is not available here. Available: pandas, numpy"),
        ("from subprocess import run", "line 1: `subprocess` is not available"),
        ("open('x')", "line 1: `open` is not available here. Files are not needed"),
        ("().__class__.__base__.__subclasses__()", "line 1: `.__"),
        ("match pd:\n    case object(__builtins__=b):\n        pass", "`.__builtins__` is internal"),
        ("1 +", "line 1: SyntaxError"),
        ("import numpy.f2py", "`numpy.f2py` is not available"),
    ],
)
def test_what_cannot_work_is_said_before_anything_runs(sandbox: Sandbox, code: str, said: str) -> None:
    done = sandbox.run(code)
    assert done.status == "rejected"
    assert said in (done.error or "")


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def __init__(self):\n        super().__init__()\n        self._x = 1\nresult = A()._asdict if 0 else 1",
        "open, close = 1, 2\nresult = open",
        "from collections import namedtuple\nresult = namedtuple('P', 'x')(1)._asdict()",
        "from sklearn.linear_model import Ridge\nresult = type(Ridge()).__name__",
    ],
)
def test_honest_code_is_not_refused(sandbox: Sandbox, code: str) -> None:
    assert sandbox.run(code).status == "ok"


def test_a_run_that_takes_too_long_says_how_long(sandbox: Sandbox) -> None:
    done = sandbox.run("print('begun')\nwhile True: pass", limits=Limits(0.5, 256))
    assert done.status == "timeout"
    assert "the limit is 0.5 s" in (done.error or "")
    assert done.stdout == "begun\n"
    assert 0.5 <= done.usage.seconds < 60


def test_a_run_that_takes_too_much_memory_says_how_much(sandbox: Sandbox) -> None:
    done = sandbox.run("x = []\nwhile True: x.append(np.ones(4_000_000))", limits=Limits(120, 300))
    assert done.status == "memory"
    assert "300 MB" in (done.error or "")
    assert 150 < done.usage.memory_mb < 340


def test_output_and_values_are_cut_and_it_is_said(sandbox: Sandbox) -> None:
    done = sandbox.run("print('x' * 200_000)\nresult = list(range(100_000))")
    assert len(done.stdout) == 65_536
    assert len(done.value) <= 10_000
    assert "the output was cut: 65,536 of 200,001 bytes are kept" in done.notes
    assert "`result` was cut after 10,000 values" in done.notes


def test_text_that_breaks_databases_and_terminals_does_not_come_out(sandbox: Sandbox) -> None:
    done = sandbox.run("print('a\\x00b\\x1b[2Jc')\nresult = {'k\\x00': 'v\\ud800'}")
    assert done.stdout == "ab[2Jc\n"
    assert done.value == {"k": "v?"}


def test_inputs_that_cannot_be_handed_over_are_refused_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_text("no parquet")
    with pytest.raises(SandboxError, match="must be a frame or a Parquet file"):
        sandbox.run("result = 1", {"prices": tmp_path / "no.parquet"})
    with pytest.raises(SandboxError, match="cannot be read"):
        sandbox.run("result = 1", {"prices": tmp_path / "missing.parquet"})
    with pytest.raises(SandboxError, match="cannot be the name"):
        sandbox.run("result = 1", {"my prices": pd.DataFrame()})
    with pytest.raises(SandboxError, match="above 0"):
        Limits(0)


def test_code_that_is_too_long_to_be_read_is_refused_at_once(sandbox: Sandbox) -> None:
    done = sandbox.run("import " + "a." * 90_000 + "a")
    assert (done.status, done.error) == (
        "rejected",
        "The code has 180,008 characters; 50,000 are allowed.",
    )


def test_settings_cap_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_MAX_EXECUTION_TIME", "20")
    monkeypatch.setenv("SANDBOX_MAX_MEMORY_MB", "512")
    settings = SandboxSettings()
    assert settings.cap(Limits(300, 2048)) == Limits(20, 512)
    assert settings.cap(Limits(5, 100)) == Limits(5, 100)
    assert settings.cap(None) == Limits(20, 512)
