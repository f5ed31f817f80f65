"""What can go wrong in a run, in words fit for a person, and the stops that must pass through untouched.

EngineError
├── ToolError        a tool was asked for something it cannot do; the agent reads this and can correct itself
├── StageFailed      a stage ended without an answer
└── Refused          the goal is not something this system does, or may do
Stop (a GraphBubbleUp: neither retried nor swallowed on its way out)
├── Cancelled        the person asked to stop
└── OverBudget       the run's time or money is spent
"""

from langgraph.errors import GraphBubbleUp


class EngineError(Exception):
    """An expected failure; its text can be shown as it is."""


class ToolError(EngineError):
    """A tool was asked for something it cannot do; says what it would accept instead."""


class StageFailed(EngineError):
    """A stage ended without a finding or a question."""


class Refused(EngineError):
    """The goal is not something this system does, or may do."""

    def __init__(self, reason: str, hint: str, *, no_data: bool = False) -> None:
        super().__init__(f"{reason} {hint}".strip())
        self.no_data = no_data


class Stop(GraphBubbleUp):
    """Ends a run from inside; the checkpoint stays."""


class Cancelled(Stop):
    """The person asked to stop."""


class OverBudget(Stop):
    """The run's time or money is spent; its text says which."""
