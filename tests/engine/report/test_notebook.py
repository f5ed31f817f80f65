"""The notebook: valid, the same bytes each time, and it finds the report's figures again or says which differ."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from engine import notebook
from engine.notebook import Recipe
from engine.report import Metric, ModelResult, Result, metrics_json
from engine.science import (
    backtest,
    bars,
    blocks,
    features,
    metrics,
    simulate,
    targets,
    validation,
    walkforward,
)
from engine.science.estimators import ModelSpec
from tests.engine.report import examples

BARS, INTERVAL, HORIZON = 4_000, 5, 12
SPEC = features.FeatureSpec(indicators=("RSI_14",), lags=(1, 2), windows=(12, 36))
RECIPE = Recipe(
    coin="btc",
    target="direction",
    interval_minutes=INTERVAL,
    horizon_minutes=60,
    features=asdict(SPEC),
    model="LogisticRegression",
    cost_bps=12.0,
    seed=7,
    threshold=0.5,
)


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return simulate.regime(BARS, 3)


@pytest.fixture(scope="module")
def result(prices: pd.DataFrame) -> Result:
    """A result whose best model carries the figures of the science functions, called one by one."""
    table = features.build(prices, SPEC)
    target = targets.build(prices, "direction", HORIZON)
    plan = validation.plan(len(table), HORIZON, first=features.warmup_bars(SPEC, INTERVAL))
    spec = ModelSpec.of("LogisticRegression", "classification", {})
    walk = walkforward.run(table, target, spec, plan, task="classification", seed=7)
    judged = plan.judged
    index = pd.DatetimeIndex(table.index)[judged]
    block = blocks.test_minutes(INTERVAL, HORIZON)
    skill = metrics.classification(target.to_numpy()[judged], walk.predictions[judged], index, block, 7)
    account = backtest.run(
        walkforward.positions(walk, 0.5)[judged], bars.next_returns(prices)[judged], 12.0 / 10_000, INTERVAL
    )
    figures = {name: Metric(value=e.value, low=e.low, high=e.high) for name, e in skill.items()}
    figures |= {
        "net_return": Metric(value=account.return_after_costs),
        "max_drawdown": Metric(value=account.max_drawdown),
    }
    base = examples.direction()
    content = notebook.write_data({"btc": prices})
    return base.model_copy(
        update={
            "models": (ModelResult(name="LogReg", metrics=figures, folds=3), *base.models[1:]),
            "data": base.data.model_copy(update={"hash": notebook.data_hash(content)}),
        }
    )


def run(folder: Path, content: bytes) -> subprocess.CompletedProcess[str]:
    """Run the notebook's code cells in order, as a kernel would, in a folder of its own."""
    cells = json.loads(content)["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    root = str(Path(notebook.__file__).resolve().parents[1])
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write(folder: Path, result: Result, prices: pd.DataFrame) -> bytes:
    (folder / "metrics.json").write_text(json.dumps(metrics_json(result)), encoding="utf-8")
    (folder / "data.parquet").write_bytes(notebook.write_data({"btc": prices}))
    return notebook.write_notebook(result, RECIPE)


def test_the_notebook_finds_the_reports_figures_again(
    tmp_path: Path, result: Result, prices: pd.DataFrame
) -> None:
    done = run(tmp_path, write(tmp_path, result, prices))
    assert done.returncode == 0, done.stderr
    assert "The same: 9 figures." in done.stdout  # seven of the forecast, two of the account


def test_a_figure_that_differs_is_named(tmp_path: Path, result: Result, prices: pd.DataFrame) -> None:
    best = result.models[0]
    wrong = best.model_copy(update={"metrics": best.metrics | {"net_return": Metric(value=0.5)}})
    done = run(
        tmp_path, write(tmp_path, result.model_copy(update={"models": (wrong, *result.models[1:])}), prices)
    )
    assert done.returncode != 0
    assert "not the same as in the report: net_return" in done.stderr


def test_other_prices_are_refused(tmp_path: Path, result: Result, prices: pd.DataFrame) -> None:
    content = write(tmp_path, result, prices)
    (tmp_path / "data.parquet").write_bytes(notebook.write_data({"btc": prices * 1.01}))
    done = run(tmp_path, content)
    assert "data.parquet is not the run's" in done.stderr


def test_the_notebook_is_valid_and_the_same_each_time(result: Result) -> None:
    content = notebook.write_notebook(result, RECIPE)
    assert content == notebook.write_notebook(result, RECIPE)
    parsed = nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(parsed)
    assert [cell["id"] for cell in parsed.cells] == [f"step-{i}" for i in range(len(parsed.cells))]
    assert len(content) < 20_000


def test_a_hostile_goal_stays_text(result: Result) -> None:
    goal = '"""\nimport os; os.system("id")\n"""' + "\n# <script>alert(1)</script>"
    parsed = json.loads(notebook.write_notebook(result.model_copy(update={"goal": goal}), RECIPE))
    code = "".join(line for cell in parsed["cells"] if cell["cell_type"] == "code" for line in cell["source"])
    assert "os.system" not in code
    assert "<script>" not in "".join(parsed["cells"][0]["source"]).replace("\\<", "")


def test_data_survives_the_parquet_file(prices: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    file.write_bytes(notebook.write_data({"btc": prices, "eth": prices * 2}))
    back = pd.read_parquet(file)
    pd.testing.assert_frame_equal(
        back[back["coin"] == "eth"].drop(columns="coin"), prices * 2, check_names=False, check_freq=False
    )
    assert notebook.write_data({"btc": prices}) == notebook.write_data({"btc": prices})
