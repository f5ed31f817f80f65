"""Charts of cells: volatility by weekday and hour, cost by horizon, and the correlation between coins."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyBboxPatch
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas, Chart, Source, floats, render
from engine.science.charts.numbers import bar_name, basis_points, number, percent, rate

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_TINT = 0.5  # a gain or loss from which on a cell has its full colour


def draw_seasonality(source: Source, *, coin: str, volatility_bps: ArrayLike) -> Chart:
    """Draw how much a coin moves by weekday (Monday first) and UTC hour: 7 x 24 values in bp, NaN where unknown."""
    cells = floats(volatility_bps)
    name = coin.upper()
    high = np.unravel_index(int(np.nanargmax(cells)), cells.shape)
    low = np.unravel_index(int(np.nanargmin(cells)), cells.shape)
    low_at, high_at = float(np.nanmin(cells)), float(np.nanmax(cells))
    calm = f"{WEEKDAYS[int(low[0])]} {int(low[1]):02d}:00"
    busy = f"{WEEKDAYS[int(high[0])]} {int(high[1]):02d}:00"

    def paint(canvas: Canvas) -> None:
        colours = LinearSegmentedColormap.from_list("heat", style.HEAT)
        legend = [basis_points(v) for v in np.linspace(low_at, high_at, 4)]
        room = max(style.text_width(t, canvas.size.base) for t in legend) + 2.2 * canvas.em
        canvas.right -= room
        (axes,) = canvas.panels([1], left=WEEKDAYS, overhang=0.6)
        span = high_at - low_at or 1.0
        axes.pcolormesh(
            np.arange(25),
            np.arange(8),
            cells,
            cmap=colours,
            vmin=low_at,
            vmax=high_at,
            edgecolors="white",
            linewidth=0.35 * canvas.size.line,
            zorder=1,
        )
        axes.set_ylim(7, 0)
        axes.set_xlim(0, 24)
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
        canvas.x_axis(axes, range(0, 25, 6), [f"{h:02d}:00" for h in range(0, 25, 6)])
        axes.tick_params(axis="x", length=0)
        for (row, column), value in ((high, high_at), (low, low_at)):
            dark = (value - low_at) / span > 0.5
            wide = axes.get_position().width * canvas.size.width / 24
            words = rate(value)
            if style.text_width(words, 0.82 * canvas.size.base, semibold=True) > 0.9 * wide:
                words = f"{value:.0f}"
            axes.text(
                column + 0.5,
                row + 0.5,
                words,
                ha="center",
                va="center_baseline",
                fontsize=0.82 * canvas.size.base,
                fontweight=600,
                color="white" if dark else style.INK,
                zorder=3,
            )
        box = axes.get_position()
        scale = canvas.figure.add_axes(
            (
                box.x1 + 0.9 * canvas.em / canvas.size.width,
                box.y0,
                0.7 * canvas.em / canvas.size.width,
                box.height,
            )
        )
        steps = np.linspace(low_at, high_at, 41)
        scale.pcolormesh(
            [0, 1],
            steps,
            ((steps[:-1] + steps[1:]) / 2)[:, None],
            cmap=colours,
            vmin=low_at,
            vmax=high_at,
            edgecolors="face",
            linewidth=0.3,
        )
        for side in scale.spines.values():
            side.set_visible(False)
        scale.set_xticks([])
        scale.yaxis.tick_right()
        scale.set_yticks(np.linspace(low_at, high_at, 4), legend)
        scale.tick_params(
            length=0, labelsize=canvas.size.base, labelcolor=style.MUTED, pad=0.3 * canvas.size.base
        )

    ratio = high_at / low_at if low_at > 0 else float("inf")
    title = (
        f"{busy} moves {rate(ratio)} times as much as {calm}" if np.isfinite(ratio) else f"{busy} moves most"
    )
    return render(
        "seasonality",
        source,
        title=title,
        subtitle=f"Volatility of {name}, {_bars(source)} returns, by weekday and hour, UTC; median week",
        alt=f"Heat map of the volatility of {name} by weekday and hour: highest {busy} UTC "
        f"({basis_points(high_at)}), lowest {calm} UTC ({basis_points(low_at)}).",
        paint=paint,
    )


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
                _cell(canvas, axes, column, row, shade, outlined=asked == (row, column))
                axes.text(
                    column + 0.5,
                    row + 0.42,
                    percent(value),
                    ha="center",
                    va="center_baseline",
                    fontsize=1.05 * canvas.size.base,
                    fontweight=600,
                    zorder=4,
                )
                axes.text(
                    column + 0.5,
                    row + 0.72,
                    _word(words[row][column], value),
                    ha="center",
                    va="center_baseline",
                    fontsize=0.82 * canvas.size.base,
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
        height=2.3,
        title=_grid_title(horizons, costs_bps, words, asked),
        subtitle="Net return a month of the best rule in each cell, out of sample"
        + ("; outlined: as asked" if asked else ""),
        alt="Table of the monthly return of the best rule after costs, by horizon and cost per side. "
        f"{listed}.",
        paint=paint,
    )


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
                _cell(canvas, axes, column, row, colours(depth))
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


def _cell(
    canvas: Canvas, axes: Axes, column: float, row: float, colour: object, *, outlined: bool = False
) -> None:
    """A cell with a gap around it, the same in inches both ways."""
    box = axes.get_position()
    columns, rows = axes.get_xlim()[1], axes.get_ylim()[0]
    gap_x = 0.22 * canvas.em * columns / (box.width * canvas.size.width)
    gap_y = 0.22 * canvas.em * rows / (box.height * canvas.size.height)
    axes.add_patch(
        FancyBboxPatch(
            (column + gap_x, row + gap_y),
            1 - 2 * gap_x,
            1 - 2 * gap_y,
            boxstyle=f"round,pad=0,rounding_size={0.25 * canvas.em * columns / (box.width * canvas.size.width)}",
            mutation_aspect=(box.width * canvas.size.width / columns)
            / (box.height * canvas.size.height / rows),
            facecolor=colour,
            edgecolor=style.INK if outlined else "none",
            linewidth=canvas.size.line if outlined else 0,
            zorder=3 if outlined else 2,
            clip_on=False,
        )
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
    edges = [(costs[c], r) for r, line in enumerate(words) for c, word in enumerate(line) if word == "edge"]
    if not edges:
        seen = "seen " if any(word == "not_enough_data" for line in words for word in line) else ""
        return f"No edge {seen}at any cost or horizon tried"
    cost, row = max(edges)
    where = f"up to {basis_points(cost)} a side, at {horizons[row]}"
    if asked is not None and words[asked[0]][asked[1]] != "edge":
        return f"An edge only {where}" if cost < costs[asked[1]] else f"An edge {where}"
    return f"An edge {where}"


def _interval_words(strongest: tuple[float, int, int], low: ArrayLike | None, high: ArrayLike | None) -> str:
    if low is None or high is None:
        return ""
    _, row, column = strongest
    bottom, top = floats(low)[row, column], floats(high)[row, column]
    return f"; the highest {number(bottom, 2)} to {number(top, 2)} (95\u202f%)"


def _bars(source: Source) -> str:
    return bar_name(source.interval_minutes)
