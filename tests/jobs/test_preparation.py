"""What a worker's parent is before it forks: everything imported, nothing computed, no thread started."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import process
from jobs.worker import PRELOAD, WorkerSettings

LOOK = """
import importlib, json, os, pathlib
from jobs import process
from jobs.worker import PRELOAD
process.grant_threads(3)
for module in PRELOAD:
    importlib.import_module(module)
import threadpoolctl
print(json.dumps({
    "threads": len(list(pathlib.Path("/proc/self/task").iterdir())),
    "pools": {pool["user_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()},
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_parent_has_one_thread_after_all_imports_and_its_fits_get_theirs() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.returncode == 0, seen.stderr
    found = json.loads(seen.stdout)
    assert found["threads"] == 1, "a thread in a process that forks: its locks stay locked in the child"
    assert found["pools"] == {"openmp": 3, "blas": 1}


def test_granted_cores_are_at_least_one() -> None:
    assert process.granted_cores() >= 1


def test_what_a_worker_imports_is_named_once() -> None:
    assert len(set(PRELOAD)) == len(PRELOAD)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_MAX_RETRIES", "5")
    monkeypatch.setenv("OMC_DRAIN_SECONDS", "2.5")
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    settings = WorkerSettings()
    assert (settings.agent_max_retries, settings.omc_drain_seconds) == (5, 2.5)
    assert settings.omp_num_threads is None
