"""Format, lint, types and who may import whom: checked like any other behaviour."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_code_is_formatted() -> None:
    check("ruff", "format", "--check", ".")


def test_code_is_linted() -> None:
    check("ruff", "check", ".")


def test_types_are_strict_and_right() -> None:
    check("mypy")


def test_imports_keep_to_the_map() -> None:
    check("lint-imports")


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
