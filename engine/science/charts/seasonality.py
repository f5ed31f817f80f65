"""The seasonality chart: how much a coin moves by weekday and hour."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats
from engine.science.charts.numbers import bar_name, basis_points, rate
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def draw_seasonality(source: Source, *, coin: str, volatility_bps: ArrayLike, wide: bool = False) -> Chart:
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

    bars = bar_name(source.interval_minutes)
    ratio = high_at / low_at if low_at > 0 else float("inf")
    title = (
        f"{busy} moves {rate(ratio)} times as much as {calm}" if np.isfinite(ratio) else f"{busy} moves most"
    )
    return render(
        "seasonality",
        source,
        wide=wide,
        height=2.2 if wide else None,
        title=title,
        subtitle=f"Volatility of {name}, {bars} returns, by weekday and hour, UTC; median week",
        alt=f"Heat map of the volatility of {name} by weekday and hour: highest {busy} UTC "
        f"({basis_points(high_at)}), lowest {calm} UTC ({basis_points(low_at)}).",
        paint=paint,
    )
