"""Run the code, held: inputs read, output capped, the error put in words, result and figures left as files."""

import contextlib
import io
import json
import linecache
import os
import random
import sys
import warnings
from collections import deque
from types import TracebackType
from typing import Any

from sandbox.inside.values import Plain

RESULT = "result.json"
DATA = "data.bin"  # bytes that the code leaves, if it does
CODE = "<code>"
MOST_PRINTED = 64 << 10
MOST_FIGURES = 8
RESERVED = 256 << 10
ALLOWED = (
    "pandas, numpy, scipy, sklearn, xgboost, matplotlib, seaborn, ta and plain standard modules "
    "(math, statistics, datetime, collections, itertools, functools, re, json, random, dataclasses, ...)"
)

Input = tuple[str, str, int]  # name, format, open file


def execute(code: str, inputs: list[Input]) -> None:
    """Run `code`, then leave what came of it in the working folder, which is the scratch."""
    printed = Printed()
    sys.stdout = sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(printed), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    warnings.showwarning = _warn
    outcome: dict[str, Any] = {"status": "ok", "value": None, "error": None, "notes": []}
    plain = Plain()
    spare = bytearray(4 << 20)  # so that there is room to say that there is no room
    try:
        names = _names(inputs)
        shown = _note_saving()
        linecache.cache[CODE] = (len(code), None, code.splitlines(keepends=True), CODE)
        exec(compile(code, CODE, "exec", dont_inherit=True), names)
        outcome["notes"] += _draw_figures(shown)
        outcome["value"] = plain.convert(names.get("result"))
        outcome["notes"] += plain.notes
    except SystemExit as error:
        outcome["value"] = plain.convert(names.get("result"))
        if error.code not in (None, 0):
            outcome |= {"status": "error", "error": f"The code ended itself with {error.code!r:.200}."}
    except MemoryError as error:
        spare.clear()
        outcome |= {"status": "memory", "error": _explain(error, code)}
    except BaseException as error:
        outcome |= {"status": "error", "error": _explain(error, code)}
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
    if printed.lost:
        total = printed.kept + printed.lost
        outcome["notes"].append(f"the output was cut: {printed.kept:,} of {total:,} bytes are kept")
    _write(outcome)


def reserve() -> None:
    """Before the code is held: room for its result, whatever it fills the scratch folder with."""
    file = os.open(RESULT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.posix_fallocate(file, 0, RESERVED)
    os.close(file)


class Printed(io.RawIOBase):
    """Standard output that keeps its beginning and counts the rest."""

    def __init__(self) -> None:
        self.kept = self.lost = 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        room = view[: max(0, MOST_PRINTED - self.kept)]
        if room:
            os.write(1, room)
        self.kept += len(room)
        self.lost += len(view) - len(room)
        return len(view)


def _names(inputs: list[Input]) -> dict[str, Any]:
    """What the code finds at hand. Only here does anything parse the inputs."""
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd

    # A fork has its zygote's generators; each run starts from its own.
    random.seed()
    np.random.seed()
    names: dict[str, Any] = {"__name__": "__main__", "pd": pd, "np": np, "plt": plt}
    for name, kind, file in inputs:
        names[name] = _read(kind, file)
    return names


def _read(kind: str, file: int) -> Any:
    import mmap

    import pyarrow as pa
    import pyarrow.parquet as pq

    content = mmap.mmap(file, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    os.close(file)
    source = pa.BufferReader(pa.py_buffer(content))  # text columns may go on pointing into it
    of_parquet = kind == "parquet"
    table = pq.read_table(source, use_threads=False) if of_parquet else pa.ipc.open_file(source).read_all()
    return table.to_pandas(use_threads=False).copy()


def _draw_figures(shown: set[int]) -> list[str]:
    """Under fixed names: the PNG files that the code saved, then the open figures that it did not save itself."""
    import matplotlib.pyplot as plt

    saved = sorted(name for name in os.listdir() if name.lower().endswith(".png"))
    numbers = [number for number in plt.get_fignums() if id(plt.figure(number)) not in shown]
    wanted = len(saved) + len(numbers)
    contents = []
    for name in saved[:MOST_FIGURES]:
        with open(name, "rb") as source:
            contents.append(source.read())
    for place, content in enumerate(contents, 1):
        with open(f"figure_{place}.png", "wb") as target:
            target.write(content)
    for place, number in enumerate(numbers[: MOST_FIGURES - len(contents)], len(contents) + 1):
        plt.figure(number).savefig(f"figure_{place}.png", format="png")
    if wanted > MOST_FIGURES:
        return [f"{wanted} figures were drawn; the first {MOST_FIGURES} are kept"]
    return []


def _note_saving() -> set[int]:
    """From now on, which figures the code saves by itself."""
    from matplotlib.figure import Figure

    shown: set[int] = set()
    save = Figure.savefig

    def savefig(self: Figure, *args: Any, **kwargs: Any) -> None:
        save(self, *args, **kwargs)
        shown.add(id(self))

    Figure.savefig = savefig  # type: ignore[method-assign]
    return shown


def _write(outcome: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, MemoryError, ValueError, RecursionError):
        text = json.dumps(outcome, allow_nan=False)
        with open(RESULT, "r+") as file:
            file.write(text)
            file.truncate()


def _explain(error: BaseException, code: str) -> str:
    """The line of the code, what went wrong there, and what could be done instead."""
    if isinstance(error, SyntaxError) and error.filename == CODE:
        where = f"line {error.lineno}: " if error.lineno else ""
        return f"{where}SyntaxError: {error.msg}{_quote(code, error.lineno)}"
    lines = _lines(error.__traceback__)
    said = _say(error)
    text = f"line {lines[-1]}: {said}{_quote(code, lines[-1])}" if lines else said
    if len(lines) > 1:
        text += f"\n(called from line {', '.join(map(str, lines[:-1]))})"
    hint = _hint(error)
    return f"{text}\n{hint}" if hint else text


def _lines(trace: TracebackType | None) -> list[int]:
    """The lines of the code that led to an error, the last ones; a runaway recursion has millions."""
    lines: deque[int] = deque(maxlen=6)
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == CODE and trace.tb_lineno:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return list(lines)


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A warning on one line, without the paths of this machine."""
    print(f"{category.__name__}: {message}")  # noqa: T201


def _say(error: BaseException) -> str:
    try:
        said = str(error)
    except BaseException:
        said = "(its message could not be read)"
    return f"{type(error).__name__}: {said[:1000]}" if said else type(error).__name__


def _quote(code: str, line: int | None) -> str:
    lines = code.splitlines()
    return f"\n    {lines[line - 1].strip()[:200]}" if line and 0 < line <= len(lines) else ""


def _hint(error: BaseException) -> str:
    match error:
        case MemoryError():
            return "The run reached its memory limit. Work on fewer rows or columns at a time."
        case ModuleNotFoundError():
            return f"Available here: {ALLOWED}."
        case ImportError() | PermissionError():
            return (
                "Code here reaches no network, no other program, and no file outside its own folder. The inputs are "
                "at hand as variables; put the answer in `result` and draw with plt."
            )
        case OSError() if error.errno == 27:
            return "A file may have 16 MB, all files together 64 MB. Put the answer in `result` instead."
        case OSError() if error.errno == 28:
            return "The scratch folder is full (64 MB, 256 files). Put the answer in `result` instead."
        case RuntimeError() if "can't start new thread" in str(error):
            return "Fewer threads are available here."
    return ""
