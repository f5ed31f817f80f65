"""The correlation chart: which coins move alike."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats
from engine.science.charts.numbers import number
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source


def draw_correlation(
    source: Source,
    *,
    coins: Sequence[str],
    matrix: ArrayLike,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    what: str = "hourly returns",
) -> Chart:
    """Draw the correlation between coins' returns; with intervals the title names a pair only if it stands out."""
    cells = floats(matrix)
    names = [style.legible(c.upper(), limit=10) for c in coins]
    if len(names) < 2:
        raise ValueError("a correlation needs two coins or more")
    pairs = [(float(cells[i, k]), i, k) for i in range(len(names)) for k in range(i)]
    weakest, strongest = min(pairs), max(pairs)
    colours = LinearSegmentedColormap.from_list("heat", style.HEAT)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.panels([1], left=names[1:], overhang=0.2)
        axes.spines["bottom"].set_visible(False)
        count = len(names) - 1
        axes.set_xlim(0, count)
        axes.set_ylim(count, 0)
        places = [i + 0.5 for i in range(count)]
        axes.set_yticks(places, names[1:])
        canvas.x_axis(axes, places, names[:-1])
        axes.tick_params(length=0, labelcolor=style.INK)
        width = axes.get_position().width * canvas.size.width / count
        readable = width > 2.4 * canvas.em
        for row in range(count):
            for column in range(row + 1):
                value = float(cells[row + 1, column])
                depth = float(np.clip(abs(value), 0, 1)) if np.isfinite(value) else 0.0
                canvas.cell(axes, column, row, colours(depth))
                if readable:
                    axes.text(
                        column + 0.5,
                        row + 0.5,
                        number(value, 2),
                        ha="center",
                        va="center_baseline",
                        fontweight=600,
                        fontsize=canvas.size.base,
                        color="white" if depth > 0.6 else style.INK,
                        zorder=4,
                    )

    ranges = _interval_words(strongest, low, high)
    title = (
        f"{names[strongest[2]]} and {names[strongest[1]]} move most alike: {number(strongest[0], 2)}"
        if len(pairs) > 1
        else f"{names[0]} and {names[-1]} move alike: {number(strongest[0], 2)}"
    )
    return render(
        "correlation",
        source,
        title=title,
        subtitle=f"Correlation of {what}{ranges}",
        alt=(
            f"Table of correlations of {what} between {', '.join(names)}: from {number(weakest[0], 2)} "
            f"({names[weakest[2]]} and {names[weakest[1]]}) to {number(strongest[0], 2)} "
            f"({names[strongest[2]]} and {names[strongest[1]]})."
        ),
        paint=paint,
    )


def _interval_words(strongest: tuple[float, int, int], low: ArrayLike | None, high: ArrayLike | None) -> str:
    if low is None or high is None:
        return ""
    _, row, column = strongest
    bottom, top = floats(low)[row, column], floats(high)[row, column]
    return f"; the highest {number(bottom, 2)} to {number(top, 2)} (95\u202f%)"
