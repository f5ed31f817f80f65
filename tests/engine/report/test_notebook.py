"""The notebook: valid, the same bytes each time, and it finds the report's figures again or says which differ."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from engine import notebook
from engine.notebook import Recipe, Walk
from engine.report import Metric, Result, judged, metrics_json
from engine.science import judge, simulate, study
from engine.science.estimators import ModelSpec
from engine.science.features import FeatureSpec
from engine.science.judge import Judgement
from engine.science.targets import Target
from tests.engine.report import examples

BARS = 4_000
SPEC = FeatureSpec(indicators=("RSI_14",), lags=(1, 2), windows=(12, 36))
QUESTION = study.Question("direction", (12,), SPEC, scout_horizons=(1,), thresholds=(0.0, 0.4))
MODELS = (ModelSpec.of("LogisticRegression", "classification"),)


@pytest.fixture(scope="module")
def prices() -> dict[str, pd.DataFrame]:
    return {"btc": simulate.regime(BARS, 3), "eth": simulate.gbm(BARS, 4)}


def result_of(prices: dict[str, pd.DataFrame], judgements: list[Judgement]) -> Result:
    """A result with the judged figures of these coins."""
    base = examples.direction()
    head = judged.headline(judgements)
    main = judged.coin_result(head)
    return base.model_copy(
        update={
            "models": main.models,
            "baselines": main.baselines,
            "verdict": main.verdict,
            "validation": judged.validation(head),
            "coin": head.study.coin,
            "by_coin": tuple(judged.coin_result(j) for j in judgements) if len(judgements) > 1 else (),
            "data": base.data.model_copy(
                update={"hash": notebook.data_hash(notebook.write_data(prices))[:12]}
            ),
        }
    )


@pytest.fixture(scope="module")
def judgement(prices: dict[str, pd.DataFrame]) -> Judgement:
    return judge.judge("btc", "simulated", prices["btc"], QUESTION, seed=7, models=MODELS)


@pytest.fixture(scope="module")
def result(prices: dict[str, pd.DataFrame], judgement: Judgement) -> Result:
    return result_of(prices, [judgement])


def recipe(*coins: str, **more: Any) -> Recipe:
    walks = tuple(Walk(coin, 0, MODELS[0], bars) for coin in coins for bars in QUESTION.all_horizons)
    return Recipe("simulated", coins, (QUESTION,), walks, seed=7, **more)


RECIPE = recipe("btc")


def run(
    folder: Path, result: Result, recipe: Recipe, prices: dict[str, pd.DataFrame]
) -> subprocess.CompletedProcess[str]:
    """Write the files, then run the notebook's code cells in order, as a kernel would."""
    (folder / "metrics.json").write_text(json.dumps(metrics_json(result)), encoding="utf-8")
    (folder / "data.parquet").write_bytes(notebook.write_data(prices))
    cells = json.loads(notebook.write_notebook(result, recipe))["cells"]
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


def test_the_notebook_finds_the_reports_figures_again(
    tmp_path: Path, result: Result, prices: dict[str, pd.DataFrame]
) -> None:
    done = run(tmp_path, result, RECIPE, prices)
    assert done.returncode == 0, done.stderr
    figures = int(done.stdout.split("The same: ")[1].split()[0])
    assert figures > 40  # one model and its baselines, most with an interval, and the verdict


def test_coins_judged_together_with_earlier_trials_are_found_again(
    tmp_path: Path, judgement: Judgement, prices: dict[str, pd.DataFrame]
) -> None:
    earlier = list(judge.judge("btc", "simulated", prices["btc"], QUESTION, seed=8, models=MODELS).trials)
    studies = [study.prepare(coin, "simulated", prices[coin], QUESTION) for coin in ("btc", "eth")]
    tried = [judge.walk(one, MODELS, seed=7) for one in studies]
    family = judge.compare(studies, [rule for own in tried for rule in own], earlier)
    both = [judge.conclude(one, family, own, seed=7) for one, own in zip(studies, tried, strict=True)]
    assert both[0].verdict.tried_before == len(earlier) > 0
    assert both[0].verdict.tried == 2 * judgement.verdict.tried
    (tmp_path / notebook.TRIALS_FILE).write_bytes(notebook.write_trials(earlier))
    again = recipe("btc", "eth", has_earlier_trials=True)
    done = run(tmp_path, result_of(prices, both), again, prices)
    assert done.returncode == 0, done.stderr
    assert "The same:" in done.stdout


def test_settings_of_one_horizon_and_rules_on_fewer_features_are_found_again(
    tmp_path: Path, prices: dict[str, pd.DataFrame]
) -> None:
    fewer = replace(QUESTION, features=replace(SPEC, leave_out=("RSI",)))
    tuned = ModelSpec.of("LogisticRegression", "classification", {"C": 0.02})
    whole, narrow = (study.prepare("btc", "simulated", prices["btc"], asked) for asked in (QUESTION, fewer))
    own = [
        *judge.walk(whole, MODELS, seed=7),
        *judge.walk(whole, [tuned], seed=7, horizons=[12]),
        *judge.walk(narrow, MODELS, seed=7, horizons=[12]),
    ]
    found = judge.conclude(whole, judge.compare([whole, narrow], own), own, seed=7)
    assert len({rule.trial.key for rule in own}) == len(own) == found.verdict.tried
    assert found.study is found.chosen.study
    walks = [Walk("btc", 0 if rule.study is whole else 1, rule.model, rule.horizon_bars) for rule in own]
    again = Recipe("simulated", ("btc",), (QUESTION, fewer), tuple(dict.fromkeys(walks)), seed=7)
    done = run(tmp_path, result_of(prices, [found]), again, prices)
    assert done.returncode == 0, done.stderr
    assert "The same:" in done.stdout


def test_a_figure_that_differs_is_named(
    tmp_path: Path, result: Result, prices: dict[str, pd.DataFrame]
) -> None:
    best = result.models[0]
    wrong = best.model_copy(update={"metrics": best.metrics | {"net_return": Metric(value=0.5)}})
    done = run(tmp_path, result.model_copy(update={"models": (wrong,)}), RECIPE, prices)
    assert done.returncode != 0
    assert "not the same as in the report" in done.stderr
    assert "LogisticRegression, net_return" in done.stderr
    assert "auc" not in done.stderr.split("not the same")[1]


def test_other_prices_are_refused(tmp_path: Path, result: Result, prices: dict[str, pd.DataFrame]) -> None:
    done = run(tmp_path, result, RECIPE, {"btc": prices["btc"] * 1.01})
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


def test_data_survives_the_parquet_file(prices: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    file.write_bytes(notebook.write_data(prices))
    back = pd.read_parquet(file)
    eth = back[back["coin"] == "eth"].drop(columns="coin")
    pd.testing.assert_frame_equal(eth, prices["eth"], check_names=False, check_freq=False)
    assert notebook.write_data(prices) == file.read_bytes()


@pytest.mark.parametrize("target", ["volatility", "return"])
def test_a_judgement_of_a_size_becomes_a_result(target: Target, prices: dict[str, pd.DataFrame]) -> None:
    question = study.Question(target, (12,), SPEC, thresholds=(0.0,))
    found = judge.judge(
        "btc", "simulated", prices["btc"], question, seed=7, models=[ModelSpec.of("Ridge", "regression")]
    )
    main = judged.coin_result(found)
    # A placebo is no reference: it forecasts other prices.
    rmse = {b.name: b.value("rmse") for b in main.baselines if b.value("rmse") and b.name != "Placebo"}
    least = min(value for value in rmse.values() if value is not None)
    ridge = main.models[0]
    assert ridge.value("skill") == pytest.approx(1 - (ridge.value("rmse") or 0) ** 2 / least**2)
    assert main.verdict.reference in ("the mean", "persistence", "the moving average", "no change")
    assert (judged.equity(found) is None) == (target == "volatility")


def test_the_account_of_the_chart_is_that_of_the_table(judgement: Judgement) -> None:
    from engine.science import charts

    series = judged.equity(judgement)
    assert series is not None
    best = next(m for m in judged.models(judgement) if m.name == judgement.chosen.model.name)
    at = list(series["times"]).index(pd.Timestamp(series["sealed_start"]))
    assert series["net"][at] - 1 == pytest.approx(best.value("net_return"))
    assert series["net"][-1] / series["net"][at] - 1 == pytest.approx(
        judgement.verdict.evidence.sealed.return_after_costs
    )
    chart = charts.draw_equity(examples.direction().source(), model=best.name, horizon="1 h", **series)
    shown = f"{(best.value('net_return') or 0) * 100:+.0f}\u202f%".replace("-", "−")
    assert f"{shown} after costs" in chart.alt
