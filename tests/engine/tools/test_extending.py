"""Extending touches one file: a tool, an indicator, a model type and a chart are each added to a copy, and used."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

TOOL = '''

@tool
def count_rises(data: str, coin: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Count the bars that closed higher than the one before.

    Args:
        data: a price handle.
        coin: the coin.

    Returns the count.
    """
    bars = coin_bars(runtime.context.frame(data, "prices"), coin)
    return {"rises": int((bars["close"].diff() > 0).sum())}
'''
INDICATOR = """
    Indicator(
        "MIDRANGE", "middle of the range", (20,), PRICE,
        lambda p, n: {"": (p["high"].rolling(n).max() + p["low"].rolling(n).min()) / 2}, lambda n: n - 1,
    ),
"""
MODEL = """
    ModelType(
        "ExtraTrees",
        "classification",
        lambda s, seed, threads: __import__("sklearn.ensemble").ensemble.ExtraTreesClassifier(**s, random_state=seed),
        {"n_estimators": 10, "max_depth": 4},
        {"max_depth": [2, 4]},
    ),
"""
CHART = '''
"""How often the forecasts say up."""

from engine.science.charts.render import render

ORDER = 90


def draw(scene):
    said = scene.judgement.chosen.out_of_sample.predictions
    share = float((said > 0.5).mean())

    def paint(canvas):
        (axes,) = canvas.panels([1], left=["up"])
        axes.barh([0], [share])

    return render("ups", scene.source, title="Said up", subtitle="share of bars", alt=f"It says up {share:.0%}.", paint=paint)
'''
USE = """
from datetime import UTC, datetime

from engine import model_files
from engine.graph import create_agent_graph
from engine.report import gallery, pictures
from engine.science import indicators, judge, simulate, study
from engine.science.charts import Source
from engine.science.estimators import ModelSpec, names

agents = dict(create_agent_graph().get_subgraphs())
offered = agents["data_retrieval"].nodes["tools"].bound.tools_by_name
assert set(offered["count_rises"].tool_call_schema.model_json_schema()["properties"]) == {"data", "coin"}
assert "count_rises" not in agents["reporting"].nodes["tools"].bound.tools_by_name
prices = simulate.gbm(2_500, 3)
question = study.default_question("direction", (12,), 5, indicators=("midrange 30",))
assert "MIDRANGE_30" in study.prepare("btc", "simulated", prices, question).features.columns
assert "ExtraTrees" in names("classification")
models = [ModelSpec.of("extra trees", "classification")]
prepared = study.prepare("btc", "simulated", prices, question)
own = judge.walk(prepared, models, seed=1)
judgement = judge.conclude(prepared, judge.compare([prepared], own), own, seed=1)
assert model_files.load(model_files.dump(judgement.model)).spec == models[0]
source = Source("Simulated", "USD", 5, 2_500, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 9, tzinfo=UTC), "R-1")
scene = gallery.Scene(source, judgement, own, {"btc": prices})
drawn = {chart.name: chart for chart in gallery.draw(scene)}
assert {"ups", "grid"} <= set(drawn), drawn
assert "It says up" in drawn["ups"].alt
marks = indicators.compute(prices, ["midrange 30"])
assert "MIDRANGE 30" in pictures.draw_path(source, "btc", prepared.prices, marks).alt
print("all four")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages in which each extension changed one file and no other."""
    folder = tmp_path_factory.mktemp("copy")
    for package in ("engine", "storage", "sandbox"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    append(folder / "engine/tools/retrieval.py", TOOL)
    insert(
        folder / "engine/science/indicators/trend.py",
        "INDICATORS: Final[tuple[Indicator, ...]] = (",
        INDICATOR,
    )
    insert(folder / "engine/science/estimators.py", "_REGISTRY: tuple[ModelType, ...] = (", MODEL)
    append(folder / "engine/report/gallery/ups.py", CHART)
    return folder


def test_a_tool_an_indicator_a_model_and_a_chart_are_one_file_each(copy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=copy, capture_output=True, text=True, timeout=120, check=False,
        env={"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "all four", done.stderr[-3_000:]


def append(file: Path, text: str) -> None:
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(before + text, encoding="utf-8")


def insert(file: Path, after: str, text: str) -> None:
    before = file.read_text(encoding="utf-8")
    assert before.count(after) == 1
    file.write_text(before.replace(after, after + text), encoding="utf-8")
