"""The price chart: the whole span as a strip, and its last day with the indicators that are there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas, EndLabel
from engine.science.charts.lines import envelope, floats, nice_ticks
from engine.science.charts.numbers import percent, plural, price
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

BAND = "#D8E8F5"
MARK = "#F3D9A4"


def draw_price(
    source: Source,
    *,
    coin: str,
    times: ArrayLike,
    close: ArrayLike,
    lines: Mapping[str, ArrayLike] | None = None,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    oscillators: Mapping[str, ArrayLike] | None = None,
) -> Chart:
    """Draw the close over the whole span and, below, the last day with its indicators.

    All arrays are as long as `times` (UTC). `lines` and `bands` (lower, upper) share the price's scale; of
    `oscillators` the first is drawn below, between 0 and 100 with 30 and 70 marked (RSI).
    """
    x, y = timeline.days(times), floats(close)
    name = coin.upper()
    recent = x >= x[-1] - 1.0
    if recent.sum() < 30:  # daily or hourly bars: a day would be a handful of dots
        recent = np.arange(len(x)) >= len(x) - 120
    dx, dy = x[recent], y[recent]
    overlays = {style.legible(k, limit=24): floats(v)[recent] for k, v in (lines or {}).items()}
    tubes = {
        style.legible(k, limit=24): (floats(low)[recent], floats(high)[recent])
        for k, (low, high) in (bands or {}).items()
    }
    lower = next(
        ((style.legible(k, limit=24), floats(v)[recent]) for k, v in (oscillators or {}).items()), None
    )
    stripped = bool(x[-1] - dx[0] < 0.6 * (x[-1] - x[0]))  # else the two panels would show the same
    length = max(round(float(x[-1] - x[0])), 1)
    change = float(y[-1] / y[0] - 1)
    worst_day, worst = _largest_day(x, y)

    def paint(canvas: Canvas) -> None:
        strip_ticks = _two_ticks(float(np.nanmin(y)), float(np.nanmax(y))) if stripped else []
        every = [dy, *overlays.values(), *(v for tube in tubes.values() for v in tube)]
        low, high = float(min(map(np.nanmin, every))), float(max(map(np.nanmax, every)))
        pad = max(0.05 * (high - low), 1e-9 * high)
        ticks = [t for t in nice_ticks(low, high, 4) if low - pad <= t <= high + pad]
        names = ["Close", *overlays, *tubes, *([lower[0]] if lower else [])]
        labels = _prices([*strip_ticks, *ticks])
        heights = ([0.75] if stripped else []) + [2.1] + ([0.7] if lower else [])
        panels = canvas.panels(heights, left=[*labels, "30"], right=names, gap=2.1 if stripped else 1.35)
        day = panels[1] if stripped else panels[0]
        if stripped:
            strip = panels[0]
            strip.set_xlim(x[0], x[-1])
            room = 0.08 * float(np.nanmax(y) - np.nanmin(y)) or 1e-9 * float(np.nanmax(y))
            edges = float(np.nanmin(y)) - room, float(np.nanmax(y)) + room
            canvas.y_axis(strip, strip_ticks, labels[: len(strip_ticks)], *edges)
            canvas.span(strip, dx[0], dx[-1], MARK)
            strip.plot(
                *envelope(x, y, canvas.columns(strip)),
                color=style.INK,
                linewidth=0.5 * canvas.size.line,
                zorder=3,
            )
            canvas.time_axis(strip, x[0], x[-1])

        day.set_xlim(dx[0], dx[-1])
        canvas.y_axis(day, ticks, labels[len(strip_ticks) :], low - pad, high + pad)
        ends = [EndLabel(day, float(dy[-1]), ("Close",), style.INK)]
        for label, (bottom, top) in tubes.items():
            day.fill_between(dx, bottom, top, color=BAND, linewidth=0, zorder=0.5)
            ends.append(EndLabel(day, _last((bottom + top) / 2), (label,), style.GROSS_TEXT))
        for (label, values), colour, text in zip(overlays.items(), _COLOURS, _TEXTS, strict=False):
            day.plot(dx, values, color=colour, linewidth=0.8 * canvas.size.line, zorder=4)
            ends.append(EndLabel(day, _last(values), (label,), text))
        day.plot(dx, dy, color=style.INK, linewidth=0.65 * canvas.size.line, zorder=5)
        if lower:
            panel = panels[-1]
            panel.set_xlim(dx[0], dx[-1])
            panel.axhspan(30, 70, color=style.TRAINING, linewidth=0, zorder=0)
            panel.set_ylim(0, 100)
            panel.set_yticks([30, 70], ["30", "70"])
            panel.plot(dx, lower[1], color=style.MODEL, linewidth=0.6 * canvas.size.line, zorder=3)
            ends.append(EndLabel(panel, _last(lower[1]), (lower[0],), style.MODEL))
        canvas.time_axis(panels[-1], dx[0], dx[-1])
        canvas.end_labels(ends)

    unit = source.currency or "price"
    shown = (
        "the last 24 h" if x[-1] - dx[0] <= 1.01 else f"the last {plural(round(float(x[-1] - dx[0])), 'day')}"
    )
    extra = " with indicators" if overlays or tubes or lower else ""
    drawn = [*overlays, *tubes, *([lower[0]] if lower else [])]
    where = f"whole span above; below, {shown}{extra}" if stripped else f"{shown}{extra}"
    return render(
        "price",
        source,
        wide=True,
        height=3.3,
        title=_title(name, change, length, worst_day, worst),
        subtitle=f"Close in {unit}, UTC: {where}",
        alt=(
            f"Line chart of the {name} close in {unit}. It goes from {price(y[0])} to {price(y[-1])} "
            f"({percent(change)}) in "
            f"{plural(length, 'day')}, between {price(float(np.nanmin(y)))} and "
            f"{price(float(np.nanmax(y)))}. "
            f"Shown: {where}" + (f": {', '.join(drawn)}." if drawn else ".")
        ),
        paint=paint,
    )


_COLOURS = (style.SECOND, style.MODEL, style.HOLD)
_TEXTS = (style.SECOND_TEXT, style.MODEL, style.HOLD)


def _title(name: str, change: float, length: int, day: str, worst: float) -> str:
    whole = f"{name} {percent(change)} in {plural(length, 'day')}"
    if length < 3 or not day or abs(worst) < 0.03:
        return whole
    return f"{whole}, {percent(worst)} on {day} alone"


def _largest_day(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[str, float]:
    """The UTC day with the largest move, from the close before it to its own last close."""
    dates = np.floor(x)
    last = np.flatnonzero(np.diff(dates, append=np.inf))
    closes = y[last]
    if len(closes) < 2:
        return "", 0.0
    moves = closes[1:] / closes[:-1] - 1.0
    at = int(np.nanargmax(np.abs(moves)))
    moment = timeline.moment(float(dates[last[at + 1]]))
    return f"{moment.day} {moment:%b}", float(moves[at])


def _prices(values: list[float]) -> list[str]:
    """Tick labels with one number of digits, enough to tell them apart."""
    scale = max((abs(v) for v in values), default=1.0)
    digits = next((d for d in range(13) if all(abs(round(v, d) - v) < 1e-5 * scale for v in values)), 12)
    return [f"{v:,.{digits}f}" for v in values]


def _two_ticks(low: float, high: float) -> list[float]:
    """A round value near the bottom and one near the top: all that fits beside a strip."""
    inside = [t for t in nice_ticks(low, high, 6) if low <= t <= high]
    return [inside[0], inside[-1]] if len(inside) > 2 else inside[:1]


def _last(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")
