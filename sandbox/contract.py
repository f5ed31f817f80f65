"""What goes into a run and what comes out of it."""

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "error", "timeout", "memory", "killed", "rejected", "unavailable"]


class SandboxError(Exception):
    """The sandbox was asked for something it cannot do; its text can be shown as it is."""


@dataclass(frozen=True)
class Limits:
    """What one run may use. Settings of the machine cap both."""

    seconds: float = 300.0  # of wall clock, from the moment the code is held
    memory_mb: int = 2048  # on top of the libraries, which all runs share

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SandboxError(f"A run needs time: seconds={self.seconds} must be above 0.")
        if self.memory_mb < 16:
            raise SandboxError(f"A run needs memory: memory_mb={self.memory_mb} must be at least 16.")


@dataclass(frozen=True)
class Figure:
    """One picture that the code drew: a PNG, taken apart and put together again outside."""

    name: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Usage:
    """What a run used, as measured from outside."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0  # the highest seen, beyond what the libraries take
    scratch_mb: float = 0.0  # the most seen in its scratch folder
    threads: int = 0


@dataclass(frozen=True)
class Result:
    """The end of a run.

    `value` is what the code left in `result`, as plain JSON; a frame is {columns, index, data, shape}, a series
    {name, index, data, shape}. What the code computed and printed is its claim: a figure of record is computed
    outside. `data` is what it left in a file `data.bin`, as bytes that nothing has looked into. `error` is one short text for whoever wrote the code; `notes` say what was cut or left out.

    status: ok; error (the code raised); timeout, memory, killed (a limit, a crash); rejected (not run: see the
    error); unavailable (this machine cannot hold code, or the sandbox is gone: nothing was run).
    """

    status: Status
    value: Any = None
    data: bytes = b""
    stdout: str = ""
    figures: tuple[Figure, ...] = ()
    error: str | None = None
    usage: Usage = Usage()
    notes: tuple[str, ...] = ()
