"""The cost grid: what the best rule makes a month at each cost and horizon, and what that is worth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats
from engine.science.charts.numbers import basis_points, percent
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

FULL_TINT = 0.5  # a gain or loss from which on a cell has its full colour


def draw_grid(
    source: Source,
    *,
    horizons: Sequence[str],
    costs_bps: Sequence[float],
    monthly: ArrayLike,
    words: Sequence[Sequence[str]],
    asked: tuple[int, int] | None = None,
    decision: str | None = None,
) -> Chart:
    """Draw the monthly net return (fraction) of the best rule for each horizon (row) and cost per side (column).

    `words` are the decisions of the cells; `asked` is the cell of the run itself, which is outlined.
    """
    cells = floats(monthly)
    columns = [basis_points(c) for c in costs_bps]
    colours = LinearSegmentedColormap.from_list("gain", style.LOSS_TO_GAIN)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.panels(
            [1], left=horizons, x_name="cost per side", y_name="horizon", overhang=0.2, gap=0.0
        )
        axes.spines["bottom"].set_visible(False)
        rows, wide = cells.shape
        axes.set_xlim(0, wide)
        axes.set_ylim(rows, 0)
        axes.set_yticks(np.arange(rows) + 0.5, horizons)
        canvas.x_axis(axes, [float(c) for c in np.arange(wide) + 0.5], columns)
        axes.tick_params(length=0, labelcolor=style.INK)
        for row in range(rows):
            for column in range(wide):
                value = float(cells[row, column])
                shade = (
                    to_rgb("#F1F3F5")
                    if not np.isfinite(value)
                    else colours(0.5 + np.clip(value / FULL_TINT, -1, 1) / 2)
                )
                canvas.cell(axes, column, row, shade, outlined=asked == (row, column))
                for text, size, weight, up in (
                    (percent(value), 1.05, 600, 0.55),
                    (_word(words[row][column], value), 0.82, 400, -0.8),
                ):
                    axes.annotate(
                        text,
                        (column + 0.5, row + 0.5),
                        xytext=(0, up * canvas.size.base),
                        textcoords="offset points",
                        ha="center",
                        va="center_baseline",
                        fontsize=size * canvas.size.base,
                        fontweight=weight,
                        color=style.INK,
                        zorder=4,
                    )

    listed = "; ".join(
        f"{h}: " + ", ".join(f"{c} {percent(float(v))}" for c, v in zip(columns, line, strict=True))
        for h, line in zip(horizons, cells, strict=True)
    )
    return render(
        "grid",
        source,
        wide=True,
        height=0.95 + 0.42 * len(horizons),
        title=_grid_title(horizons, costs_bps, words, asked),
        subtitle="Net return a month of the best rule in each cell, out of sample"
        + ("; outlined: as asked" if asked else ""),
        alt="Table of the monthly return of the best rule after costs, by horizon and cost per side. "
        f"{listed}.",
        paint=paint,
    )


def _word(decision: str, value: float) -> str:
    """The verdict of a cell. Too little data to rule out an edge, beside a loss, reads as no edge seen."""
    if decision == "not_enough_data":
        return "none seen" if value < 0 else "can't tell"
    return {"edge": "edge", "no_edge": "no edge"}.get(decision, decision)


def _grid_title(
    horizons: Sequence[str],
    costs: Sequence[float],
    words: Sequence[Sequence[str]],
    asked: tuple[int, int] | None,
) -> str:
    found = [(costs[c], r, word) for r, line in enumerate(words) for c, word in enumerate(line)]
    edges = [(cost, row) for cost, row, word in found if word == "edge"]
    beyond = [(cost, row) for cost, row, word in found if word == "more than luck"]
    if beyond and not edges:
        cost, row = max(beyond)
        where = "free of costs" if cost == 0 else f"at {basis_points(cost)} a side or less"
        return f"More than luck only {where}, {horizons[row]} ahead"
    if not edges:
        seen = "seen " if any(word == "not_enough_data" for line in words for word in line) else ""
        return f"No edge {seen}at any cost or horizon tried"
    cost, row = max(edges)
    where = f"up to {basis_points(cost)} a side, at {horizons[row]}"
    if asked is not None and words[asked[0]][asked[1]] != "edge":
        return f"An edge only {where}" if cost < costs[asked[1]] else f"An edge {where}"
    return f"An edge {where}"
