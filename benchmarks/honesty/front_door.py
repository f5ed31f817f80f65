"""Twelve series through the whole product: rows in the price table, a goal in words, the verdict from the result.

Each is judged again by the judging function with the run's own seed: both ways must say the same. As many runs are
under way at once as there are processes.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from benchmarks.honesty.worlds import KINDS, World, seed_of
from engine.science import backtest, judge, study
from engine.science.estimators import ModelSpec
from storage import prices
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect

SERIES = "simulated"
HOUR = "Will {coin} close higher in the next hour? Use the last {days} days."
# kind, number of the seed, words of the goal
RUNS = (
    ("gbm", 100, HOUR),
    ("drift", 100, "predict the direction of {coin} 1h ahead, last {days} days"),
    ("garch", 100, HOUR),
    ("bounce", 100, HOUR),
    ("stale", 100, HOUR),
    ("ar 0.05", 100, HOUR),
    ("ar 0.10", 100, "is there an edge in {coin} over one hour? last {days} days"),
    ("regime 0.20", 100, HOUR),
    ("regime 0.20", 101, "will {coin} go up or down in the next hour? last {days} days"),
    ("lead-lag 0.60, 5 min", 100, "Will {coin} close higher in the next 5 minutes, using {lead}? Last {days} days."),
    ("lead-lag 0.60, 1 h", 100, "Will {coin} close higher in the next hour, using {lead}? Last {days} days."),
    ("10 days, none", 100, HOUR),
)  # fmt: skip
EXPECTED = {"null": "no_edge", "ar": "no_edge", "10 days": "not_enough_data"}


@dataclass(frozen=True)
class Run:
    """One run of the product beside the same question put to the judging function."""

    kind: str
    said: str
    directly: str
    differences: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether the truth of the series was told."""
        return self.said == EXPECTED.get(KINDS[self.kind].group, "edge")


def run(first_seed: int, processes: int) -> tuple[str, bool]:
    """Run all twelve. Returns the table and whether every answer is right and both ways agree."""
    with tempfile.TemporaryDirectory(prefix="omc-honesty-") as folder:
        Path(folder).chmod(0o711)  # the servers run under another account where root runs this
        runs = _run(Path(folder), first_seed, processes)
    lines = [f"{'through the front door':<24} {'said':<16} {'directly':<16} both ways agree"]
    for one in runs:
        agree = "yes" if not one.differences else "NO: " + "; ".join(one.differences)
        lines.append(f"{one.kind:<24} {one.said:<16} {one.directly:<16} {agree}")
    right = sum(one.is_right for one in runs)
    lines.append(f"{right} of {len(runs)} told the truth of the series.")
    return "\n".join(lines), right == len(runs) and not any(one.differences for one in runs)


def _run(folder: Path, first_seed: int, processes: int) -> list[Run]:
    home = folder / "home"
    home.mkdir(mode=0o700)
    worlds = {
        number: KINDS[kind].make(seed_of(kind, place, first_seed))
        for number, (kind, place, _) in enumerate(RUNS)
    }
    environment = {**os.environ, "OMC_HOME": str(home)}
    with connect(ServiceSettings(), home) as services:
        upgrade(services.database_url)
        database = Database(services.database_url)
        try:
            with database.begin() as db:
                for number, world in worlds.items():
                    coins = {_coin(number): world.prices}
                    coins |= {_coin(number, "l"): frame for frame in world.drivers.values()}
                    prices.upsert(db, SERIES, _rows(coins))
        finally:
            database.close()
        context = multiprocessing.get_context("spawn")
        with (
            _workers(processes, environment),
            ProcessPoolExecutor(processes, mp_context=context) as judges,
            ThreadPoolExecutor(processes) as typists,
        ):
            waiting = [
                typists.submit(_one, number, kind, words, worlds[number], environment, judges)
                for number, (kind, _, words) in enumerate(RUNS)
            ]
            found = []
            for number, job in enumerate(waiting, 1):
                found.append(job.result())
                click.echo(f"\r{number}/{len(RUNS)} {found[-1]}", err=True)
            return found


@contextmanager
def _workers(count: int, environment: dict[str, str]) -> Iterator[None]:
    """So many workers of the product, told to end at the end."""
    command = [sys.executable, "-m", "bots.cli", "worker"]
    nowhere = subprocess.DEVNULL
    started = [
        subprocess.Popen(command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.wait(30)


def _one(
    number: int, kind: str, words: str, world: World, environment: dict[str, str], judges: Executor
) -> Run:
    days = round(len(world.prices) / 288)
    goal = words.format(coin=_coin(number), lead=_coin(number, "l"), days=days)
    out = Path(environment["OMC_HOME"]) / f"out-{number}"
    command = [sys.executable, "-m", "bots.cli", "analyze", goal, "--no-input", "--json", "--out", str(out)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        return Run(kind, f"exit {done.returncode}", "-", (done.stderr.strip().splitlines()[-1][:200],))
    metrics = json.loads(done.stdout)
    return Run(
        kind, metrics["verdict"]["decision"], *judges.submit(_directly, number, world, metrics).result()
    )


def _directly(number: int, world: World, metrics: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The decision of the judging function, and in what the run's own result differs from it."""
    spec = metrics["spec"]
    asked = study.default_question(
        "direction", (world.horizon_bars,), 5, indicators=tuple(spec["indicators"]),
        drivers=tuple(_coin(number, "l") for _ in world.drivers),
    )  # fmt: skip
    seed, drivers = metrics["seed"], {_coin(number, "l"): frame for frame in world.drivers.values()}
    prepared = study.prepare(_coin(number), SERIES, world.prices, asked, drivers=drivers)
    models = [ModelSpec.of(name, "classification") for name in spec["models"]]
    own = judge.walk(prepared, models, seed=seed)
    found = judge.decide(prepared, judge.compare([prepared], own), own, seed=seed)
    assert found.chosen.positions is not None
    account = backtest.run(
        found.chosen.positions,
        prepared.next_returns[prepared.judged],
        prepared.cost.share,
        prepared.bar_minutes,
    )
    told = next(model for model in metrics["models"] if model["name"] == metrics["verdict"]["best_model"])
    if metrics["verdict"]["candidates"] != found.verdict.tried:
        # The run searched settings, which count as tried: the decision must be the same, its figures cannot be.
        decisions = (metrics["verdict"]["decision"], str(found.verdict.decision))
        return decisions[1], () if decisions[0] == decisions[1] else (
            f"decision {decisions[0]} / {decisions[1]}",
        )
    pairs = {
        "decision": (metrics["verdict"]["decision"], str(found.verdict.decision)),
        "finding": (metrics["verdict"]["reason_code"], str(found.verdict.finding)),
        "p": (metrics["verdict"]["p_value"], found.verdict.p_value),
        "sealed": (
            metrics["verdict"]["sealed_return"],
            found.verdict.evidence.sealed.return_after_costs,
        ),
        "net": (told["metrics"]["net_return"]["value"], account.return_after_costs),
    }
    return str(found.verdict.decision), tuple(
        f"{name} {there} / {here}" for name, (there, here) in pairs.items() if not _same(there, here)
    )


def _same(there: Any, here: Any) -> bool:
    if isinstance(there, str):
        return bool(there == here)
    # A bar's price went through the table as the same double; sums of features may round otherwise.
    return abs(float(there) - float(here)) <= 1e-6 * max(1.0, abs(float(here)))


def _rows(coins: dict[str, Any]) -> pa.Table:
    parts = []
    for coin, frame in coins.items():
        named = frame.rename_axis("timestamp").reset_index().assign(coin=coin)
        parts.append(pa.Table.from_pandas(named, preserve_index=False))
    return pa.concat_tables(parts)


def _coin(number: int, kind: str = "a") -> str:
    """A symbol of letters alone: sima, simb ... and siml... for the coins that lead."""
    return f"sim{'' if kind == 'a' else kind}{chr(ord('a') + number)}"
