"""A table as it stands in a file, before anybody has said what its columns mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Reject:
    """A line that was set aside, and why. `line` counts from 1 in the file; in binary files it is the row."""

    line: int
    reason: str
    text: str = ""


@dataclass
class RawTable:
    """Columns of text (or of the types a binary file gives them), with the line each row stood on.

    `headers` holds, for each column, the texts above it (none, one, or one per header row). `remarks` are
    comment lines and other words about the data, `titles` those above a header that comes again, `metadata` what a binary file says of itself.
    """

    name: str
    columns: list[pa.ChunkedArray]
    headers: list[Sequence[str]]
    lines: np.ndarray[Any, Any]
    rejects: list[Reject] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    form: list[str] = field(default_factory=list)  # how the file is written, in words

    @property
    def rows(self) -> int:
        return len(self.lines)
