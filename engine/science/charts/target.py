"""The target chart: what was to be predicted, week by week, over the training, judged and sealed spans."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import basis_points, percent, plural
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

Span = Literal["train", "test", "sealed"]
_SPANS = {
    "train": (style.TRAINING, "training"),
    "test": ("#FFFFFF", "judged"),
    "sealed": (style.SEALED, "sealed"),
}


def draw_target(
    source: Source,
    *,
    label: str,
    starts: ArrayLike | Sequence[datetime],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    reference: float | None,
    unit: Literal["percent", "bp"] = "percent",
    spans: Sequence[tuple[Span, datetime, datetime]] = (),
) -> Chart:
    """Draw one dot a week with its block interval: the share of rises (a fraction) or a size in bp.

    `label` says what it is ("share of rises within 1 h"), `starts` are the weeks' Mondays, `reference` is the
    value that would mean balance.
    """
    x = timeline.days(starts) + 3.5
    y, bottom, top = floats(values), floats(low), floats(high)
    clear = np.zeros(len(y), dtype=bool) if reference is None else (bottom > reference) | (top < reference)
    edges = [(kind, timeline.day(a), timeline.day(b)) for kind, a, b in spans]
    left = min([x[0] - 3.5, *(a for _, a, _ in edges)])
    right = max([x[-1] + 3.5, *(b for _, _, b in edges)])

    def write(value: float) -> str:
        return percent(value, digits=0, sign=False) if unit == "percent" else basis_points(value)

    def paint(canvas: Canvas) -> None:
        lowest, highest = float(np.nanmin([bottom, y])), float(np.nanmax([top, y]))
        if reference is not None:
            lowest, highest = min(lowest, reference), max(highest, reference)
        pad = 0.1 * (highest - lowest) or 0.01
        ticks = nice_ticks(lowest - pad, highest + pad, 5)
        (axes,) = canvas.panels([1], left=[write(t) for t in ticks])
        axes.set_xlim(left, right)
        canvas.y_axis(axes, ticks, [write(t) for t in ticks], lowest - pad, highest + 3 * pad)
        for kind, start, end in edges:
            colour, name = _SPANS[kind]
            wide = (end - start) / (right - left) * axes.get_position().width * canvas.size.width
            fits = style.text_width(name, canvas.size.base) + canvas.em < wide
            canvas.span(axes, start, end, colour, name if fits else "", avoid=[(x, top), (x, bottom)])
        if reference is not None:
            axes.axhline(reference, color=style.INK, linewidth=0.5 * canvas.size.line, zorder=3)
        for at, value, a, b, sure in zip(x, y, bottom, top, clear, strict=True):
            if np.isfinite(value):
                canvas.interval(axes, at, value, a, b, clear=bool(sure) or reference is None)
        canvas.time_axis(axes, left, right)

    known = np.isfinite(y)
    return render(
        "target",
        source,
        wide=True,
        height=2.1,
        title=_title(int((known & ~clear).sum()), int(known.sum()), write, y, reference),
        subtitle=f"{label[:1].upper()}{label[1:]}, one dot a week with its 95\u202f% interval, UTC",
        alt=(
            f"Dot chart of the {label} in each of {plural(int(known.sum()), 'week')}: between "
            f"{write(float(np.nanmin(y)))} "
            f"and {write(float(np.nanmax(y)))}."
            + (
                f" In {int(clear.sum())} of them the interval leaves out {write(reference)}."
                if reference is not None
                else ""
            )
        ),
        paint=paint,
    )


def _title(
    balanced: int, weeks: int, write: Callable[[float], str], y: NDArray[np.float64], reference: float | None
) -> str:
    if reference is None:
        return f"Between {write(float(np.nanmin(y)))} and {write(float(np.nanmax(y)))} a week"
    if balanced == weeks:
        return f"Ups and downs balance in all {plural(weeks, 'week')}"
    return f"Ups and downs balance in {balanced} of {plural(weeks, 'week')}"
