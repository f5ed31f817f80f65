"""Format, lint, types and who may import whom: checked like any other behaviour."""

import os
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What costs a process seconds and hundreds of megabytes.
HEAVY = {
    "engine",
    "langchain",
    "langgraph",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "xgboost",
}


def test_code_is_formatted() -> None:
    check("ruff", "format", "--check", ".")


def test_code_is_linted() -> None:
    check("ruff", "check", ".")


def test_types_are_strict_and_right() -> None:
    check("mypy")


def test_imports_keep_to_the_map() -> None:
    check("lint-imports")


def test_the_command_line_alone_loads_no_data_library() -> None:
    assert loaded_by("import bots.cli") & HEAVY == set()


def test_a_bots_process_never_loads_the_engine_or_its_libraries() -> None:
    """Every module of `bots` but the commands, which the contract lists as the composition root."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ignored = [line for contract in contracts for line in contract.get("ignore_imports", [])]
    commands = {line.partition(" -> ")[0] for line in ignored if line.startswith("bots.")} | {"bots.cli"}
    modules = {module.name for module in pkgutil.walk_packages([str(ROOT / "bots")], prefix="bots.")}
    adapters = {name for name in modules if name.split(".")[1] in {"slack", "discord", "web"}}
    rest = sorted(modules - commands - adapters)
    assert {"bots.commands", "bots.delivery", "bots.messages", "bots.terminal"} <= set(rest)
    loaded = loaded_by("import " + ", ".join(rest))
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("jobs.")} <= {"jobs.queue", "jobs.errors"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh process has loaded after `statement`."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def check(tool: str, *arguments: str) -> None:
    """Run a tool of this environment on the whole project and show what it says."""
    path = Path(sys.executable).parent / tool
    done = subprocess.run(
        [path, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 0, f"{tool} says:\n{done.stdout}\n{done.stderr}"
