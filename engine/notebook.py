"""notebook.ipynb: the chosen rule of a run, step by step, recomputed from data.parquet and held against metrics.json.

The notebook needs this project installed and the two files beside it. It carries no output and the same bytes each
time; charts are files of the report.
"""

import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pprint import pformat
from textwrap import dedent
from typing import Any, Final

import pandas as pd

from engine.report import wording
from engine.report.markdown import escape
from engine.report.result import Result

SAME: Final = 1e-6  # two figures that differ by less, in their own unit, are the same figure


@dataclass(frozen=True)
class Recipe:
    """What it takes to recompute one rule. Lengths in minutes, cost per side in bp, features as FeatureSpec's fields.

    `threshold` is the share of bars between the cut-offs (direction and return); None where nothing is traded.
    """

    coin: str
    target: str
    interval_minutes: int
    horizon_minutes: int
    features: Mapping[str, Any]
    model: str
    cost_bps: float
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    threads: int = 1


def write_notebook(result: Result, recipe: Recipe) -> bytes:
    """Write the notebook of a result's chosen rule as nbformat 4.5."""
    cells = [_markdown(_introduction(result))]
    for text, code in _steps(result, recipe):
        cells += [_markdown(text), _code(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"step-{number}"
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": platform.python_version()},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def write_data(prices: Mapping[str, pd.DataFrame]) -> bytes:
    """Write the cleaned prices of a run as data.parquet: `timestamp` (UTC, start of the bar), bars, `coin`."""
    parts = [frame.rename_axis("timestamp").assign(coin=coin) for coin, frame in prices.items()]
    out = io.BytesIO()
    pd.concat(parts).to_parquet(out, compression="zstd")
    return out.getvalue()


def data_hash(data: bytes) -> str:
    """The hash of data.parquet, as metrics.json carries it."""
    return hashlib.sha256(data).hexdigest()


def _introduction(result: Result) -> str:
    simulated = f"**{wording.SIMULATED}**\n\n" if result.data.simulated else ""
    return (
        f"# {escape(result.goal)}\n\n{simulated}{escape(wording.verdict_line(result))}\n\n"
        f"Run {escape(result.run)}. This notebook recomputes the rule the verdict speaks of, from "
        "`data.parquet`, and compares it "
        f"with `metrics.json`. {wording.ADVICE}"
    )


def _steps(result: Result, recipe: Recipe) -> list[tuple[str, str]]:
    traded = recipe.threshold is not None
    steps = [
        ("## The data\nPrices as they were used, after cleaning. A bar is known when it ends.", _DATA),
        ("## The rule\nEverything that was chosen for it.", f"recipe = {_literal(recipe)}"),
        (
            "## Features and target\nEach feature is known at the end of its bar; only the target looks "
            "ahead.",
            _FEATURES,
        ),
        (
            "## Walk-forward\nTrain on the past, predict the next stretch, train again. The last "
            "stretch stays sealed.",
            _WALK,
        ),
        (
            "## Forecasts\nEverything below speaks of the judged span.",
            _CLASSIFIED if recipe.target == "direction" else _PREDICTED,
        ),
    ]
    if traded:
        steps.append(("## Result\nWhat an account would have made, compounded.", _TRADED))
    best = result.best.name if result.best else recipe.model
    steps.append(
        (
            "## The same as in the report\nStops with the figures that differ, if any do.",
            _COMPARE.format(best=best, same=SAME),
        )
    )
    return [(text, dedent(code).strip()) for text, code in steps]


_DATA = """
import hashlib
import json
from pathlib import Path

import pandas as pd

metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
content = Path("data.parquet").read_bytes()
assert hashlib.sha256(content).hexdigest().startswith(metrics["data"]["hash"]), "data.parquet is not the run's"
bars = pd.read_parquet("data.parquet")
prices = {coin: part.drop(columns="coin") for coin, part in bars.groupby("coin", sort=False)}
print({coin: f"{len(part):,} bars, {part.index[0]} to {part.index[-1]}" for coin, part in prices.items()})
"""

_FEATURES = """
from engine.science import features, targets

chosen = {name: tuple(value) if isinstance(value, list) else value for name, value in recipe["features"].items()}
spec = features.FeatureSpec(**chosen)
own = prices[recipe["coin"]]
table = features.build(own, spec, {coin: prices[coin] for coin in spec.drivers})
horizon = recipe["horizon_minutes"] // recipe["interval_minutes"]
target = targets.build(own, recipe["target"], horizon)
print(f"{table.shape[1]} features, {int(features.usable(table).sum()):,} complete bars, {horizon} bars ahead")
"""

_WALK = """
from engine.science import validation, walkforward
from engine.science.estimators import ModelSpec

first = features.warmup_bars(spec, recipe["interval_minutes"])
plan = validation.plan(len(table), horizon, first=first)
task = targets.task(recipe["target"])
model = ModelSpec.of(recipe["model"], task, recipe["params"])
walk = walkforward.run(table, target, model, plan, task=task, seed=recipe["seed"], threads=recipe["threads"])
for fold in plan.folds:
    print(f"train {table.index[fold.train_start]} to {table.index[fold.train_end - 1]}, "
          f"test {table.index[fold.test_start]} to {table.index[fold.test_end - 1]}")
"""

_CLASSIFIED = """
from engine.science import blocks
from engine.science import metrics as measures

judged = plan.judged
block_minutes = blocks.test_minutes(recipe["interval_minutes"], horizon)
estimates = measures.classification(
    target.to_numpy()[judged], walk.predictions[judged], table.index[judged], block_minutes, recipe["seed"]
)
found = {name: estimate.value for name, estimate in estimates.items()}
found
"""

_PREDICTED = """
from engine.science import blocks
from engine.science import metrics as measures

judged = plan.judged
block_minutes = blocks.test_minutes(recipe["interval_minutes"], horizon)
estimates = measures.regression(
    target.to_numpy()[judged], walk.predictions[judged], table.index[judged], block_minutes, recipe["seed"],
    centre=walk.folds[0].training_mean,
)
found = {name: estimate.value for name, estimate in estimates.items()}
found
"""

_TRADED = """
from engine.science import backtest
from engine.science import bars as grid

positions = walkforward.positions(walk, recipe["threshold"])[judged]
next_returns = grid.next_returns(own)[judged]
account = backtest.run(positions, next_returns, recipe["cost_bps"] / 10_000, recipe["interval_minutes"])
found |= {
    "net_return": account.return_after_costs,
    "gross_return": account.return_before_costs,
    "max_drawdown": account.max_drawdown,
    "break_even_bps": account.break_even_cost_bps,
    "sharpe": account.sharpe,
}
found
"""

_COMPARE = """
reported = next(model["metrics"] for model in metrics["models"] if model["name"] == {best!r})
known = [name for name in found if reported.get(name, {{}}).get("value") is not None and found[name] is not None]
assert known, "metrics.json has none of these figures"
rows = [(name, reported[name]["value"], found[name]) for name in known]
print(pd.DataFrame(rows, columns=["figure", "report", "here"]).to_string(index=False))
different = [name for name, there, here in rows if abs(there - here) > {same}]
assert not different, (
    f"not the same as in the report: {{', '.join(different)}} (versions then: {{metrics['versions']}})"
)
print(f"The same: {{len(known)}} figures.")
"""


def _literal(recipe: Recipe) -> str:
    """The recipe as a Python literal; by way of JSON, so that nothing but plain values can get in."""
    return pformat(json.loads(json.dumps(asdict(recipe))), width=100, sort_dicts=False)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
