"""Results by month, week or day: whether the return came evenly or from a single stretch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas, EndLabel
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import basis_points, percent, plural
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

_STARTING = {"month": "per month", "week": "per week (starting Monday)", "day": "per day"}


def draw_periods(
    source: Source,
    *,
    model: str,
    every: Literal["month", "week", "day"],
    starts: ArrayLike | Sequence[datetime],
    gross: ArrayLike,
    net: ArrayLike,
    hold: ArrayLike,
    sealed_start: datetime | None = None,
    cost_bps: float | None = None,
) -> Chart:
    """Draw compounded returns (fractions) of each period: before costs, after costs, and holding as a dash.

    Periods that begin after `sealed_start` are shown on the sealed background and not counted in the title.
    """
    x, before, after, held = timeline.days(starts), floats(gross), floats(net), floats(hold)
    cut = timeline.day(sealed_start) if sealed_start else np.inf
    judged = x < cut
    won, total = int((after[judged] > 0).sum()), int(judged.sum())
    names = [("Before costs",), ("Hold",), ("After costs",)]

    def paint(canvas: Canvas) -> None:
        at = np.arange(len(x), dtype=float)
        every_value = np.concatenate([before, after, held, [0.0]])
        low, high = float(np.nanmin(every_value)), float(np.nanmax(every_value))
        pad = 0.07 * (high - low) or 0.01
        ticks = nice_ticks(low - pad, high + pad, 6)
        digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-6 for t in ticks) else 1
        labels = [percent(t, digits=digits) for t in ticks]
        (axes,) = canvas.panels([1], left=labels, right=[n for (n,) in names])
        axes.set_xlim(-0.6, len(x) - 0.4)
        canvas.y_axis(axes, ticks, labels, low - pad, high + 2 * pad)
        if not judged.all():
            first = float(np.argmin(judged)) - 0.5
            tops = np.nanmax([before, after, held, np.zeros(len(x))], axis=0)
            bottoms = np.nanmin([before, after, held, np.zeros(len(x))], axis=0)
            fine = np.linspace(0, len(x) - 1, 40 * len(x))
            shape = [(fine, np.interp(fine, at, tops)), (fine, np.interp(fine, at, bottoms))]
            canvas.span(axes, first, len(x) - 0.4, style.SEALED, "sealed", avoid=shape)
        axes.bar(at - 0.2, before, 0.38, color=style.GROSS, linewidth=0, zorder=3)
        axes.bar(at + 0.2, after, 0.38, color=style.MODEL, linewidth=0, zorder=4)
        for place, value in zip(at, held, strict=True):
            axes.plot(
                [place - 0.4, place + 0.4],
                [value, value],
                color=style.INK,
                linewidth=0.8 * canvas.size.line,
                zorder=5,
            )
        axes.axhline(0, color=style.INK, linewidth=0.5 * canvas.size.line, zorder=6)
        axes.spines["bottom"].set_visible(False)
        width = axes.get_position().width * canvas.size.width / max(len(x), 1)
        step = max(1, int(np.ceil(5.0 * canvas.em / width)))
        shown = range(0, len(x), step)
        canvas.x_axis(axes, [float(i) for i in shown], [_label(x[i], every) for i in shown])
        canvas.end_labels(
            [
                EndLabel(axes, float(before[-1]), names[0], style.GROSS_TEXT),
                EndLabel(axes, float(held[-1]), ("— Hold",), style.INK),
                EndLabel(axes, float(after[-1]), names[2], style.MODEL),
            ]
        )

    costs = f", {basis_points(cost_bps)} a side" if cost_bps is not None else ""
    listed = ", ".join(f"{_label(a, every)} {percent(b)}" for a, b in zip(x, after, strict=True))
    return render(
        "periods",
        source,
        title=f"{won} of {plural(total, every)} ended positive after costs",
        subtitle=f"Return {_STARTING[every]}, out of sample, {model}{costs}, UTC",
        alt=f"Bar chart of the return {_STARTING[every]} of {model} after costs: {listed}.",
        paint=paint,
    )


def _label(value: float, every: str) -> str:
    moment = timeline.moment(value)
    return (
        f"{moment:%b}" + (f" {moment.year}" if moment.month == 1 else "")
        if every == "month"
        else f"{moment.day} {moment:%b}"
    )
