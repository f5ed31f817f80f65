"""Charts of named values with intervals: what each feature contributes, and each model's skill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import percent, plural, signed
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

SHOWN, SHOWN_WIDE = 8, 10
Values = NDArray[np.float64]


def draw_importance(
    source: Source,
    *,
    model: str,
    names: Sequence[str],
    loss: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    unit: str = "AUC points",
    wide: bool = False,
) -> Chart:
    """Draw what is lost when one feature is shuffled in blocks, for the eight (or ten) that matter most.

    `names` are all features in plain words, `loss` in `unit` with its interval.
    """
    value, bottom, top = floats(loss), floats(low), floats(high)
    order = np.argsort(-value)[: SHOWN_WIDE if wide else SHOWN]
    helped = int((bottom > 0).sum())
    words = [style.legible(names[i], limit=32) for i in order]
    title = f"{helped} of {plural(len(names), 'feature')} helped beyond chance"
    listed = ", ".join(f"{words[k]} {signed(float(value[i]), 1)}" for k, i in enumerate(order))
    return render(
        "importance",
        source,
        wide=wide,
        height=2.45 if wide else None,
        title=title,
        subtitle=f"Loss in {unit} when one is shuffled, {model}, out of sample; grey: chance",
        alt=f"Bar chart of the loss in {unit} when a feature is shuffled. {title}. {listed}.",
        paint=painter(
            Rows(
                words,
                value[order],
                bottom[order],
                top[order],
                bottom[order] > 0,
                lambda v: signed(v, 0 if v == int(v) else 1),
            ),
            f"{unit} lost",
        ),
    )


def draw_skill(
    source: Source,
    *,
    horizon: str,
    names: Sequence[str],
    skill: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    reference: str,
    sealed: ArrayLike | None = None,
    decision: str | None = None,
) -> Chart:
    """Draw how much smaller each model's error is than the reference's (fractions), with intervals.

    `sealed` gives the same on the sealed span where it was opened (NaN elsewhere); drawn as a diamond.
    """
    value, bottom, top = floats(skill), floats(low), floats(high)
    order = np.argsort(-value)[:SHOWN]
    words = [style.legible(names[i], limit=32) for i in order]
    lone = np.full(len(value), np.nan) if sealed is None else floats(sealed)
    best = order[0]
    if value[best] <= 0:
        title = f"Nothing beats {reference}"
    elif decision == "edge":
        title = f"{words[0]} beats {reference} by {percent(value[best], digits=1, sign=False)}"
    else:
        title = f"{words[0]} is {percent(value[best], digits=1, sign=False)} better, which luck explains"
    marks = "; diamond: sealed span" if np.isfinite(lone).any() else ""
    listed = ", ".join(f"{words[k]} {percent(value[i], digits=1)}" for k, i in enumerate(order))
    return render(
        "skill",
        source,
        wide=True,
        height=2.1,
        title=title,
        subtitle=f"Error smaller than that of {reference}, {horizon} ahead, out of sample{marks}",
        alt=f"Dot chart of skill against {reference}, {horizon} ahead: {listed}.",
        paint=painter(
            Rows(
                words,
                value[order],
                bottom[order],
                top[order],
                (bottom > 0)[order],
                lambda v: percent(v, digits=0 if abs(v * 100 - round(v * 100)) < 1e-6 else 1),
                lone[order],
            ),
            "smaller error than the reference",
        ),
    )


@dataclass(frozen=True, eq=False)
class Rows:
    """Named values with their intervals; `clear` says which are beyond chance, `lone` adds a diamond to a row."""

    words: Sequence[str]
    value: Values
    low: Values
    high: Values
    clear: NDArray[np.bool_]
    write: Callable[[float], str]
    lone: Values | None = None

    def paint(self, canvas: Canvas, axes: Axes) -> None:
        """Draw them into a panel, with its x axis. What lies far out on the left is named at the edge."""
        left, right = self._range()
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(left, right)
        axes.set_ylim(len(self.words) - 0.4, -0.6)
        axes.set_yticks(range(len(self.words)), self.words)
        axes.tick_params(axis="y", labelcolor=style.INK)
        width = axes.get_position().width * canvas.size.width
        ticks = [
            t for t in nice_ticks(left, right, max(3, int(width / (5 * canvas.em)))) if left <= t <= right
        ]
        for tick in ticks:
            axes.axvline(tick, color=style.GRID, linewidth=0.35 * canvas.size.line, zorder=1)
        axes.axvline(0, color=style.INK, linewidth=0.6 * canvas.size.line, zorder=3)
        for row, (v, a, b, sure) in enumerate(zip(self.value, self.low, self.high, self.clear, strict=True)):
            if v < left:
                self._beyond(canvas, axes, row, left)
            elif np.isfinite(a) and np.isfinite(b):
                canvas.interval(axes, row, v, max(a, left), b, horizontal=True, clear=bool(sure))
            elif np.isfinite(v):
                canvas.interval(axes, row, v, v, v, horizontal=True, clear=False)
            if self.lone is not None and np.isfinite(self.lone[row]):
                axes.plot(
                    [self.lone[row]],
                    [row + 0.26],
                    "D",
                    color="white",
                    markeredgecolor=style.SECOND,
                    markersize=3.0 * canvas.size.line,
                    markeredgewidth=0.8 * canvas.size.line,
                    zorder=7,
                )
        canvas.x_axis(axes, ticks, [self.write(t) for t in ticks])
        axes.tick_params(axis="x", length=0)

    def _range(self) -> tuple[float, float]:
        shown = np.concatenate([self.value, self.low, self.high])
        right = max(float(np.nanmax(shown)), 0.0, 1e-9)
        # One hopeless forecast must not press the others together: it is named at the edge instead.
        usual = max(right, 2.0 * float(np.nanmedian(np.abs(self.value))))
        left = max(min(float(np.nanmin(shown)), 0.0), -2.5 * usual)
        if self.lone is not None and np.isfinite(self.lone).any():
            left, right = min(left, float(np.nanmin(self.lone))), max(right, float(np.nanmax(self.lone)))
        pad = 0.06 * (right - left)
        return left - pad, right + pad

    def _beyond(self, canvas: Canvas, axes: Axes, row: int, left: float) -> None:
        size = canvas.size.base
        axes.plot([left], [row], "<", color=style.AXIS, markersize=0.45 * size, clip_on=False, zorder=4)
        axes.annotate(
            self.write(self.value[row]),
            (left, row),
            xytext=(0.6 * size, 0),
            textcoords="offset points",
            va="center_baseline",
            color=style.MUTED,
            fontsize=0.92 * size,
            zorder=4,
        )


def painter(rows: Rows, x_name: str) -> Callable[[Canvas], None]:
    """A painter of named values with intervals, one row each, against a line at nil."""

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.panels([1], left=rows.words, x_name=x_name, overhang=1.2)
        rows.paint(canvas, axes)

    return paint
