"""The falls chart: the price above, how far it is below its highest close underneath."""

from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import envelope, floats, nice_ticks
from engine.science.charts.numbers import day, percent, plural, price
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source


def draw_falls(
    source: Source,
    *,
    coin: str,
    times: ArrayLike,
    close: ArrayLike,
    under: ArrayLike,
    peak: datetime,
    trough: datetime,
    recovered: datetime | None,
) -> Chart:
    """Draw closes and their distance from the highest close before (negative fractions); the deepest fall is marked."""
    x, y, depth = timeline.days(times), floats(close), floats(under)
    name = coin.upper()
    worst = float(np.nanmin(depth))
    start, end = timeline.day(peak), timeline.day(recovered) if recovered else float(x[-1])

    def paint(canvas: Canvas) -> None:
        low, high = float(np.nanmin(y)), float(np.nanmax(y))
        pad = 0.06 * (high - low) or 1e-9 * high
        ticks = [t for t in nice_ticks(low, high, 4) if low - pad <= t <= high + pad]
        falls = [t for t in nice_ticks(worst, 0.0, 3) if worst * 1.1 <= t <= 0]
        top, bottom = canvas.panels([1.5, 1], left=[*map(price, ticks), *map(percent, falls)])
        for axes in (top, bottom):
            axes.set_xlim(x[0], x[-1])
        canvas.y_axis(top, ticks, [price(t) for t in ticks], low - pad, high + pad)
        canvas.y_axis(bottom, falls, [percent(t) for t in falls], worst * 1.12, 0.0)
        canvas.span(top, start, end, style.SEALED, "deepest fall", avoid=[(x, y)])
        canvas.span(bottom, start, end, style.SEALED)
        top.plot(
            *envelope(x, y, canvas.columns(top)), color=style.INK, linewidth=0.6 * canvas.size.line, zorder=4
        )
        bx, by = envelope(x, depth, canvas.columns(bottom))
        bottom.fill_between(bx, by, 0.0, color="#D2E2F0", linewidth=0, zorder=2)
        bottom.plot(bx, by, color=style.MODEL, linewidth=0.6 * canvas.size.line, zorder=3)
        canvas.time_axis(bottom, x[0], x[-1])

    length = (trough - peak).total_seconds() / 86_400
    after = f", made good on {day(recovered)}" if recovered else ", not made good since"
    return render(
        "falls",
        source,
        wide=True,
        height=2.6,
        title=f"Deepest fall {percent(worst)}: {day(peak)} to {day(trough)}",
        subtitle=f"{name}, close in {source.currency or 'price'} above, below its highest close underneath, UTC",
        alt=(
            f"Line chart of the close of {name} and of its distance from the highest close before. The deepest fall is "
            f"{percent(worst)} in {plural(max(round(length), 1), 'day')}, from {day(peak, year=True)} to "
            f"{day(trough, year=True)}{after}."
        ),
        paint=paint,
    )
