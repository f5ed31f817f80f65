"""The number guard: a figure in a model's words must be in what this session's tools returned, or go.

A figure is found when a result, rounded to the digits written, is that figure in that unit, with that sign, and speaks
of the same thing: a percentage is no count, a p-value no return, an end of an interval no value. A day, a time or a name
must stand in the results. What a model worked out by itself (a difference, a ratio) is not found: tools do the sums.
"""

from engine.guard.checking import unfounded, without_unfounded
from engine.guard.sources import Figures, gather

__all__ = ["Figures", "gather", "unfounded", "without_unfounded"]
