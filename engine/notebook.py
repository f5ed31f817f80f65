"""notebook.ipynb: a run's judgement step by step, recomputed from data.parquet and held against metrics.json.

The notebook needs this project installed and the files beside it. It carries no output and is the same bytes each
time; charts are files of the report.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pprint import pformat
from textwrap import dedent
from typing import Any, Final

import pandas as pd

from engine.report import judged, wording
from engine.report.markdown import escape
from engine.report.result import Result
from engine.science import eda, ledger
from engine.science.estimators import ModelSpec
from engine.science.judge import Judgement
from engine.science.ledger import Trial
from engine.science.study import Question

SAME: Final = 1e-6  # the share by which two values of one figure may differ
TRIALS_FILE: Final = "trials.parquet"
WRITTEN_FILE: Final = "written_features.parquet"


@dataclass(frozen=True)
class Walk:
    """A model that was walked forward: for which coin, on the features of which question, how many bars ahead."""

    coin: str
    question: int
    model: ModelSpec
    horizon_bars: int


@dataclass(frozen=True)
class Recipe:
    """What it takes to judge again: the coins predicted, the questions, the walks, and what makes them repeatable.

    There is one question unless models were walked on several sets of features. `has_earlier_trials` says that trials of earlier runs counted; they lie beside the notebook (`write_trials`).
    `has_written` says the same of the values of features that the agent wrote (`write_written`).
    """

    series: str
    coins: tuple[str, ...]
    questions: tuple[Question, ...]
    walks: tuple[Walk, ...]
    seed: int
    threads: int = 1
    has_earlier_trials: bool = False
    has_written: bool = False


@dataclass(frozen=True)
class Look:
    """What it takes to look at the prices again: the coins, the topic and the seed of the intervals."""

    coins: tuple[str, ...]
    topic: str
    seed: int


def write_notebook(result: Result, recipe: Recipe) -> bytes:
    """Write the notebook of a result that has a verdict, as nbformat 4.5."""
    return _write(_introduction(result, "judges again"), _steps(recipe))


def write_look(result: Result, look: Look) -> bytes:
    """Write the notebook of a look at the data, as nbformat 4.5."""
    return _write(_introduction(result, "looks again"), _look_steps(look))


def _write(introduction: str, steps: list[tuple[str, str]]) -> bytes:
    cells = [_markdown(introduction)]
    for text, code in steps:
        cells += [_markdown(text), _code(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"step-{number}"
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
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


def write_trials(earlier: Iterable[Trial]) -> bytes:
    """Write the earlier trials that a run was corrected for, as trials.parquet."""
    out = io.BytesIO()
    pd.DataFrame([ledger.to_row(trial) for trial in earlier]).to_parquet(out, compression="zstd")
    return out.getvalue()


def write_written(values: Mapping[str, pd.DataFrame]) -> bytes:
    """Write what the agent's own code said per coin and bar, as written_features.parquet."""
    out = io.BytesIO()
    parts = [frame.rename_axis("timestamp").assign(coin=coin) for coin, frame in values.items()]
    pd.concat(parts).to_parquet(out, compression="zstd")
    return out.getvalue()


def read_written(file: str) -> dict[str, pd.DataFrame]:
    """The values of a written_features.parquet by coin."""
    values = pd.read_parquet(file)
    return {str(coin): part.drop(columns="coin") for coin, part in values.groupby("coin", sort=False)}


def read_trials(file: str) -> list[Trial]:
    """The trials of a trials.parquet."""
    rows = pd.read_parquet(file).to_dict("records")
    return [ledger.from_row({str(name): value for name, value in row.items()}) for row in rows]


def compare(reported: Mapping[str, Any], judgements: Iterable[Judgement]) -> pd.DataFrame:
    """Hold judgements against metrics.json: a row per figure with what each says and whether it is the same."""
    rows = [row for judgement in judgements for row in _figures(reported, judgement)]
    table = pd.DataFrame(rows, columns=["figure", "report", "here"])
    table["same"] = [_same(there, here) for there, here in zip(table["report"], table["here"], strict=True)]
    return table


def compare_look(reported: Mapping[str, Any], found: eda.Exploration) -> pd.DataFrame:
    """Hold a look at the data against metrics.json: a row per figure with what each says and whether it is the same."""
    there = dict(_leaves(reported["exploration"]))
    here = dict(_leaves(json.loads(found.to_json())))
    rows = [(name, there.get(name), here.get(name)) for name in dict.fromkeys((*there, *here))]
    table = pd.DataFrame(rows, columns=["figure", "report", "here"])
    table["same"] = [_same(a, b) for _, a, b in rows]
    return table


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{name}[{number}]")
    else:
        yield name, value


def _figures(reported: Mapping[str, Any], judgement: Judgement) -> Iterator[tuple[str, Any, Any]]:
    coin = judgement.study.coin
    part = next((entry for entry in reported.get("by_coin", ()) if entry["coin"] == coin), reported)
    found = judged.coin_result(judgement).model_dump(mode="json")
    for name in ("decision", "best_model", "p_value", "p_signal", "p_late", "sealed_return"):
        yield f"{coin}, {name}", part["verdict"][name], found["verdict"][name]
    for kind in ("models", "baselines"):
        here = {entry["name"]: entry["metrics"] for entry in found[kind]}
        for entry in part[kind]:
            for metric, there in entry["metrics"].items():
                mine = here.get(entry["name"], {}).get(metric) or {}
                for end in ("value", "low", "high"):
                    name = f"{coin}, {entry['name']}, {metric}" + ("" if end == "value" else f" ({end})")
                    yield name, there[end], mine.get(end)


def _same(there: Any, here: Any) -> bool:
    if isinstance(there, float | int) and isinstance(here, float | int):
        return abs(there - here) <= SAME * max(1.0, abs(there))
    return bool(there == here)


def _introduction(result: Result, does: str) -> str:
    simulated = f"**{wording.SIMULATED}**\n\n" if result.data.simulated else ""
    return (
        f"# {escape(result.goal)}\n\n{simulated}{escape(wording.verdict_line(result))}\n\n"
        f"Run {escape(result.run)}. This notebook {does}, from `data.parquet`, and compares every "
        "figure "
        f"with `metrics.json`. {wording.ADVICE}"
    )


def _steps(recipe: Recipe) -> list[tuple[str, str]]:
    written = f'notebook.read_written("{WRITTEN_FILE}")' if recipe.has_written else "{}"
    earlier = f'notebook.read_trials("{TRIALS_FILE}")' if recipe.has_earlier_trials else "[]"
    return [
        (text, dedent(code).strip())
        for text, code in (
            ("## The data\nPrices as they were used, after cleaning. A bar is known when it ends.", _DATA),
            ("## The question\nEverything that was chosen beforehand.", _question(recipe)),
            *([(_WRITTEN_TEXT, _WRITTEN)] if recipe.has_written else []),
            (
                "## Features, target, spans\nFeatures are known at the end of their bar; the target "
                "looks ahead.",
                f"written = {written}\n{_STUDY.strip()}",
            ),
            (
                "## Walk-forward\nTrain on the past, predict the next stretch, train again. Every rule "
                "counts.",
                _WALK,
            ),
            (
                "## The verdict\nCorrected for all rules, then the sealed span is opened for the chosen one.",
                f"earlier = {earlier}\n{_VERDICT.strip()}",
            ),
            ("## What an account would have made\nOn the judged span, compounded; 1 at the start.", _ACCOUNT),
            ("## The same as in the report\nStops with the figures that differ, if any do.", _COMPARE),
        )
    ]


def _look_steps(look: Look) -> list[tuple[str, str]]:
    explored = f"""\
from engine.science import eda

found = eda.explore({{coin: prices[coin] for coin in {look.coins!r}}}, {look.topic!r}, {look.seed!r})
one = found.coins[0]
pd.DataFrame(
    {{f"{{c.what}} by {{c.unit}}": pd.Series([e.value for e in c.values], index=c.labels) for c in one.clocks}}
)"""
    return [
        (
            "## The data\nPrices as they were used, after cleaning. A bar is known when it ends.",
            _DATA.strip(),
        ),
        ("## The look\nEverything that was looked at, computed again.", explored),
        (
            "## The same as in the report\nStops with the figures that differ, if any do.",
            _COMPARE_LOOK.strip(),
        ),
    ]


def _question(recipe: Recipe) -> str:
    """The recipe as Python, by the dataclasses' own notation."""
    return f"""\
from engine.notebook import Walk
from engine.science.estimators import ModelSpec
from engine.science.features import FeatureSpec
from engine.science.study import Question
from engine.science.written import WrittenFeature

series = {recipe.series!r}
coins = {recipe.coins!r}
questions = {pformat(list(recipe.questions), width=100)}
walks = {pformat(list(recipe.walks), width=100)}
seed, threads = {recipe.seed!r}, {recipe.threads!r}"""


_DATA = """
import hashlib
import json
from pathlib import Path

import pandas as pd

from engine import notebook

metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
content = Path("data.parquet").read_bytes()
assert hashlib.sha256(content).hexdigest().startswith(metrics["data"]["hash"]), "data.parquet is not the run's"
bars = pd.read_parquet("data.parquet")
prices = {coin: part.drop(columns="coin") for coin, part in bars.groupby("coin", sort=False)}
print({coin: f"{len(part):,} bars, {part.index[0]} to {part.index[-1]}" for coin, part in prices.items()})
"""

_WRITTEN_TEXT = (
    "## Features that the agent wrote\nThe code is a language model's, shown and not run here: the run held it in the sandbox, "
    f"and `{WRITTEN_FILE}` has what it said of each bar."
)
_WRITTEN = """
for own in dict.fromkeys(own for question in questions for own in question.features.written):
    print(f"# {own.name}, written by the agent", own.code, sep="\\n", end="\\n\\n")
"""

_STUDY = """
from engine.science import study

def prepare(coin, question):
    drivers = {driver: prices[driver] for driver in question.features.drivers}
    return study.prepare(coin, series, prices[coin], question, drivers=drivers, written=written.get(coin))


studies = {walk: prepare(*walk) for walk in dict.fromkeys((walk.coin, questions[walk.question]) for walk in walks)}
for one in studies.values():
    print(one.coin, f"{one.features.shape[1]} features,", one.cost.note)
    print("judged", *one.span(one.judged), "sealed", *one.span(one.sealed), sep="  ")
next(iter(studies.values())).features.tail()
"""

_WALK = """
from engine.science import judge

tried = {coin: [] for coin in coins}
for walk in walks:
    one = studies[walk.coin, questions[walk.question]]
    tried[walk.coin] += judge.walk(one, [walk.model], horizons=[walk.horizon_bars], seed=seed, threads=threads)
[rule.name for rule in tried[coins[0]]]
"""

_VERDICT = """
family = judge.compare(list(studies.values()), [rule for own in tried.values() for rule in own], earlier)
judgements = [
    judge.conclude(own[0].study, family, own, seed=seed, threads=threads) for own in tried.values()
]
for judgement in judgements:
    print(judgement.study.coin, judgement.verdict.decision, judgement.verdict.reason, sep=": ")
"""

_ACCOUNT = """
judgements[0].equity if judgements[0].equity is None else judgements[0].equity.iloc[:: max(1, len(bars) // 20)]
"""

_COMPARE = """
table = notebook.compare(metrics, judgements)
different = table[~table["same"]]
assert different.empty, f"not the same as in the report ({metrics['versions']}):\\n{different.to_string(index=False)}"
print(f"The same: {len(table)} figures.")
"""


_COMPARE_LOOK = """
table = notebook.compare_look(metrics, found)
different = table[~table["same"]]
assert different.empty, f"not the same as in the report ({metrics['versions']}):\\n{different.to_string(index=False)}"
print(f"The same: {len(table)} figures.")
"""


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
