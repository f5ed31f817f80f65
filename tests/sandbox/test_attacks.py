"""Hostile code of every class reaches nothing: not files, network, processes, resources, nor the next run."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import psutil
import pytest

from sandbox import Limits, Sandbox
from tests.sandbox.attacks import ATTACKS, SEEN_WITHOUT_NAMESPACES
from tests.sandbox.attacks_from_below import ATTACKS_FROM_BELOW
from tests.sandbox.attacks_on_the_end import ATTACKS_ON_THE_END, HOLDER, SEEKER
from tests.sandbox.trial import Attack, Bait, conduct, read_attack
from tests.waiting import wait_until

# What namespaces change: the root folder, the scratch folder's file system, the process numbers.
TELLING_BEHIND_THE_WALL = {
    "environments_in_proc",
    "links_and_renames",
    "signals_by_every_road",
    "scratch_from_above",
    "undoing_the_boundary",
    "writers_in_parallel",
    "many_files_opened_before_any_is_filled",
    "deaf_to_every_signal",
}


@pytest.fixture(scope="module")
def walled() -> Iterator[Sandbox]:
    """A sandbox with namespaces, where the host allows them."""
    if sys.platform != "linux":
        pytest.skip("code can be held on Linux only")
    with Sandbox.start() as sandbox:
        if not sandbox.check().namespaces:
            pytest.skip("this host does not allow namespaces")
        sandbox.run("result = 1")
        yield sandbox


@pytest.mark.parametrize(
    "attack", [*ATTACKS, *ATTACKS_FROM_BELOW, *ATTACKS_ON_THE_END], ids=lambda attack: attack.name
)
def test_an_attack_reaches_nothing(
    sandbox: Sandbox, bait: Bait, prices: pd.DataFrame, attack: Attack
) -> None:
    outcome = conduct(sandbox, bait, attack, prices)
    assert outcome.held, (outcome.reached, outcome.result)


@pytest.mark.parametrize(
    "attack",
    [*SEEN_WITHOUT_NAMESPACES, *(attack for attack in ATTACKS if attack.name in TELLING_BEHIND_THE_WALL)],
    ids=lambda attack: attack.name,
)
def test_namespaces_are_one_more_wall(
    walled: Sandbox, bait: Bait, prices: pd.DataFrame, attack: Attack
) -> None:
    outcome = conduct(walled, bait, attack, prices)
    assert outcome.held, (outcome.reached, outcome.result)


def test_two_runs_at_once_do_not_see_each_other(sandbox: Sandbox, bait: Bait) -> None:
    assert sandbox.keeper_pid is not None
    with ThreadPoolExecutor(2) as pool:
        before = {child.pid for child in psutil.Process(sandbox.keeper_pid).children(recursive=True)}
        holding = pool.submit(
            sandbox.run, HOLDER.replace("@CANARY@", bait.canary), {}, Limits(30, 512), lint=False
        )
        found: set[int] = set()

        def begun() -> bool:
            now = {child.pid for child in psutil.Process(sandbox.keeper_pid).children(recursive=True)}
            found.update(now - before)
            return bool(found)

        wait_until(begun, "the first run has begun")
        base = str(Path(sandbox.address).parent)
        seeker = SEEKER.replace("@HOLDER@", str(max(found))).replace("@BASE@", base)
        sought = sandbox.run(seeker, {}, Limits(30, 512), lint=False)
        held = holding.result()
    assert "FOUND" not in sought.stdout
    assert "PWNED" not in sought.stdout
    assert held.status == "ok", held
    assert held.value == [True, ["held.txt", "result.json", "stdout.txt"]]


def test_the_corpus_reaches_nothing(
    sandbox: Sandbox, bait: Bait, prices: pd.DataFrame, test_data: Path
) -> None:
    paths = sorted((test_data / "sandbox-corpus" / "hostile").glob("*.py"))
    assert paths
    outcomes = [conduct(sandbox, bait, read_attack(path), prices) for path in paths]
    assert {outcome.attack.name: outcome.reached for outcome in outcomes if not outcome.held} == {}


def test_honest_analyses_run(sandbox: Sandbox, prices: pd.DataFrame, test_data: Path) -> None:
    paths = sorted((test_data / "sandbox-corpus" / "harmless").glob("*.py"))
    assert paths
    for path in paths:
        done = sandbox.run(path.read_text(), {"prices": prices}, Limits(60, 2048))
        assert (done.status, done.error) == ("ok", None), path.name
        assert done.value is not None, path.name


def test_unheld_code_is_found_out(bait: Bait, tmp_path: Path) -> None:
    """The self-test's own test: where nothing holds it, it reports what it could do."""
    import json
    import os
    import subprocess

    target = {"file": bait.placeholders["SECRET_FILE"], "folder": str(tmp_path), "pid": os.getpid()}
    code = f"from sandbox.inside import probe; probe.attempt({target!r}, 64)"
    (tmp_path / "stdout.txt").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 0
    report = json.loads((tmp_path / "probe.json").read_text())
    assert {"read a file outside", "write a file outside", "open a network socket", "start a process"} <= set(
        report["worked"]
    )
    assert "run a program" in report["worked"]
