"""The equity chart: what a model's positions made before and after costs, and holding; drawdown below."""

from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas, EndLabel
from engine.science.charts.lines import envelope, floats, nice_ticks
from engine.science.charts.numbers import basis_points, multiple, percent, rate
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

LOG_ABOVE = 6.0  # growth beyond which a linear axis shows only the last weeks


def draw_equity(
    source: Source,
    *,
    model: str,
    horizon: str,
    times: ArrayLike,
    net: ArrayLike,
    gross: ArrayLike,
    hold: ArrayLike,
    sealed_start: datetime | None = None,
    decision: str | None = None,
    finding: str | None = None,
    changes_per_day: float | None = None,
    cost_bps: float | None = None,
) -> Chart:
    """Draw growth of 1 (compounded) out of sample: after costs, before costs, and holding.

    `net`, `gross` and `hold` are as long as `times` (UTC): what 1 is worth after each bar. What lies after
    `sealed_start` goes on as thin lines: every figure but the sealed span's own speaks of the judged span before
    it. `decision` and `finding` are the verdict's: a profit is not called one without an edge. `cost_bps` is per side.
    """
    x = timeline.days(times)
    after, before, held = floats(net), floats(gross), floats(hold)
    judged = int(np.searchsorted(x, timeline.day(sealed_start), side="right")) if sealed_start else len(x)
    judged = judged if judged > 1 else len(x)
    end = judged - 1
    sealed = float(x[end]) if judged < len(x) else None
    drawdown, held_drawdown = _drawdown(after[:judged]), _drawdown(held[:judged])
    n, g, h, worst = after[end] - 1, before[end] - 1, held[end] - 1, float(np.min(drawdown))
    in_sealed = percent(after[-1] / after[end] - 1) if sealed is not None else ""
    log = max(np.max(after), np.max(before), np.max(held)) > LOG_ABOVE

    def paint(canvas: Canvas) -> None:
        series = np.concatenate([after, before, held])
        low, high = float(np.nanmin(series)), float(np.nanmax(series))
        ticks, labels, low, high = _log_axis(low, high) if log else _growth_axis(low, high)
        depth = min(worst, float(np.min(held_drawdown)), -0.005)
        dd_ticks = [0.0, _half(depth)]
        dd_labels = [percent(v) for v in dd_ticks]
        names = [("Before costs", percent(g)), ("Buy and hold", percent(h)), ("After costs", percent(n))]
        drawdown_name = ("Drawdown", f"to {percent(worst)}")
        top, bottom = canvas.panels(
            [2.55, 1], left=[*labels, *dd_labels], right=[w for pair in [*names, drawdown_name] for w in pair]
        )
        if log:
            top.set_yscale("log")
            top.minorticks_off()
        top.set_xlim(x[0], x[-1])
        bottom.set_xlim(x[0], x[-1])
        canvas.y_axis(top, ticks, labels, low, high)
        canvas.y_axis(bottom, dd_ticks, dd_labels, depth * 1.12, 0.0)
        if sealed is not None:
            canvas.span(
                top,
                sealed,
                x[-1],
                style.SEALED,
                f"sealed span: {in_sealed}",
                avoid=[(x, v) for v in (after, before, held)],
            )
            canvas.span(bottom, sealed, x[-1], style.SEALED)
        top.axhline(1.0, color=style.INK, linewidth=0.5 * canvas.size.line, zorder=3)
        columns, line = canvas.columns(top), canvas.size.line
        halo = (
            1.9 if abs(before[end] - after[end]) < 0.03 * (high - low) else 0.8
        )  # stays visible under the other line
        for values, colour, width, z in (
            (held, style.HOLD, 0.8, 4),
            (before, style.GROSS, halo, 5),
            (after, style.MODEL, 1.0, 6),
        ):
            thinned = envelope(x[:judged], values[:judged], columns)
            top.plot(*thinned, color=colour, linewidth=width * line, zorder=z, solid_joinstyle="round")
            if sealed is not None:
                top.plot(
                    *envelope(x[end:], values[end:], columns // 2),
                    color=colour,
                    linewidth=0.45 * line,
                    zorder=z,
                )
                top.plot(
                    x[end],
                    values[end],
                    "o",
                    color=colour,
                    markersize=(2.6 if canvas.framed else 3.4) * line,
                    markeredgecolor="white",
                    markeredgewidth=0.5 * line,
                    zorder=z + 4,
                )
        bx, by = envelope(x[:judged], drawdown, columns)
        bottom.fill_between(bx, by, 0.0, color="#D2E2F0", linewidth=0, zorder=2)
        bottom.plot(
            *envelope(x[:judged], held_drawdown, columns), color=style.HOLD, linewidth=0.6 * line, zorder=3
        )
        bottom.plot(bx, by, color=style.MODEL, linewidth=0.6 * line, zorder=4)
        canvas.time_axis(bottom, x[0], x[-1])
        canvas.end_labels(
            [
                EndLabel(top, before[end], names[0], style.GROSS_TEXT),
                EndLabel(top, held[end], names[1], style.HOLD),
                EndLabel(top, after[end], names[2], style.MODEL),
                EndLabel(bottom, drawdown[-1] / 2, drawdown_name, style.MODEL),
            ]
        )

    where = "judged to the dots" if sealed is not None else "out of sample"
    trading = f"; {rate(changes_per_day)} position changes a day" if changes_per_day is not None else ""
    costs = f" at {basis_points(cost_bps)} a side" if cost_bps is not None else ""
    return render(
        "equity",
        source,
        wide=True,
        title=_title(n, g, h, decision, finding),
        subtitle=f"{model}, {horizon} ahead, {where}{trading}{costs}",
        alt=(
            f"Line chart of the growth of one unit out of sample, {_date(x[0])} to {_date(x[end])} UTC. "
            f"{model} ends at {percent(n)} after costs and "
            f"{percent(g)} before costs; buy and hold ends at {percent(h)}. The deepest fall after "
            f"costs is {percent(worst)}."
            + (
                f" In the sealed span, from {_date(sealed)} to {_date(x[-1])}, it makes {in_sealed}."
                if sealed is not None
                else ""
            )
        ),
        paint=paint,
    )


def _title(net: float, gross: float, hold: float, decision: str | None, finding: str | None) -> str:
    if decision == "edge":
        return f"{percent(net)} after costs; holding {percent(hold)}"
    if net > 0:
        reason = "too short to tell from luck" if decision == "not_enough_data" else "which luck explains"
        return f"{percent(net)} after costs, {'but not confirmed' if finding == 'not_confirmed' else reason}"
    if gross - net >= 0.02:
        return f"Costs turn {percent(gross)} into {percent(net)}"
    return f"{percent(net)} after costs; holding {percent(hold)}"


def _drawdown(growth: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fall from the highest value so far; the start of 1 counts as one."""
    return growth / np.maximum(np.maximum.accumulate(growth), 1.0) - 1.0


def _growth_axis(low: float, high: float) -> tuple[list[float], list[str], float, float]:
    pad = max(0.06 * (high - low), 0.002)
    low, high = min(low, 1.0) - pad / 2, max(high, 1.0) + 2 * pad
    ticks = [t for t in nice_ticks(low - 1, high - 1, 7) if t >= -1]
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-6 for t in ticks) else 1
    return [t + 1 for t in ticks], [percent(t, digits=digits) for t in ticks], low, high


def _log_axis(low: float, high: float) -> tuple[list[float], list[str], float, float]:
    low, high = max(low, 1e-6) / 1.15, high * 1.35
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [10.0**d for d in decades]
    if len(ticks) <= 3:
        ticks = [m * 10.0**d for d in decades for m in (1, 2, 5)]
    inside = [t for t in ticks if low <= t <= high]
    if len(inside) > 7:
        inside = inside[:: -(-len(inside) // 7)]
    return (
        inside,
        [multiple(t) if t > 1 else "0\u202f%" if t == 1 else percent(t - 1) for t in inside],
        low,
        high,
    )


def _half(depth: float) -> float:
    """A round value near two thirds of the depth, for the one labelled grid line of the drawdown."""
    ticks = [t for t in nice_ticks(depth, 0.0, 4) if depth <= t < 0]
    wanted = depth * 0.65
    return min(ticks, key=lambda t: abs(t - wanted)) if ticks else depth


def _date(value: float) -> str:
    return f"{timeline.moment(value):%Y-%m-%d}"
