"""Text that Discord takes literally, and long text in pieces."""

import re
from datetime import datetime

LONGEST_CONTENT = 2_000
FENCE = "```"
# Everything that begins markup, a mention, an emoji, a time stamp or a masked link anywhere in a line ...
_ANYWHERE = re.compile(r"[\\*_`~|<>\[\]]")
# ... and at its beginning: headings, quotes, small print and lists.
_AT_START = re.compile(r"^(\s*)([#+-])", re.MULTILINE)
_CALLS = re.compile(r"@(?=everyone|here)")


def escape(text: str) -> str:
    """Text as it is read, with nothing in it that calls people or changes how it looks."""
    text = _ANYWHERE.sub(lambda found: f"\\{found[0]}", text)
    text = _AT_START.sub(r"\1\\\2", text)
    return _CALLS.sub("@\u200b", text)


def fenced(text: str) -> str:
    """Text in a fixed-width font; a fence inside it does not end it."""
    return f"{FENCE}\n{text.replace(FENCE, f'``{chr(0x200B)}`')}\n{FENCE}"


def moment(at: datetime) -> str:
    """A moment in each reader's own zone, and how far away it is."""
    return f"<t:{int(at.timestamp())}:f> (<t:{int(at.timestamp())}:R>)"


def pieces(text: str, longest: int = LONGEST_CONTENT) -> list[str]:
    """Text in pieces that Discord takes, cut at line ends; a fence that is cut is closed and opened again."""
    found: list[str] = []
    lines: list[str] = []
    open_fence = False
    room = longest - 2 * len(f"\n{FENCE}")

    def close() -> None:
        body = "\n".join([*lines, *([FENCE] if open_fence else [])])
        if body.strip("` \n"):
            found.append(body)
        lines[:] = [FENCE] if open_fence else []

    for whole in text.split("\n"):
        for line in [whole[at : at + room] for at in range(0, len(whole), room)] or [""]:
            if sum(len(kept) + 1 for kept in lines) + len(line) > room:
                close()
            lines.append(line)
            if line.startswith(FENCE):
                open_fence = not open_fence
    close()
    return found
