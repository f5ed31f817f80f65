"""The comparison chart: coins, models or feature sets by how well they are forecast, with intervals."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.intervals import painter
from engine.science.charts.lines import floats
from engine.science.charts.numbers import number, percent, signed
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source


def draw_comparison(
    source: Source,
    *,
    title: str,
    names: Sequence[str],
    figure: Literal["auc", "skill"],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    what: str,
) -> Chart:
    """Draw items, the best first: AUC as points above a coin toss, skill as a fraction; `what` says what was forecast."""
    value, bottom, top = floats(values), floats(low), floats(high)
    words = [style.legible(name, limit=32) for name in names]
    is_auc = figure == "auc"
    shift, scale = (0.5, 100.0) if is_auc else (0.0, 1.0)

    def write(at: float) -> str:
        if is_auc:
            return signed(at, 0 if at == int(at) else 1, plus=True)
        return percent(at, digits=0 if abs(at * 100 - round(at * 100)) < 1e-6 else 1)

    listed = ", ".join(
        f"{name} {number(v) if is_auc else percent(v, digits=1)}"
        for name, v in zip(words, value, strict=True)
    )
    shown = [(part - shift) * scale for part in (value, bottom, top)]
    return render(
        "comparison",
        source,
        wide=True,
        height=0.85 + 0.26 * len(words),
        title=title,
        subtitle=f"{'Points of AUC above a coin toss' if is_auc else 'Error smaller than the best simple forecast'}, "
        f"{what}, out of sample; bars: 95\u202f% intervals",
        alt=f"Dot chart of {'AUC' if is_auc else 'skill'} with 95\u202f% intervals, {what}: {listed}. {title}.",
        paint=painter(
            words,
            shown[0],
            shown[1],
            shown[2],
            np.asarray(shown[1] > 0, dtype=bool),
            "points of AUC above a coin toss" if is_auc else "smaller error than the best simple forecast",
            write,
        ),
    )
