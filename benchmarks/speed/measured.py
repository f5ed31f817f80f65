"""A piece of work in a process of its own: its seconds and its memory at the peak."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a piece of work took. CPU seconds are the process's own; a loaded machine stretches only the others."""

    seconds: float
    cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:6.2f} s  {self.cpu_seconds:6.2f} s CPU  {self.peak_mb:5.0f} MB at the peak"


def in_child(module: str, *arguments: str) -> Cost:
    """Run `python -m module arguments`, which ends with `report(...)`, and return what it reported."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} {arguments[0]} failed:\n{done.stderr[-2000:]}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def report(work: Callable[[], object]) -> None:
    """Do the work and write its cost to standard output, for `in_child`."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cost = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb,
    }
    sys.stdout.write(json.dumps(cost) + "\n")


def medians(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each piece of work, done in turn so that they share the machine's moods."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
