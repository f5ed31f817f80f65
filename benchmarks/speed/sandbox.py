"""The sandbox: a held run beside a cold interpreter, eight at a time, fits inside, and what 500 runs leave behind.

    uv run python -m benchmarks.speed.sandbox [--rounds 15] [--runs 500] [--no-namespaces]

The cold interpreter does by hand what a run finds ready: it starts, imports the same libraries, reads the same
Parquet file, draws the same figure. Both sides of a ratio take turns in one run. `--runs 0` leaves out the long part,
which ends with a non-zero exit status when a process, a file, a descriptor or memory is left.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import psutil

from benchmarks.speed.measured import medians
from sandbox import Limits, Sandbox
from tests.sandbox.trial import make_prices

COLD = """
import sys
import matplotlib; matplotlib.use("Agg")
import numpy as np, pandas as pd, matplotlib.pyplot as plt, sklearn.ensemble, sklearn.cluster, xgboost, seaborn, ta
prices = pd.read_parquet(sys.argv[1])
"""
DRAWING = "prices['close'].plot()\nresult = 1"
FITS = {
    "xgboost": "from xgboost import XGBClassifier\nmodel = XGBClassifier(n_estimators=50, n_jobs=2)",
    "HistGradientBoosting": "from sklearn.ensemble import HistGradientBoostingClassifier as C\nmodel = C(max_iter=50)",
    "RandomForest": "from sklearn.ensemble import RandomForestClassifier as C\nmodel = C(50, n_jobs=2)",
    "KMeans": "from sklearn.cluster import KMeans\nmodel = KMeans(4, n_init=3)",
}
FIT = """
X = np.random.default_rng(0).normal(size=(4000, 8)); y = (X[:, 0] + X[:, 1] > 0).astype(int)
model.fit(X, y)
result = model.__class__.__name__
"""
AT_ONCE = 8
MB = 1 << 20


@click.command()
@click.option(
    "--rounds", default=15, show_default=True, help="Runs of each kind, of which the median counts."
)
@click.option("--runs", default=500, show_default=True, help="Runs after which nothing may be left; 0: skip.")
@click.option("--no-namespaces", is_flag=True, help="Hold the code without the extra wall.")
def main(rounds: int, runs: int, no_namespaces: bool) -> None:
    """Measure held runs, and count what they leave."""
    with tempfile.TemporaryDirectory() as folder:
        parquet = Path(folder) / "prices.parquet"
        make_prices(2_000).to_parquet(parquet)
        began = time.monotonic()
        with Sandbox.start(namespaces=not no_namespaces) as sandbox:
            _run(sandbox, "result = 1")
            click.echo(f"{sandbox.check()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            click.echo(f"ready after            {time.monotonic() - began:8.2f} s")
            _compare(sandbox, parquet, rounds)
            _fit(sandbox, max(3, rounds // 5))
            if runs and not _exhaust(sandbox, runs):
                sys.exit(1)


def _run(sandbox: Sandbox, code: str, parquet: Path | None = None) -> None:
    done = sandbox.run(code, {"prices": parquet} if parquet else {}, Limits(120, 1024))
    if done.status != "ok":
        raise RuntimeError(f"{done.status}: {done.error}")


def _cold(code: str, parquet: Path) -> None:
    saving = f"{code}\nfor number in plt.get_fignums(): plt.figure(number).savefig('/dev/null', format='png')"
    subprocess.run([sys.executable, "-I", "-c", COLD + saving, str(parquet)], check=True, cwd="/")


def _compare(sandbox: Sandbox, parquet: Path, rounds: int) -> None:
    kinds: dict[str, Callable[[], object]] = {
        "trivial": lambda: _run(sandbox, "result = 1"),
        "with a Parquet input": lambda: _run(sandbox, "result = len(prices)", parquet),
        "with a figure": lambda: _run(sandbox, DRAWING, parquet),
    }
    alone = medians(kinds, rounds)
    cold = medians(
        {
            "cold interpreter": lambda: _cold("result = len(prices)", parquet),
            "cold, with a figure": lambda: _cold(DRAWING, parquet),
            "trivial, in turn": kinds["trivial"],
        },
        max(3, rounds // 5),
    )
    start = cold["cold interpreter"]
    for name, seconds in {**alone, **cold}.items():
        click.echo(f"{name:<22} {seconds * 1000:8.0f} ms   {start / seconds:6.1f} times as fast as cold")
    for name, work in kinds.items():
        seconds = _side_by_side(work, rounds)
        click.echo(
            f"{name + f', {AT_ONCE} at once':<34} {seconds * 1000:5.0f} ms each, {seconds / alone[name]:.1f} times one alone"
        )


def _side_by_side(work: Callable[[], object], rounds: int) -> float:
    """The median seconds of a run while others of its kind run."""
    taken: list[float] = []

    def repeat() -> None:
        for _ in range(max(2, rounds // 3)):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)

    threads = [threading.Thread(target=repeat) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(taken)


def _fit(sandbox: Sandbox, rounds: int) -> None:
    for name, model in FITS.items():
        seconds = [_fit_once(sandbox, model + FIT) for _ in range(rounds)]
        click.echo(
            f"{name + ' fitted inside':<36} {statistics.median(seconds):6.2f} s, at worst {max(seconds):.2f} s"
        )


def _fit_once(sandbox: Sandbox, code: str) -> float:
    start = time.perf_counter()
    _run(sandbox, code)
    return time.perf_counter() - start


def _exhaust(sandbox: Sandbox, runs: int) -> bool:
    """Many runs, some of which fail, draw and pass limits; whether all is then as it was."""
    assert sandbox.keeper_pid is not None
    keeper, own = psutil.Process(sandbox.keeper_pid), psutil.Process()
    base = Path(sandbox.address).parent
    codes = (
        "result = 1",
        "plt.plot([1, 2])",
        "1 / 0",
        "x = np.ones((1 << 40))",
        "open_ = 1\nimport threading\nthreading.Thread(target=print).start()",
    )

    def count() -> dict[str, float]:
        children = keeper.children(recursive=True)
        return {
            "processes": len(children),
            "threads": keeper.num_threads(),
            "descriptors": keeper.num_fds() + sum(child.num_fds() for child in children),
            "descriptors here": own.num_fds(),
            "files": sum(1 for _ in base.rglob("*")),
            "MB of files": sum(path.lstat().st_blocks * 512 for path in base.rglob("*")) / MB,
            "MB of the keeper": keeper.memory_info().rss / MB,
            "MB of its zygotes": sum(child.memory_info().rss for child in children) / MB,
        }

    for code in codes:
        sandbox.run(code)
    _settle(base)
    before = count()
    zygotes = {keeper.children()[0].pid}
    began = time.monotonic()
    for number in range(runs):
        sandbox.run(codes[number % len(codes)], limits=Limits(120, 512))
        zygotes |= {child.pid for child in keeper.children()} if number % 10 == 0 else set()
    took = time.monotonic() - began
    _settle(base)
    after = count()
    click.echo(f"after {runs} runs in {took:.0f} s, by {len(zygotes)} zygotes one after the other:")
    for name, was in before.items():
        click.echo(f"  {name:<20} {was:8.1f} -> {after[name]:8.1f}")
    return all(after[name] <= was + (32 if name.startswith("MB") else 0) for name, was in before.items())


def _settle(base: Path) -> None:
    """Until the last run's folder is gone and an outgoing zygote has ended."""
    until = time.monotonic() + 30
    while list(base.glob("run-*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)


if __name__ == "__main__":
    main()
