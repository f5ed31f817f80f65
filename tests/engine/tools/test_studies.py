"""Whole studies by the offline policies: each kind of goal has its own answer, report, figures and notebook."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.tools.conftest import Bench

EDA: Mapping[str, Any] = {
    "task": "eda", "study": "eda", "target": None, "horizon": None, "horizons": [], "models": [], "focus": "volatility_by_hour",
}  # fmt: skip


def rerun_notebook(bench: Bench, facts: Mapping[str, Any], folder: Path) -> str:
    """Run a notebook's cells beside its files; what they print."""
    for file in facts["payload"]["files"]:
        if "/" not in file["name"]:
            (folder / file["name"]).write_bytes(bench.work.store.read(file["sha256"]))
    notebook = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (folder / "notebook.py").write_text("\n\n".join(code), encoding="utf-8")
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def test_a_look_at_the_data_ends_with_a_result_and_no_verdict(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench("look")
    facts = bench.follow({**EDA, "coins": ["doge"]})
    ending, metrics = facts["payload"]["finish"], facts["result"]
    assert ending["verdict_line"].startswith("Result: ")
    assert "hour" in ending["verdict_line"] or "UTC" in ending["verdict_line"]
    assert metrics["verdict"] is None
    assert metrics["exploration"]["coins"][0]["coin"] == "doge"
    assert ending["charts"][0] == "clock_volatility_hour_doge"
    report = bench.read(facts, "report.md").decode()
    assert "simulated" in report
    assert "What to do next" in report
    assert bench.read(facts, "report.pdf").startswith(b"%PDF")
    assert "The same: " in rerun_notebook(bench, facts, tmp_path)


@pytest.mark.parametrize(
    ("focus", "words"),
    [
        ("drawdown", "The deepest fall of BTC was"),
        ("distribution", "normal curve"),
        ("gaps", "No bar of BTC is missing"),
        ("return_by_weekday", "weekday of BTC"),
    ],
)
def test_every_topic_leads_its_own_report(make_bench: Callable[..., Bench], focus: str, words: str) -> None:
    facts = make_bench(f"topic-{focus}").follow({**EDA, "focus": focus})
    assert words in facts["payload"]["finish"]["verdict_line"]


def test_coins_are_seen_together(make_bench: Callable[..., Bench]) -> None:
    facts = make_bench("together").follow({**EDA, "focus": "correlation", "coins": ["btc", "eth", "doge"]})
    assert "correlation" in facts["payload"]["finish"]["charts"]
    assert "most alike: a correlation of" in facts["payload"]["finish"]["verdict_line"]


def test_a_comparison_of_coins_answers_beside_the_verdict(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench("coins")
    facts = bench.follow({"study": "comparison", "focus": "compare_coins", "coins": ["btc", "eth"]})
    ending, metrics = facts["payload"]["finish"], facts["result"]
    assert ending["verdict_line"].startswith("Verdict: ")
    assert "easier to forecast" in ending["verdict_line"]
    assert {row[0] for row in ending["table"]["rows"]} == {"BTC", "ETH"}
    assert metrics["verdict"]["decision"] in {"edge", "no_edge", "not_enough_data"}
    assert metrics["findings"][0]["chart"] == "comparison"
    assert ending["charts"][0] == "comparison"
    assert "The same: " in rerun_notebook(bench, facts, tmp_path)


def test_whether_an_indicator_helps_is_answered_by_leaving_it_out(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench("ablation")
    facts = bench.follow({"study": "importance", "focus": "importance:MACD", "indicators": ["MACD"]})
    ending, metrics = facts["payload"]["finish"], facts["result"]
    assert "MACD" in ending["verdict_line"]
    assert "95\u202f% interval" in ending["bullets"][0]
    assert {row[0] for row in ending["table"]["rows"]} == {"with MACD", "without MACD"}
    # What was only tried for comparison counts as tried: 3 thresholds at the horizon asked for, and as many for the scout.
    verdict = metrics["verdict"]
    assert verdict["candidates_counted"] == verdict["candidates"] + 3
    assert "The same: " in rerun_notebook(bench, facts, tmp_path)


def test_what_matters_is_answered_by_shuffling(make_bench: Callable[..., Bench]) -> None:
    facts = make_bench("importance").follow({"study": "importance", "focus": "importance"})
    assert (
        "of features" in facts["payload"]["finish"]["verdict_line"]
        or "matter" in facts["payload"]["finish"]["verdict_line"]
    )
    assert facts["payload"]["finish"]["charts"][0] == "importance"


def test_volatility_is_judged_by_its_skill(make_bench: Callable[..., Bench]) -> None:
    facts = make_bench("volatility").follow(
        {
            "coins": ["doge"],
            "task": "regression",
            "target": "volatility",
            "models": ["Ridge"],
            "metric": "rmse",
        }
    )
    assert facts["payload"]["finish"]["verdict_line"].startswith("Verdict: ")
    assert "volatility" in facts["payload"]["finish"]["verdict_line"]
    assert facts["payload"]["finish"]["charts"][0] == "skill"


def test_time_for_a_search_is_used_inside_the_training_part(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench("search")
    facts = bench.follow({"search_seconds": 5})
    assert (
        "combinations tried inside the training span" in bench.state["findings"]["model_training"]["summary"]
    )
    assert "The same: " in rerun_notebook(bench, facts, tmp_path)
