"""What each agent is told: one text file an agent, `common.md` before all of them, `working.md` before those with tools."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def read(name: str) -> str:
    """The text of one file. Raises FileNotFoundError."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


def system_prompt(own: str, *, has_tools: bool = True) -> str:
    """The standing instructions of an agent whose own part is `own`."""
    parts = [read("common"), *([read("working")] if has_tools else []), own]
    return "\n\n".join(parts)
