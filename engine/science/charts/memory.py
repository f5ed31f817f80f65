"""The memory chart: autocorrelation of returns above, of the size of moves below."""

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import Floats, floats, nice_ticks
from engine.science.charts.numbers import interval, number, plural
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source


def draw_memory(
    source: Source,
    *,
    coin: str,
    return_minutes: ArrayLike,
    returns: ArrayLike,
    return_band: ArrayLike,
    size_minutes: ArrayLike,
    sizes: ArrayLike,
    size_band: ArrayLike,
) -> Chart:
    """Draw autocorrelations by lag; a band is half the 95 % range that they would have without any memory."""
    name = coin.upper()
    above = (floats(return_minutes), floats(returns), floats(return_band))
    below = (floats(size_minutes) / 60.0, floats(sizes), floats(size_band))
    clear = int((np.abs(above[1]) > above[2]).sum())
    lasting = _lasting(below)

    def paint(canvas: Canvas) -> None:
        lowest = min(float(np.min(above[1] - 0.01)), -float(above[2].max()))
        highest = max(float(np.max(above[1] + 0.01)), float(above[2].max()))
        ticks_top = nice_ticks(lowest, highest, 4)
        ticks_low = nice_ticks(min(0.0, float(below[1].min())), float(below[1].max()) * 1.15, 4)
        top, bottom = canvas.panels(
            [1, 1],
            left=[number(t, 2) for t in (*ticks_top, *ticks_low)],
            gap=3.4,
            x_name="size of moves: hours apart",
        )
        for axes, (lag, value, band), ticks in ((top, above, ticks_top), (bottom, below, ticks_low)):
            low = min(ticks[0], -float(band.max()))
            step = float(lag[1] - lag[0]) if len(lag) > 1 else 1.0
            axes.set_xlim(float(lag[0]) - step, float(lag[-1]) + step)
            canvas.y_axis(axes, ticks, [number(t, 2) for t in ticks], low, ticks[-1])
            axes.fill_between(lag, -band, band, color=style.TRAINING, linewidth=0, zorder=1.5)
            axes.axhline(0, color=style.INK, linewidth=0.5 * canvas.size.line, zorder=3)
            sure = np.abs(value) > band
            for colour, rows in ((style.MODEL, sure), (style.CHANCE[1], ~sure)):
                axes.vlines(
                    lag[rows], 0, value[rows], color=colour, linewidth=0.9 * canvas.size.line, zorder=4
                )
                axes.plot(
                    lag[rows], value[rows], "o", color=colour, markersize=1.9 * canvas.size.line, zorder=5
                )
        shown = [m for m in above[0] if m % (4 * above[0][0]) == 0]
        canvas.x_axis(top, [float(m) for m in shown], [interval(float(m)) for m in shown])
        box = top.get_position()
        canvas.text(
            (box.x0 + box.x1) / 2 * canvas.size.width,
            box.y0 * canvas.size.height - 2.9 * canvas.em,
            "returns: time apart",
            colour=style.MUTED,
            ha="center",
        )
        width = bottom.get_position().width * canvas.size.width
        hours = [
            t
            for t in nice_ticks(0, float(below[0][-1]), max(3, int(width / (6 * canvas.em))))
            if 0 < t <= below[0][-1]
        ]
        canvas.x_axis(bottom, hours, [f"{t:g}" for t in hours])

    return render(
        "memory",
        source,
        wide=True,
        height=3.0,
        title=_title(clear, lasting),
        subtitle=f"Autocorrelation of {name}: returns above, size of moves below; band and grey: chance",
        alt=(
            f"Two panels of autocorrelations of {name}. Returns: {plural(clear, 'lag')} of {len(above[0])} outside the band of "
            f"chance, the first {number(float(above[1][0]), 3)}. Size of moves: {number(float(below[1][0]), 2)} at the first lag, "
            f"{number(float(below[1][-1]), 2)} after {below[0][-1]:g} hours."
        ),
        paint=paint,
    )


def _lasting(sizes: tuple[Floats, Floats, Floats]) -> float:
    """Hours until the size of moves is no longer clearly remembered for the first time."""
    hours, value, band = sizes
    gone = np.flatnonzero(value <= band)
    return float(hours[gone[0] - 1]) if len(gone) and gone[0] > 0 else 0.0 if len(gone) else float(hours[-1])


def _title(clear: int, hours: float) -> str:
    first = "Returns show no memory" if clear <= 2 else f"Returns remember at {clear} lags"
    if hours <= 0:
        return f"{first}, nor do their sizes" if clear <= 2 else first
    span = plural(round(hours / 24), "day") if hours >= 48 else plural(round(hours), "hour")
    return f"{first}; their size lasts {span}"
