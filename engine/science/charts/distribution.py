"""The distribution chart: returns of single bars against the normal curve of the same spread."""

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas, EndLabel
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import bar_name, basis_points, count, multiple, rate
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source


def draw_distribution(
    source: Source,
    *,
    coin: str,
    edges: ArrayLike,
    counts: ArrayLike,
    mean_bps: float,
    deviation_bps: float,
    bars: int,
    far_times: float,
) -> Chart:
    """Draw a histogram of bar returns (`edges` in bp) on a log scale, with the normal curve beside it.

    `far_times` is how many times as often as normal a return lies four deviations or more away.
    """
    edge, height = floats(edges), floats(counts)
    width = float(edge[1] - edge[0])
    at = np.linspace(edge[0], edge[-1], 240)
    scale = bars * width / (deviation_bps * np.sqrt(2 * np.pi)) if deviation_bps > 0 else 0.0
    normal = scale * np.exp(-0.5 * ((at - mean_bps) / max(deviation_bps, 1e-9)) ** 2)
    name = coin.upper()

    def paint(canvas: Canvas) -> None:
        top = float(max(height.max(), normal.max())) * 1.6
        decades = [10.0**d for d in range(0, int(np.ceil(np.log10(top))) + 1)]
        (axes,) = canvas.panels([1], left=[count(t) for t in decades], right=["Normal", "Seen"], x_name="")
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_xlim(edge[0], edge[-1])
        canvas.y_axis(axes, decades, [count(t) for t in decades], 0.7, top)
        axes.stairs(np.maximum(height, 0.7), edge, baseline=0.7, fill=True, color=style.GROSS, zorder=2)
        inside = normal >= 0.7
        axes.plot(at[inside], normal[inside], color=style.INK, linewidth=0.8 * canvas.size.line, zorder=4)
        half = axes.get_position().width * canvas.size.width
        ticks = [
            t
            for t in nice_ticks(edge[0], edge[-1], max(3, int(half / (7 * canvas.em))))
            if edge[0] <= t <= edge[-1]
        ]
        canvas.x_axis(axes, ticks, [basis_points(t) for t in ticks])
        canvas.end_labels(
            [
                EndLabel(axes, max(float(height[-3:].mean()), 1.0), ("Seen",), style.GROSS_TEXT),
                EndLabel(axes, 0.7, ("Normal",), style.INK),
            ]
        )

    fat = far_times >= 2
    return render(
        "distribution",
        source,
        wide=True,
        height=2.0,
        title=f"Rare moves come {multiple(far_times).lstrip('×').strip()} times as often as normal"
        if fat
        else "Moves spread about as a normal curve does",
        subtitle=f"{bar_name(source.interval_minutes).capitalize()} returns of {name}, bars per bin, log scale; rare: 4 deviations",
        alt=(
            f"Histogram of {count(bars)} returns of {name} with a deviation of {basis_points(deviation_bps)} beside a normal "
            f"curve of the same spread; moves of four deviations or more are {rate(far_times)} times as frequent as normal."
        ),
        paint=paint,
    )
