"""A figure under construction in one size: frame, panels, axes, spans, intervals and end labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from engine.science.charts import style, timeline
from engine.science.charts.lines import Line, push_apart
from engine.science.charts.source import SIMULATED, Source
from engine.science.charts.style import Size


@dataclass(frozen=True)
class EndLabel:
    """A line's name at its right end: where it ends (in units of `axes`), what to write, its colour."""

    axes: Axes
    y: float
    lines: tuple[str, ...]
    colour: str


@dataclass
class Canvas:
    """A figure under construction in one size. Lengths are inches; `em` is the base type size."""

    size: Size
    title: str
    subtitle: str
    source: Source
    figure: Figure = field(init=False)
    stack: list[Axes] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.size.width, self.size.height), dpi=style.DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.em = self.size.base / 72
        self.left, self.right = 0.0, self.size.width
        self.bottom, self.top = 0.35 * self.em, self.size.height - 0.7 * self.em  # half a label may stand out
        if self.size.framed:
            self._frame()
        elif self.source.simulated:
            self._tag()

    @property
    def framed(self) -> bool:
        """Whether this is the picture for a chat, which carries its own title and source."""
        return self.size.framed

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        scale: float = 1.0,
        colour: str = style.INK,
        semibold: bool = False,
        ha: str = "left",
        va: str = "baseline",
        rotation: float = 0.0,
    ) -> None:
        """Write text at a place of the figure, in inches from its lower left corner."""
        self.figure.text(
            x / self.size.width,
            y / self.size.height,
            words,
            fontsize=self.size.base * scale,
            color=colour,
            fontweight=600 if semibold else 400,
            ha=ha,
            va=va,
            rotation=rotation,
        )

    def panels(
        self,
        heights: Sequence[float],
        *,
        left: Iterable[str] = (),
        right: Iterable[str] = (),
        right_semibold: bool = True,
        gap: float = 1.35,
        below: float = 1.6,
        y_name: str = "",
        x_name: str = "",
        overhang: float = 0.8,
    ) -> list[Axes]:
        """Panels above each other, in the given proportion, with room for the given tick and end labels.

        `gap` (between panels) and `below` (for x tick labels) are in em; `overhang` keeps free what the last x
        tick label may need when there are no end labels.
        """
        em, base = self.em, self.size.base
        widest_left = max((style.text_width(t, base) for t in left), default=0.0)
        widest_right = max((style.text_width(t, base, semibold=right_semibold) for t in right), default=0.0)
        x0 = self.left + widest_left + (0.55 * em if widest_left else 0.0) + (1.5 * em if y_name else 0.0)
        if self.framed and widest_left:
            x0 = max(x0, 0.105 * self.size.width)
        x1 = self.right - (widest_right + 0.75 * em if widest_right else overhang * em)
        y0 = self.bottom + below * em + (1.5 * em if x_name else 0.0)
        free = self.top - y0 - gap * em * (len(heights) - 1)
        y = self.top
        axes = []
        for share in heights:
            height = free * share / sum(heights)
            axes.append(self._axes(x0, y - height, x1 - x0, height))
            y -= height + gap * em
        if y_name:
            self.text(
                self.left + 0.75 * em,
                (y0 + self.top) / 2,
                y_name,
                colour=style.MUTED,
                ha="center",
                va="center",
                rotation=90,
            )
        if x_name:
            self.text((x0 + x1) / 2, self.bottom + 0.15 * em, x_name, colour=style.MUTED, ha="center")
        self.stack = axes
        return axes

    def y_axis(
        self, axes: Axes, ticks: Sequence[float], labels: Sequence[str], low: float, high: float
    ) -> None:
        """Set a panel's range with its grid lines and their labels."""
        axes.set_ylim(low, high)
        shown = [(t, label) for t, label in zip(ticks, labels, strict=True) if low <= t <= high]
        axes.set_yticks([t for t, _ in shown], [label for _, label in shown])
        for value, _ in shown:
            axes.axhline(value, color=style.GRID, linewidth=0.35 * self.size.line, zorder=1)

    def x_axis(self, axes: Axes, ticks: Sequence[float], labels: Sequence[str]) -> None:
        """Label the x axis of the lowest panel."""
        axes.set_xticks(list(ticks), list(labels))
        axes.tick_params(axis="x", length=0.3 * self.size.base, width=0.6, color=style.AXIS)

    def time_axis(self, axes: Axes, low: float, high: float, *, every: float = 7.0) -> None:
        """Dates or hours along the x axis, `every` em apart or more; x values are days (`timeline.days`)."""
        width = axes.get_position().width * self.size.width
        ticks = timeline.ticks(low, high, most=max(2, int(width / (every * self.em))))
        self.x_axis(axes, [at for at, _ in ticks], [label for _, label in ticks])
        axes.set_xlim(low, high)

    def columns(self, axes: Axes) -> int:
        """How many pixel columns a panel has: the finest detail a line can show."""
        return max(50, int(axes.get_position().width * self.size.width * (style.DPI if self.framed else 110)))

    def span(
        self, axes: Axes, start: float, end: float, colour: str, name: str = "", *, avoid: Sequence[Line] = ()
    ) -> None:
        """A stretch of the x axis as an opaque background, named where the `avoid` lines leave room.

        Call it after the panel's ranges are set.
        """
        axes.axvspan(start, end, color=colour, linewidth=0, zorder=0)
        if not name:
            return
        size = 0.92 * self.size.base
        box = axes.get_position()
        reach = (style.text_width(name, size) + self.em) / (box.width * self.size.width)
        share = 1.7 * self.em / (box.height * self.size.height)
        free = [
            (self._crowd(axes, start, reach, top - share, top, avoid), -top)
            for top in np.arange(1.0, share, -share / 2)
        ]
        _, top = min(free, default=(0, -1.0))
        axes.annotate(
            name,
            (max(start, axes.get_xlim()[0]), -top),
            xycoords=("data", "axes fraction"),
            xytext=(0.5 * self.size.base, -0.4 * self.size.base),
            textcoords="offset points",
            fontsize=size,
            color=style.MUTED,
            ha="left",
            va="top",
            zorder=9,
        )

    def _crowd(
        self, axes: Axes, start: float, reach: float, low: float, high: float, lines: Sequence[Line]
    ) -> int:
        """Points of the lines between two heights (fractions of the panel), within `reach` of the start."""
        points = 0
        left, right = axes.get_xlim()
        for x, y in lines:
            inside = (x >= start) & (x <= start + reach * (right - left))
            heights = axes.transAxes.inverted().transform(
                axes.transData.transform(np.column_stack([x[inside], y[inside]]))
            )[:, 1]
            points += int(((heights >= low) & (heights <= high)).sum())
        return points

    def end_labels(self, labels: Sequence[EndLabel]) -> None:
        """Name lines at their right end, pushed apart so that none touches another; none is dropped."""
        em = self.em
        wanted, heights = [], []
        for label in labels:
            box = label.axes.get_position()
            low, high = label.axes.get_ylim()
            at = (_scaled(label.axes, label.y) - _scaled(label.axes, low)) / (
                _scaled(label.axes, high) - _scaled(label.axes, low)
            )
            wanted.append((box.y0 + min(max(at, 0.0), 1.0) * box.height) * self.size.height)
            heights.append((1.2 * len(label.lines) + 0.35) * em)
        floor = self.stack[-1].get_position().y0 * self.size.height - 0.6 * em
        centres = push_apart(wanted, heights, low=floor, high=self.top)
        x = self.stack[0].get_position().x1 * self.size.width + 0.75 * em
        for label, centre in zip(labels, centres, strict=True):
            first = centre + 0.6 * em * (len(label.lines) - 1)
            for row, words in enumerate(label.lines):
                self.text(
                    x, first - 1.2 * em * row, words, colour=label.colour, semibold=True, va="center_baseline"
                )

    def interval(
        self,
        axes: Axes,
        at: float,
        value: float,
        low: float,
        high: float,
        *,
        horizontal: bool = False,
        clear: bool = True,
    ) -> None:
        """A value as a dark dot on the thick pale bar of its interval; grey where it is not `clear` of chance."""
        pale, dark = style.SIGNIFICANT if clear else style.CHANCE
        bar, dot = ([low, high], [at, at]), ([value], [at])
        if not horizontal:
            bar, dot = ([at, at], [low, high]), ([at], [value])
        axes.plot(
            *bar, color=pale, linewidth=2.6 * self.size.line, solid_capstyle="round", zorder=4, clip_on=False
        )
        axes.plot(
            *dot,
            "o",
            color=dark,
            markersize=(3.4 if self.framed else 4.4) * self.size.line,
            markeredgecolor="white",
            markeredgewidth=0.5 * self.size.line,
            zorder=6,
            clip_on=False,
        )

    def cell(self, axes: Axes, column: float, row: float, colour: object, *, outlined: bool = False) -> None:
        """A cell with a gap around it, the same in inches both ways."""
        box = axes.get_position()
        columns, rows = axes.get_xlim()[1], axes.get_ylim()[0]
        gap_x = 0.22 * self.em * columns / (box.width * self.size.width)
        gap_y = 0.22 * self.em * rows / (box.height * self.size.height)
        axes.add_patch(
            FancyBboxPatch(
                (column + gap_x, row + gap_y),
                1 - 2 * gap_x,
                1 - 2 * gap_y,
                boxstyle=f"round,pad=0,rounding_size={0.25 * self.em * columns / (box.width * self.size.width)}",
                mutation_aspect=(box.width * self.size.width / columns)
                / (box.height * self.size.height / rows),
                facecolor=colour,
                edgecolor=style.INK if outlined else "none",
                linewidth=self.size.line if outlined else 0,
                zorder=3 if outlined else 2,
                clip_on=False,
            )
        )

    def _axes(self, x: float, y: float, width: float, height: float) -> Axes:
        w, h = self.size.width, self.size.height
        axes = self.figure.add_axes((x / w, y / h, width / w, height / h))
        axes.patch.set_alpha(0)
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(style.AXIS)
        axes.tick_params(
            length=0,
            pad=0.35 * self.size.base,
            labelsize=self.size.base,
            labelcolor=style.MUTED,
            width=0.6,
            which="both",
        )
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def _frame(self) -> None:
        em, margin = self.em, 0.033 * self.size.width
        y = self.size.height
        if self.source.simulated:
            band = 1.75 * em
            self.figure.add_artist(Rectangle((0, 1 - band / y), 1, band / y, color=style.ALARM, linewidth=0))
            self.text(
                margin,
                y - 0.5 * band,
                SIMULATED,
                colour="white",
                semibold=True,
                scale=0.95,
                va="center_baseline",
            )
            y -= band
        width = self.size.width - 2 * margin
        y -= 0.75 * em
        for row in style.wrap(self.title, 1.55 * self.size.base, width, semibold=True):
            y -= 1.75 * em
            self.text(margin, y, row, scale=1.55, semibold=True)
        y -= 0.3 * em
        for row in style.wrap(self.subtitle, self.size.base, width):
            y -= 1.45 * em
            self.text(margin, y, row, colour=style.MUTED)
        foot = 1.05 * em
        advice = "not financial advice"
        right = self.size.width - margin
        room = width - style.text_width(advice, 0.8 * self.size.base) - 2 * em
        self.text(
            margin,
            foot,
            style.wrap(self.source.line(), 0.8 * self.size.base, room, lines=1)[0],
            scale=0.8,
            colour=style.MUTED,
        )
        self.text(right, foot, advice, scale=0.8, colour=style.MUTED, ha="right")
        self.left, self.right = margin, right
        self.top, self.bottom = y - 1.0 * em, foot + 1.7 * em

    def _tag(self) -> None:
        y = self.size.height - 1.2 * self.em
        self.text(self.left, y, SIMULATED, colour=style.ALARM, semibold=True)
        self.top = y - 1.0 * self.em


def _scaled(axes: Axes, value: float) -> float:
    return float(axes.transData.transform((axes.get_xlim()[0], value))[1])
