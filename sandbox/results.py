"""What a run left behind, read with suspicion: fixed names, real files, capped sizes, nothing but bytes and JSON.

The files were written by code that may be hostile, which is dead by now. Nothing here follows a name that it chose.
"""

import json
import os
import stat
from dataclasses import dataclass, field
from typing import Any

from sandbox.contract import Figure
from sandbox.inside.confine import FILE_BYTES, STDOUT
from sandbox.inside.runner import DATA, MOST_FIGURES, MOST_PRINTED, RESULT
from sandbox.pictures import BadPicture, rebuild

MOST_RESULT = 2 << 20
MOST_FIGURE = 4 << 20
DEEPEST = 32
MOST_ERROR = 4_000
MOST_NOTES = 20


@dataclass
class Left:
    """What was found, as claimed by the code: `status` is None when there is no readable result."""

    status: str | None = None
    value: Any = None
    data: bytes = b""
    error: str | None = None
    stdout: str = ""
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect(scratch: int) -> Left:
    """Read the scratch folder of a run that has ended; raises nothing for what is in it."""
    left = Left()
    _read_outcome(scratch, left)
    printed = _read(scratch, STDOUT, MOST_PRINTED, cut=True)
    if printed is not None:
        left.stdout = _clean_text(printed.decode("utf-8", errors="replace"))
        if len(printed) == MOST_PRINTED and not any("output was cut" in note for note in left.notes):
            left.notes.append(f"the output was cut after {MOST_PRINTED:,} bytes")
    left.data = _read(scratch, DATA, FILE_BYTES) or b""
    for number in range(1, MOST_FIGURES + 1):
        _read_figure(scratch, f"figure_{number}.png", left)
    return left


def _read_outcome(scratch: int, left: Left) -> None:
    text = _read(scratch, RESULT, MOST_RESULT)
    if text is None:
        return
    try:
        claimed = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return
    if not isinstance(claimed, dict) or claimed.get("status") not in ("ok", "error", "memory"):
        return
    try:
        left.value = _clean(claimed.get("value"), 0)
    except ValueError as error:
        left.notes.append(f"`result` was left out: {error}")
    left.status = claimed["status"]
    if isinstance(claimed.get("error"), str):
        left.error = _clean_text(claimed["error"][:MOST_ERROR])
    if isinstance(claimed.get("notes"), list):
        left.notes += [_clean_text(str(note)[:300]) for note in claimed["notes"][:MOST_NOTES]]


def _read_figure(scratch: int, name: str, left: Left) -> None:
    data = _read(scratch, name, MOST_FIGURE)
    if data is None:
        return
    try:
        png, width, height = rebuild(data)
    except BadPicture as error:
        left.notes.append(f"{name} was left out: {error}")
        return
    left.figures.append(Figure(name, png, width, height))


def _read(scratch: int, name: str, most: int, *, cut: bool = False) -> bytes | None:
    """At most `most` bytes of a plain file with one name; None for anything else, and for more unless `cut`."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(name, flags, dir_fd=scratch)
    except OSError:
        return None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
            return None
        if found.st_size > most and not cut:
            return None
        data = bytearray()
        while len(data) < most and (piece := os.read(file, most - len(data))):
            data += piece
        return bytes(data)
    except OSError:
        return None
    finally:
        os.close(file)


def _clean(value: Any, depth: int) -> Any:
    """JSON that every later reader can store: not too deep, text without NUL and half characters."""
    if depth > DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean_text(key): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value


def _clean_text(text: str) -> str:
    """Text without what breaks a database, a terminal or a chat: controls other than newline and tab, surrogates."""
    readable = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(
        letter for letter in readable if letter in "\n\t" or (letter >= " " and letter not in _HIDDEN)
    )


# Delete and the C1 controls, and the marks that reverse the direction of text that follows.
_HIDDEN = frozenset(map(chr, (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
