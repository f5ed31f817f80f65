"""Frames on their way into a run: as sealed memory that the run can read and nobody can change."""

import fcntl
import keyword
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.contract import SandboxError

if TYPE_CHECKING:
    import pandas as pd

MOST_INPUTS = 16
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # no more seals, no shrinking, no growing, no writing

Inputs = Mapping[str, "pd.DataFrame | Path | str"]


def pack(inputs: Inputs) -> tuple[list[tuple[str, str]], list[int]]:
    """The name and format of each input, and its content as an open file, which the caller closes.

    Raises SandboxError for a name that code cannot use, and for content that is neither a frame nor a Parquet file.
    """
    if len(inputs) > MOST_INPUTS:
        raise SandboxError(f"A run takes {MOST_INPUTS} inputs at most, not {len(inputs)}.")
    described: list[tuple[str, str]] = []
    files: list[int] = []
    try:
        for name, content in inputs.items():
            if not name.isidentifier() or keyword.iskeyword(name):
                raise SandboxError(f"An input becomes a variable, and {name!r} cannot be the name of one.")
            file = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            files.append(file)
            if isinstance(content, (str, Path)):
                _copy(name, Path(content), file)
                described.append((name, "parquet"))
            else:
                _write(name, content, file)
                described.append((name, "arrow"))
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        for file in files:
            os.close(file)
        raise
    return described, files


def _copy(name: str, path: Path, file: int) -> None:
    try:
        with path.open("rb") as source, os.fdopen(file, "wb", closefd=False) as target:
            if source.read(4) != b"PAR1":
                raise SandboxError(
                    f"The input {name!r} must be a frame or a Parquet file; {path} is neither."
                )
            source.seek(0)
            shutil.copyfileobj(source, target, 1 << 20)
    except OSError as error:
        raise SandboxError(f"The input {name!r} cannot be read: {path}: {error.strerror}.") from error


def _write(name: str, frame: "pd.DataFrame", file: int) -> None:
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame, nthreads=1)
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SandboxError(f"The input {name!r} is no frame that can be handed over: {said}") from error
    with os.fdopen(file, "wb", closefd=False) as target, pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)
