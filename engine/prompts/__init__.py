"""What each agent is told: one text file an agent, and `common.md` before all of them."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def read(name: str) -> str:
    """The text of one file. Raises FileNotFoundError."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


def system_prompt(own: str) -> str:
    """The standing instructions of an agent whose own part is `own`."""
    return f"{read('common')}\n\n{own}"
