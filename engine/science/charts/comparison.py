"""The comparison chart: coins, models or feature sets by how well they are forecast, and how far apart they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.intervals import Rows
from engine.science.charts.lines import floats
from engine.science.charts.numbers import number, percent, signed
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

Interval = tuple[float, float, float]


def draw_comparison(
    source: Source,
    *,
    title: str,
    names: Sequence[str],
    figure: Literal["auc", "skill"],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    differences: Mapping[str, Interval],
    what: str,
) -> Chart:
    """Draw items, the best first, and below them how far apart they are, which is what decides.

    Values are an AUC or a skill (a fraction), `differences` the same by name as (value, low, high); `what` says what was
    forecast.
    """
    is_auc = figure == "auc"
    words = [style.legible(name, limit=32) for name in names]
    shift, scale = (0.5, 100.0) if is_auc else (0.0, 1.0)

    def write(at: float) -> str:
        if is_auc:
            return signed(at, 0 if at == int(at) else 1, plus=True)
        return percent(at, digits=0 if abs(at * 100 - round(at * 100)) < 1e-6 else 1)

    value, bottom, top = ((floats(part) - shift) * scale for part in (values, low, high))
    items = Rows(words, value, bottom, top, np.asarray(bottom > 0, dtype=bool), write)
    apart = np.array(list(differences.values()), dtype=np.float64).reshape(-1, 3).T * scale
    beyond = np.asarray((apart[1] > 0) | (apart[2] < 0), dtype=bool)
    apart_words = [style.legible(name, limit=32) for name in differences]
    between = Rows(apart_words, apart[0], apart[1], apart[2], beyond, write)
    listed = ", ".join(
        f"{name} {number(v) if is_auc else percent(v, digits=1)}"
        for name, v in zip(words, floats(values), strict=True)
    )
    told = ", ".join(f"{name} {write(round(v, 4))}" for name, v in zip(between.words, apart[0], strict=True))
    unit = "points of AUC" if is_auc else "of the error"
    return render(
        "comparison",
        source,
        wide=True,
        height=0.75 + 0.24 * len(words) + (0.5 + 0.22 * len(differences) if differences else 0.0),
        title=title,
        subtitle=f"{'Points of AUC above a coin toss' if is_auc else 'Error smaller than the best simple forecast'}, "
        f"{what}, out of sample; bars: 95\u202f% intervals; grey: chance",
        alt=f"Dot chart of {'AUC' if is_auc else 'skill'} with 95\u202f% intervals, {what}: {listed}; {told}. {title}.",
        paint=_painter(
            items,
            between,
            "points of AUC above a coin toss" if is_auc else "smaller error than the best simple forecast",
            f"difference, {unit}",
        ),
    )


def _painter(items: Rows, between: Rows, x_name: str, lower_name: str) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        left = [*items.words, *between.words]
        if not between.words:
            (upper,) = canvas.panels([1], left=left, x_name=x_name, overhang=1.2)
            items.paint(canvas, upper)
            return
        heights = [len(items.words) + 0.2, len(between.words) + 0.2]
        upper, lower = canvas.panels(heights, left=left, x_name=lower_name, overhang=1.2, gap=3.9)
        items.paint(canvas, upper)
        between.paint(canvas, lower)
        box = upper.get_position()
        canvas.text(
            (box.x0 + box.x1) / 2 * canvas.size.width,
            box.y0 * canvas.size.height - 2.7 * canvas.em,
            x_name,
            colour=style.MUTED,
            ha="center",
        )

    return paint
