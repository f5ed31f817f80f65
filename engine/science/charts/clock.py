"""The clock chart: a measure by hour, weekday or month, each with its interval."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import basis_points, p_value, percent, rate
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

What = Literal["volatility", "return", "volume"]
_MEASURE = {
    "volatility": "Median volatility of a bar",
    "return": "Mean return",
    "volume": "Share of the volume",
}


def draw_clock(
    source: Source,
    *,
    coin: str,
    what: What,
    unit: Literal["hour", "weekday", "month"],
    labels: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    p: float | None,
) -> Chart:
    """Draw a measure by its slots: volatility and return in bp, volume as a fraction. `p` is of "no difference"."""
    value, bottom, top = floats(values), floats(low), floats(high)
    name = coin.upper()
    best, worst = int(np.nanargmax(value)), int(np.nanargmin(value))
    real = p is not None and p <= 0.05
    write = (lambda v: percent(v, digits=1, sign=False)) if what == "volume" else basis_points
    is_return = what == "return"
    # A return is set apart where its interval leaves nil out, a size where it leaves the middle of all out.
    middle = 0.0 if is_return else float(np.nanmedian(value))
    clear = ((bottom > middle) | (top < middle)) & real

    def paint(canvas: Canvas) -> None:
        lowest, highest = float(np.nanmin(bottom)), float(np.nanmax(top))
        if not is_return:
            lowest = 0.0
        pad = 0.06 * (highest - lowest) or 1.0
        ticks = nice_ticks(min(lowest, middle), highest + pad, 5)
        floor = 0.0 if not is_return else min(lowest, middle) - pad
        (axes,) = canvas.panels([1], left=[write(t) for t in ticks])
        axes.set_xlim(-0.6, len(value) - 0.4)
        canvas.y_axis(axes, ticks, [write(t) for t in ticks], floor, highest + pad)
        axes.axhline(middle, color=style.INK, linewidth=0.5 * canvas.size.line, zorder=3)
        for at, (v, a, b, sure) in enumerate(zip(value, bottom, top, clear, strict=True)):
            if np.isfinite(v):
                canvas.interval(axes, at, v, a, b, clear=bool(sure))
        every = 1 if unit != "hour" else 3
        shown = range(0, len(labels), max(every, -(-len(labels) // 14)))
        canvas.x_axis(axes, list(shown), [labels[i] for i in shown])

    line = "0" if is_return else "the median slot"
    return render(
        f"clock_{what}_{unit}_{coin.lower()}",
        source,
        wide=True,
        height=2.3,
        title=_title(what, unit, labels, value, best, worst, real),
        subtitle=f"{_MEASURE[what]} of {name} by {unit}, UTC; bars: 95\u202f% intervals; line: {line}; "
        f"grey: not apart from it",
        alt=(
            f"Dot chart: {_MEASURE[what].lower()} of {name} by {unit}, UTC. Highest {labels[best]} with "
            f"{write(float(value[best]))} ({write(float(bottom[best]))} to {write(float(top[best]))}), lowest "
            f"{labels[worst]} with {write(float(value[worst]))}. "
            + (f"Chance alone makes such differences in {p_value(p)} of cases." if p is not None else "")
        ),
        paint=paint,
    )


def _title(
    what: str, unit: str, labels: Sequence[str], value: ArrayLike, best: int, worst: int, real: bool
) -> str:
    size = floats(value)
    if not real:
        return f"No {unit} stands out beyond chance"
    if what == "return":
        return (
            f"Best at {labels[best]}, worst at {labels[worst]}"
            if unit == "hour"
            else (f"Best {labels[best]}, worst {labels[worst]}")
        )
    ratio = size[best] / size[worst] if size[worst] > 0 else float("inf")
    verb = "moves" if what == "volatility" else "trades"
    return f"{labels[best]} {verb} {rate(float(ratio))} times as much as {labels[worst]}"
