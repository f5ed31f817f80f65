"""The pieces of work that `benchmarks.speed.analysis` measures, each run as a process of its own.

python -m benchmarks.speed.analysis_work product|plain|hop DATABASE_URL DAYS MODELS SEED
"""

import json
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.work import Work

COIN = "flat"


def goal(days: int, models: str) -> str:
    """The question that both sides answer."""
    return f"will {COIN} close higher in the next hour? last {days} days" + (f", {models}" if models else "")


def product(url: str, days: int, models: str, seed: int) -> dict[str, Any]:
    """A session from its row to its files, as a worker that is warm does it."""
    from engine import graph
    from engine.outcome import Completed
    from storage import events

    with _work(url, goal(days, models), seed) as work:
        outcome = graph.run(work)
        if not isinstance(outcome, Completed):
            raise RuntimeError(str(outcome))
        with work.database.begin() as db:
            told = events.since(db, work.lease.session_id)
    marks = {event.payload["stage"]: event.created_at for event in told if event.kind == "stage_done"}
    begun = {event.payload["stage"]: event.created_at for event in told if event.kind == "stage_started"}
    return {"stages": {stage: (marks[stage] - begun[stage]).total_seconds() for stage in marks}}


def plain(url: str, days: int, models: str, seed: int) -> dict[str, Any]:
    """The script one would write who knows every step: the same sums, models and charts in a straight line."""
    from engine import notebook
    from engine.report import gallery, pictures, studies
    from engine.science import datagate, features, importance, indicators, judge, leaks, study, verdict
    from engine.science.charts import Source
    from engine.science.estimators import ModelSpec
    from storage import prices
    from storage.database import Database

    seconds: dict[str, float] = {}
    clock = _clock(seconds)
    with Database(url).begin() as db:
        held = prices.coverage(db)[0]
        start = held.end - timedelta(days=days)
        frame = prices.load(db.connection(), held.series, [COIN], start, held.end).to_pandas()
    clock("load")
    raw = frame.set_index("timestamp").drop(columns="coin")
    report = datagate.check(raw)
    clean = datagate.clean(raw, report)
    names = ("SMA_20", "EMA_20", "RSI_14", "MACD", "BBANDS")
    marks = indicators.compute(clean, names)
    asked = study.default_question("direction", (12,), 5, indicators=names)
    table = features.build(clean, asked.features)
    clock("features")
    leaks.check_features(clean, asked.features, {}, seed)
    clock("leak gate")
    prepared = study.prepare(COIN, held.series, clean, asked, table=table)
    wanted = [ModelSpec.of(models, "classification")] if models else judge.default_models(asked)
    own = judge.walk(prepared, wanted, seed=seed, threads=1)
    clock("walk-forward")
    family = judge.compare([prepared], own)
    is_near = verdict.is_near(prepared, family, own, seed)
    clock("verdict")
    judged = judge.conclude(prepared, family, own, seed=seed, threads=1)
    clock("sealed span and tables")
    weighed = importance.permuted(prepared, judged.chosen.out_of_sample, seed)
    clock("importance")
    source = Source(
        "Simulated", "", 5, len(clean), clean.index[0].to_pydatetime(), clean.index[-1].to_pydatetime(), "R-1", True
    )  # fmt: skip
    pictures.of_judgement(source, judged, marks=marks)
    list(gallery.draw(gallery.Scene(source, judged, own, {COIN: clean})))
    studies.weighed(weighed, source)
    notebook.write_data({COIN: clean})
    clock("charts and data")
    return {"stages": seconds, "is_near": is_near}


def hop(url: str, days: int, models: str, seed: int) -> dict[str, Any]:
    """What it costs to hand features from one tool to the next: kept as a file, read from memory."""
    import numpy as np
    import pandas as pd

    from engine.science import features, simulate, study

    prices = simulate.gbm(days * simulate.BARS_PER_DAY, seed)
    table = features.build(prices, study.default_question("direction", (12,), 5).features)
    draw = np.random.default_rng(seed)
    taken, again = [], []
    with _work(url, goal(days, models), seed) as work:
        for _ in range(5):
            fresh = pd.DataFrame(table.to_numpy() + draw.normal(), index=table.index, columns=table.columns)
            cpu = time.process_time()
            handle = work.keep_frame("features", fresh, summary="features")
            taken.append(time.process_time() - cpu)
            cpu = time.process_time()
            work.frame(handle, "features")
            again.append(time.process_time() - cpu)
    return {"stages": {"keep": float(np.median(taken)), "take": float(np.median(again))}}


@contextmanager
def _work(url: str, words: str, seed: int) -> "Iterator[Work]":
    from engine.work import Control, EngineSettings, Work
    from storage import sessions, users
    from storage.artifacts import FolderStore
    from storage.database import Database

    database = Database(url)
    with tempfile.TemporaryDirectory() as folder:
        with database.begin() as db:
            person = users.identify(db, "terminal", "local", "ann", "Ann")
            row = sessions.create(
                db, workspace=uuid.uuid4().hex, owner_id=person.id, platform="terminal", channel="tty",
                thread=uuid.uuid4().hex, goal=words, seed=seed,
            )  # fmt: skip
        with database.begin() as db:
            lease = sessions.take(db, row.id, 1, "benchmark", seconds=3_600)
        if lease is None:
            raise RuntimeError("the session is not to be had")
        store = FolderStore(Path(folder), max_bytes=2**31)
        yield Work(database, store, lease, Control(database, lease), EngineSettings(omp_num_threads=1))
    database.close()


def _clock(seconds: dict[str, float]) -> Callable[[str], None]:
    last = [time.process_time()]

    def mark(name: str) -> None:
        seconds[name] = time.process_time() - last[0]
        last[0] = time.process_time()

    return mark


def warm_up() -> None:
    """Load what a worker's parent has loaded long before; only the difference in work is measured."""
    import engine.graph
    import engine.notebook
    import engine.report.pictures  # noqa: F401
    from engine.science import judge, simulate, study

    # scikit-learn, XGBoost and matplotlib load the rest at their first use.
    asked = study.default_question("direction", (12,), 5)
    judge.judge("warm", "simulated", simulate.gbm(3_000, 1), asked, seed=1)


if __name__ == "__main__":
    what, address, count, named, drawn = sys.argv[1:]
    warm_up()
    wall, cpu = time.perf_counter(), time.process_time()
    found = {"product": product, "plain": plain, "hop": hop}[what](address, int(count), named, int(drawn))
    sys.stdout.write(
        json.dumps(
            {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                **found,
            }
        )
        + "\n"
    )
