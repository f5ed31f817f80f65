"""The coverage chart: which bars of each coin are held, and where the gaps are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from engine.science.charts import style, timeline
from engine.science.charts.canvas import Canvas
from engine.science.charts.lines import floats
from engine.science.charts.numbers import bar_name, count
from engine.science.charts.render import render
from engine.science.charts.source import Chart, Source

MOST_COINS = 14
_LEAST_ROWS = 6
_MARKS = 400  # gaps marked per coin, the longest first


@dataclass(frozen=True)
class Held:
    """What is held of one coin.

    `fullness` is the share of bars held in equal stretches of the source's span (0 to 1); `gaps` are (start, end)
    of stretches without bars between the coin's first and last, `missing` the bars absent in them.
    """

    coin: str
    fullness: ArrayLike
    gaps: Sequence[tuple[datetime, datetime]]
    bars: int
    missing: int

    @property
    def share(self) -> float:
        """Bars held of those between the first and the last."""
        return self.bars / (self.bars + self.missing) if self.bars else 0.0

    @property
    def longest(self) -> timedelta:
        """The longest gap; zero without any."""
        return max((end - start for start, end in self.gaps), default=timedelta())


def draw_coverage(source: Source, held: Sequence[Held]) -> Chart:
    """Draw a row for each coin, darker where more of its bars are held, with a red mark at each gap.

    Of more than `MOST_COINS` coins the least complete are drawn. Raises ValueError without a coin.
    """
    if not held:
        raise ValueError("there is no coin to draw")
    shown = sorted(sorted(held, key=lambda item: item.share)[:MOST_COINS], key=lambda item: item.coin)
    names = [item.coin.upper()[:8] for item in shown]
    labels = [f"{_percent(item.share)} · {_gaps(item)}" for item in shown]
    low, high = timeline.day(source.start), timeline.day(source.end)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.panels([1], left=names, right=labels, right_semibold=False)
        colours = LinearSegmentedColormap.from_list("held", (style.TRAINING, style.HEAT[1], style.MODEL))
        for row, item in enumerate(shown):
            cells = np.clip(floats(item.fullness), 0, 1)
            cells = np.where(cells > 0, np.maximum(cells, 0.3), 0)  # a single bar shows too
            edges = np.linspace(low, high, len(cells) + 1)
            axes.pcolormesh(
                edges, [row + 0.16, row + 0.72], cells[None, :], cmap=colours, vmin=0, vmax=1, edgecolors="face",
                linewidth=0.05, zorder=3,
            )  # fmt: skip
            marked = sorted(item.gaps, key=lambda gap: gap[0] - gap[1])[:_MARKS]
            axes.hlines(
                [row + 0.86] * len(marked),
                [timeline.day(start) for start, _ in marked],
                [timeline.day(end) for _, end in marked],
                color=style.ALARM,
                linewidth=1.3 * canvas.size.line,
                capstyle="butt",
                zorder=4,
            )
            # A gap of minutes in a span of months is thinner than any line: its mark keeps a width.
            axes.plot(
                [timeline.day(start) for start, _ in marked],
                [row + 0.86] * len(marked),
                "|",
                color=style.ALARM,
                markersize=1.4 * canvas.size.line,
                markeredgewidth=0.4 * canvas.size.line,
                zorder=4,
            )
        rows = max(len(shown), _LEAST_ROWS)  # one coin is a bar, not a wall
        axes.set_ylim(rows, 0)
        axes.set_yticks(np.arange(len(shown)) + 0.44, names)
        canvas.time_axis(axes, low, high)
        box = axes.get_position()
        x = box.x1 * canvas.size.width + 0.75 * canvas.em
        for row, words in enumerate(labels):
            y = (box.y1 - (row + 0.44) / rows * box.height) * canvas.size.height
            canvas.text(x, y, words, colour=style.MUTED, va="center_baseline")
        for row, words in enumerate(_longest(shown)[: rows - len(shown)], start=len(shown)):
            y = (box.y1 - (row + 0.5) / rows * box.height) * canvas.size.height
            canvas.text(box.x0 * canvas.size.width, y, words, va="center_baseline")

    few = f"the {len(shown)} least complete of {count(len(held))} coins, " if len(shown) < len(held) else ""
    return render(
        "coverage",
        source,
        title=_finding(held),
        subtitle=f"{few}share of {bar_name(source.interval_minutes)} bars held; red marks are gaps; UTC",
        alt="Bars held by coin: " + "; ".join(f"{n} {label}" for n, label in zip(names, labels, strict=True)),
        paint=paint,
        wide=True,
        height=max(1.2, 0.22 * len(shown) + 0.6),
    )


def _finding(held: Sequence[Held]) -> str:
    complete = [item for item in held if not item.gaps]
    worst = max(held, key=lambda item: item.longest)
    if len(complete) == len(held):
        return (
            f"{worst.coin.upper()} has no gaps" if len(held) == 1 else f"None of {len(held)} coins has a gap"
        )
    start = max(worst.gaps, key=lambda gap: gap[1] - gap[0])[0]
    return f"Longest gap: {worst.coin.upper()[:8]}, {_length(worst.longest)} from {start.day} {start:%b %Y}"


def _longest(held: Sequence[Held]) -> list[str]:
    """The longest gaps in words, for the room that few coins leave."""
    gaps = [(end - start, start, item.coin) for item in held for start, end in item.gaps]
    return [
        f"{coin.upper()[:8]}: no bars for {_length(length)} from {start.day} {start:%b %Y %H:%M}"
        for length, start, coin in sorted(gaps, key=lambda gap: -gap[0])
    ]


def _gaps(item: Held) -> str:
    gaps = len(item.gaps)
    return "no gaps" if not gaps else f"{count(gaps)} gap{'' if gaps == 1 else 's'}"


def _percent(share: float) -> str:
    # Rounded down: what lacks a bar is not complete.
    if share < 0.0001:
        return "< 0.01 %"
    return f"{np.floor(share * 10_000) / 100:.2f} %" if share < 1 else "100 %"


def _length(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 1440:,.0f} days"
