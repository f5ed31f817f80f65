"""How a run ends: one value, matched once by whoever started it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Completed:
    """The report is written. `result` is kept with the session, `payload` is told to the thread."""

    result: dict[str, Any]
    payload: dict[str, Any]


@dataclass(frozen=True)
class AwaitingUser:
    """A stage needs an answer; the run goes on from exactly here once there is one."""

    interrupt_id: str
    stage: str
    about: str
    question: str
    choices: list[str] = field(default_factory=list)
    recommended: str = ""


@dataclass(frozen=True)
class Failed:
    """The run cannot go on; `message` says why and what to do. `refused` when nothing was begun."""

    message: str
    refused: bool = False
    no_data: bool = False


@dataclass(frozen=True)
class Cancelled:
    """The run saw that it was asked to stop."""


@dataclass(frozen=True)
class OverBudget:
    """The run's time or money was spent before the end."""

    message: str


@dataclass(frozen=True)
class Drained:
    """The worker was asked to stop; the run goes on elsewhere from its checkpoint."""


Outcome = Completed | AwaitingUser | Failed | Cancelled | OverBudget | Drained
