"""The regimes chart: the volatility of each day, calm, usual and wild days set apart."""

from collections.abc import Sequence
from datetime import datetime

from numpy.typing import ArrayLike

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats, nice_ticks
from engine.science.charts.numbers import percent, rate
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

_COLOURS = (style.HEAT[1], style.HEAT[2], style.HEAT[4])  # calm, usual, wild


def draw_regimes(
    source: Source,
    *,
    coin: str,
    days: Sequence[datetime],
    volatility: ArrayLike,
    kinds: ArrayLike,
    ratio: float,
    follows: tuple[float, float, float],
) -> Chart:
    """Draw daily volatility (fractions) with `kinds` 0 calm, 1 usual, 2 wild.

    `ratio` is how much more a wild day moves than a calm one; `follows` the chance that a wild day follows a wild one,
    with its interval.
    """
    x, y, kind = timeline.days(days) + 0.5, floats(volatility), floats(kinds)
    name = coin.upper()

    def paint(canvas: Canvas) -> None:
        ticks = nice_ticks(0.0, float(y.max()) * 1.05, 5)
        (axes,) = canvas.panels([1], left=[percent(t, digits=1, sign=False) for t in ticks])
        axes.set_xlim(float(x[0]) - 1, float(x[-1]) + 1)
        whole = all(abs(t * 100 - round(t * 100)) < 1e-9 for t in ticks)
        canvas.y_axis(
            axes,
            ticks,
            [percent(t, digits=0 if whole else 1, sign=False) for t in ticks],
            0.0,
            float(y.max()) * 1.08,
        )
        for number, colour in enumerate(_COLOURS):
            rows = kind == number
            axes.bar(
                x[rows], y[rows], width=0.86 if len(x) <= 200 else 1.0, color=colour, linewidth=0, zorder=3
            )
        canvas.time_axis(axes, float(x[0]) - 1, float(x[-1]) + 1)

    value, low, high = follows
    told = low > 0.25
    return render(
        "regimes",
        source,
        wide=True,
        height=2.0,
        title=f"Wild days move {rate(ratio)} times as much as calm ones"
        + ("; half of them follow one" if told and 0.45 <= value <= 0.55 else ""),
        subtitle=f"Volatility of {name} a day; darkest: the wildest quarter, palest: the calmest",
        alt=(
            f"Bar chart of the daily volatility of {name}: between {percent(float(y.min()), digits=1, sign=False)} and "
            f"{percent(float(y.max()), digits=1, sign=False)}. A wild day is followed by another in "
            f"{percent(value, digits=0, sign=False)} of cases ({percent(low, digits=0, sign=False)} to "
            f"{percent(high, digits=0, sign=False)}); chance would be 25\u202f%."
        ),
        paint=paint,
    )
