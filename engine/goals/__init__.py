"""Reading a goal: a sentence in plain words becomes a typed spec, one question, or a refusal with its reason."""

from engine.goals.outcome import Ask, Coverage, Outcome, Refuse, Run
from engine.goals.reading import read
from engine.goals.spec import Spec

__all__ = ["Ask", "Coverage", "Outcome", "Refuse", "Run", "Spec", "read"]
