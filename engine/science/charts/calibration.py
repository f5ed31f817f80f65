"""Calibration: whether what a model says comes true, for probabilities and for forecasts of a size."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import basis_points, number, percent, plural
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

Writer = Callable[[float], str]


def draw_calibration(
    source: Source,
    *,
    model: str,
    horizon: str,
    said: ArrayLike,
    came: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    edges: ArrayLike,
    counts: ArrayLike,
    brier: float | None = None,
    reference_brier: float | None = None,
) -> Chart:
    """Draw, for equally full bins of predicted probability of a rise, how often the rise came.

    All in fractions; `low` and `high` are the block intervals of `came`. `edges` and `counts` are the histogram
    of what was said.
    """
    x, y, bottom, top = floats(said), floats(came), floats(low), floats(high)
    score = f"; Brier score {number(brier)}" if brier is not None else ""
    score += f", a coin has {number(reference_brier)}" if score and reference_brier is not None else ""
    miss = _clearest_miss(x, y, bottom, top)
    if float(x.max() - x.min()) < 0.02:
        title = f"It hardly commits: always near {_share(float(x.mean()))}"
    elif miss is None:
        title = "Its probabilities are about right"
    else:
        title = f"{_miss(x[miss], y[miss])}: its {_share(x[miss])} came true {_share(y[miss])} of the time"
    return render(
        "calibration",
        source,
        title=title,
        subtitle=f"Probability of a rise within {horizon}, {model}{score}",
        alt=_alt("the share of rises that came", "the probability the model gave", x, y, _share),
        paint=_painter(x, y, bottom, top, edges, counts, _share, "came true", "model said (grey: how often)"),
    )


def draw_residuals(
    source: Source,
    *,
    model: str,
    horizon: str,
    forecast_bps: ArrayLike,
    actual_bps: ArrayLike,
    low_bps: ArrayLike,
    high_bps: ArrayLike,
    edges_bps: ArrayLike,
    counts: ArrayLike,
    unit_name: str = "return",
) -> Chart:
    """Draw, for equally full bins of a forecast, the mean of what came, in basis points."""
    x, y, bottom, top = floats(forecast_bps), floats(actual_bps), floats(low_bps), floats(high_bps)
    miss = _clearest_miss(x, y, bottom, top)
    if miss is None:
        title = "On average, what it says comes"
    else:
        word = "It says too much" if abs(x[miss]) > abs(y[miss]) else "It says too little"
        title = f"{word}: {basis_points(x[miss])} said, {basis_points(y[miss])} came"
    return render(
        "residuals",
        source,
        title=title,
        subtitle=f"Forecast and mean {unit_name} within {horizon}, {model}, out of sample",
        alt=_alt(f"the mean {unit_name} that came", "the forecast", x, y, basis_points),
        paint=_painter(
            x, y, bottom, top, edges_bps, counts, basis_points, "came", "model said (grey: how often)"
        ),
    )


def _painter(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    edges: ArrayLike,
    counts: ArrayLike,
    write: Writer,
    y_name: str,
    x_name: str,
) -> Callable[[Canvas], None]:
    bins, heights = floats(edges), floats(counts)
    spread = max(float(x.max() - x.min()), 1e-6)
    left, right = float(x.min()) - 0.09 * spread, float(x.max()) + 0.09 * spread

    def paint(canvas: Canvas) -> None:
        bottom, top = float(np.nanmin(low)), float(np.nanmax(high))
        pad = 0.12 * (top - bottom) or 0.01
        ticks = nice_ticks(bottom, top, 5, quarters=False)
        upper, lower = canvas.panels(
            [2.6, 0.8], left=[write(t) for t in ticks], y_name=y_name, x_name=x_name, gap=0.9, overhang=1.4
        )
        canvas.y_axis(upper, ticks, [write(t) for t in ticks], bottom - pad, top + pad)
        upper.set_xlim(left, right)
        lower.set_xlim(left, right)
        upper.plot(
            [left, right],
            [left, right],
            color=style.AXIS,
            linewidth=0.7 * canvas.size.line,
            linestyle=(0, (4, 3)),
            zorder=2,
        )
        _name_diagonal(canvas, x, high, left, right, bottom - pad, top + pad)
        upper.plot(x, y, color=style.MODEL, linewidth=0.7 * canvas.size.line, zorder=5)
        for at, value, a, b in zip(x, y, low, high, strict=True):
            canvas.interval(upper, at, value, a, b)
        shown = (bins[1:] >= left) & (bins[:-1] <= right)
        lower.bar(
            bins[:-1][shown],
            heights[shown],
            np.diff(bins)[shown],
            align="edge",
            color="#C5CDD5",
            edgecolor="#C5CDD5",
            linewidth=0.2,
        )
        lower.set_ylim(0, max(float(heights.max()), 1.0) * 1.05)
        width = lower.get_position().width * canvas.size.width
        wide = max(style.text_width(write(t), canvas.size.base) for t in (left, right))
        x_ticks = [
            t
            for t in nice_ticks(left, right, max(2, int(width / (wide + 1.6 * canvas.em))), quarters=False)
            if left <= t <= right
        ]
        canvas.x_axis(lower, x_ticks, [write(t) for t in x_ticks])

    return paint


def _name_diagonal(
    canvas: Canvas,
    x: NDArray[np.float64],
    high: NDArray[np.float64],
    left: float,
    right: float,
    bottom: float,
    top: float,
) -> None:
    """Write "perfect" above the diagonal, near where it leaves the panel; left of an interval that stands there."""
    upper = canvas.stack[0]
    box = upper.get_position()
    row = (top - bottom) * canvas.em / (box.height * canvas.size.height)
    wide = style.text_width("perfect", 0.92 * canvas.size.base) + 1.2 * canvas.em
    reach = wide / (box.width * canvas.size.width) * (right - left)
    at = min(right, top - 1.7 * row)
    for place, end in sorted(zip(x, high, strict=True), reverse=True):
        if at - reach < place <= at + 0.02 * (right - left) and end > at - row:
            at = place - 0.03 * (right - left)
    upper.annotate(
        "perfect",
        (at, at),
        xytext=(-0.5 * canvas.size.base, 0.3 * canvas.size.base),
        textcoords="offset points",
        fontsize=0.92 * canvas.size.base,
        color=style.MUTED,
        ha="right" if at - left > 0.2 * (right - left) else "left",
        va="bottom",
        zorder=7,
    )


def _clearest_miss(
    x: NDArray[np.float64], y: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> int | None:
    """The bin that misses the diagonal most clearly; None if none does beyond the chance that one of so many has."""
    wider = NormalDist().inv_cdf(1 - 0.025 / len(x)) / NormalDist().inv_cdf(0.975)
    low, high = y - wider * (y - low), y + wider * (high - y)
    gaps = np.where(low > x, low - x, np.where(high < x, x - high, 0.0))
    at = int(np.nanargmax(gaps))
    return at if gaps[at] > 0 and abs(y[at] - x[at]) > 0 else None


def _miss(said: float, came: float) -> str:
    if (said - 0.5) * (came - 0.5) < 0:
        return "On the wrong side"
    return "Too sure of itself" if abs(said - 0.5) > abs(came - 0.5) else "Too timid"


def _alt(what: str, against: str, x: NDArray[np.float64], y: NDArray[np.float64], write: Writer) -> str:
    pairs = "; ".join(f"said {write(float(a))}, came {write(float(b))}" for a, b in zip(x, y, strict=True))
    return f"Dot chart of {what} against {against}, in {plural(len(x), 'bin')}: {pairs}."


def _share(value: float) -> str:
    return percent(value, digits=0, sign=False)
