"""Charts of a judgement that are one file each: every module here with a `draw(scene)` adds its picture.

A new chart is a new file, nothing else. `draw` returns None where the judgement has nothing to show in it; `ORDER`
(0 to 99) says how early it comes among them.
"""

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import pandas as pd

from engine.science.candidates import Candidate
from engine.science.charts import Chart, Source
from engine.science.judge import Judgement


@dataclass(frozen=True, eq=False)
class Scene:
    """What a chart may be drawn from: the coin's judgement, its rules, and the prices of all coins of the goal."""

    source: Source
    judgement: Judgement
    candidates: Sequence[Candidate]
    prices: Mapping[str, pd.DataFrame]


def draw(scene: Scene) -> Iterator[Chart]:
    """Draw every chart of this folder that has something to show, in its order."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [import_module(f"{__name__}.{name}") for name in names]
    for module in sorted(modules, key=lambda module: (module.ORDER, module.__name__)):
        chart = module.draw(scene)
        if chart is not None:
            yield chart
