"""What reading a goal comes to: a run, one question, or a refusal with its reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from engine.goals.spec import Spec


@dataclass(frozen=True)
class Coverage:
    """The prices held of one coin: the start of its first candle and the end of its last one, aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Run:
    """Nothing is unclear: the spec can be worked on."""

    spec: Spec

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"outcome": "run", "spec": self.spec.as_dict()}


@dataclass(frozen=True)
class Ask:
    """One thing has to be known first. `about` is a slot; `recommended` is one of the choices, or empty."""

    about: str
    question: str
    choices: tuple[str, ...] = ()
    recommended: str = ""
    draft: Spec | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        draft = self.draft.as_dict() if self.draft else None
        return {"outcome": "ask", **asdict(self), "choices": list(self.choices), "draft": draft}


@dataclass(frozen=True)
class Refuse:
    """Nothing is started: why, and what to write instead."""

    reason: str
    hint: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"outcome": "refuse", "reason": self.reason, "hint": self.hint}


Outcome = Run | Ask | Refuse


def from_dict(written: Mapping[str, Any]) -> Outcome:
    """Read back what the `as_dict` of any outcome wrote."""
    match written["outcome"]:
        case "run":
            return Run(Spec.from_dict(written["spec"]))
        case "ask":
            draft = Spec.from_dict(written["draft"]) if written.get("draft") else None
            choices = tuple(written["choices"])
            return Ask(written["about"], written["question"], choices, written["recommended"], draft)
        case _:
            return Refuse(written["reason"], written["hint"])
