"""The price chart: the whole span as a strip, and its last day with the indicators that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas, EndLabel
from engine.science.charts.lines import envelope, floats, nice_ticks
from engine.science.charts.numbers import percent, plural, price
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

BAND = "#D8E8F5"
MARK = "#F3D9A4"
MOST_PANELS = 2


@dataclass(frozen=True, eq=False)
class Panel:
    """An indicator on a scale of its own, below the price: its lines, bars from nil, and where people call it low or high."""

    name: str
    lines: Sequence[ArrayLike] = ()
    bars: ArrayLike | None = None
    marks: tuple[float, float] | None = None


def draw_price(
    source: Source,
    *,
    coin: str,
    times: ArrayLike,
    close: ArrayLike,
    lines: Mapping[str, ArrayLike] | None = None,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    panels: Sequence[Panel] = (),
) -> Chart:
    """Draw the close over the whole span and, below, the last day with its indicators.

    All arrays are as long as `times` (UTC). `lines` and `bands` (lower, upper) share the price's scale; of the `panels`
    the first two are drawn below.
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
    below = [_Below.of(panel, recent) for panel in panels[:MOST_PANELS]]
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
        names = ["Close", *overlays, *tubes, *(panel.name for panel in below)]
        labels = _prices([*strip_ticks, *ticks])
        heights = ([0.75] if stripped else []) + [2.1] + [0.7] * len(below)
        marked = [label for panel in below for label in panel.labels]
        axes = canvas.panels(heights, left=[*labels, *marked], right=names, gap=2.1 if stripped else 1.35)
        day = axes[1] if stripped else axes[0]
        if stripped:
            strip = axes[0]
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
        for panel, place in zip(below, axes[len(axes) - len(below) :], strict=True):
            panel.paint(canvas, place, dx)
            ends.append(EndLabel(place, panel.end, (panel.name,), style.MODEL))
        canvas.time_axis(axes[-1], dx[0], dx[-1])
        canvas.end_labels(ends)

    unit = source.currency or "price"
    shown = (
        "the last 24 h" if x[-1] - dx[0] <= 1.01 else f"the last {plural(round(float(x[-1] - dx[0])), 'day')}"
    )
    drawn = [*overlays, *tubes, *(panel.name for panel in below)]
    extra = " with indicators" if drawn else ""
    where = f"whole span above; below, {shown}{extra}" if stripped else f"{shown}{extra}"
    return render(
        "price",
        source,
        wide=True,
        height=3.3 + 0.45 * max(0, len(below) - 1),
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


@dataclass(frozen=True, eq=False)
class _Below:
    """A panel cut to the days that are drawn, with its range."""

    name: str
    lines: list[NDArray[np.float64]]
    bars: NDArray[np.float64] | None
    marks: tuple[float, float] | None
    low: float
    high: float

    @classmethod
    def of(cls, panel: Panel, recent: NDArray[np.bool_]) -> "_Below":
        lines = [floats(line)[recent] for line in panel.lines]
        bars = None if panel.bars is None else floats(panel.bars)[recent]
        every = np.concatenate(
            [*lines, *([] if bars is None else [bars]), panel.marks or [0.0] * (bars is not None)]
        )
        known = every[np.isfinite(every)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        pad = 0.08 * (high - low) or 1.0
        return cls(style.legible(panel.name, limit=24), lines, bars, panel.marks, low - pad, high + pad)

    @property
    def ticks(self) -> list[float]:
        """The marks; without them nil where the bars stand, or a round value or two."""
        if self.marks is not None:
            return list(self.marks)
        return [0.0] if self.bars is not None else _two_ticks(self.low, self.high)

    @property
    def labels(self) -> list[str]:
        """The ticks as they are written."""
        return _prices(self.ticks)

    @property
    def end(self) -> float:
        """Where its name stands: at the end of the first line."""
        return _last(self.lines[0] if self.lines else np.array([0.0]))

    def paint(self, canvas: Canvas, axes: Axes, x: NDArray[np.float64]) -> None:
        """Draw it: the space between the marks pale, bars behind, the first line before the others."""
        axes.set_xlim(x[0], x[-1])
        canvas.y_axis(axes, self.ticks, self.labels, self.low, self.high)
        if self.marks is not None:
            axes.axhspan(*self.marks, color=style.TRAINING, linewidth=0, zorder=0)
        if self.bars is not None:
            axes.fill_between(x, 0.0, self.bars, step="mid", color=style.GROSS, linewidth=0, zorder=2)
        colours = (style.MODEL, style.SECOND, style.HOLD)
        for place, (values, colour) in enumerate(zip(self.lines, colours, strict=False)):
            axes.plot(x, values, color=colour, linewidth=0.6 * canvas.size.line, zorder=5 - place)


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
    scale = max((abs(v) for v in values), default=0.0) or 1.0
    digits = next((d for d in range(13) if all(abs(round(v, d) - v) < 1e-5 * scale for v in values)), 12)
    return [f"{v:,.{digits}f}" for v in values]


def _two_ticks(low: float, high: float) -> list[float]:
    """A round value near the bottom and one near the top: all that fits beside a strip."""
    inside = [t for t in nice_ticks(low, high, 6) if low <= t <= high]
    return [inside[0], inside[-1]] if len(inside) > 2 else inside[:1]


def _last(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")
