"""Geometry of lines and labels: round ticks, thinning to the pixels there are, labels that do not touch."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Line = tuple[Floats, Floats]


def nice_ticks(low: float, high: float, count: int = 5, *, quarters: bool = True) -> list[float]:
    """Round values that cover [low, high] with about `count` steps; without `quarters` in steps of 1, 2 or 5."""
    steps = [1, 2, 2.5, 5, 10] if quarters else [1, 2, 5, 10]
    return [float(v) for v in MaxNLocator(nbins=count, steps=steps).tick_values(low, high)]


def envelope(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """A line thinned to the minimum and maximum of each pixel column: spikes survive, files stay small."""
    if len(x) <= 4 * columns:
        return x, y
    width = -(-len(x) // columns)
    padded = np.full(width * -(-len(x) // width), np.nan)
    padded[: len(y)] = y
    parts = padded.reshape(-1, width)
    first = np.arange(len(parts)) * width
    lowest = first + np.where(np.isnan(parts), np.inf, parts).argmin(axis=1)
    highest = first + np.where(np.isnan(parts), -np.inf, parts).argmax(axis=1)
    index = np.unique(np.concatenate([[0], lowest, highest, [len(x) - 1]]))
    return x[index], y[index]


def push_apart(wanted: Sequence[float], heights: Sequence[float], *, low: float, high: float) -> list[float]:
    """Centres near the wanted ones whose boxes, of the given heights, do not overlap; in [low, high]."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    clusters: list[tuple[list[int], float]] = []  # members from below, centre of the whole cluster

    def height(members: list[int]) -> float:
        return sum(heights[i] for i in members)

    for i in order:
        members, centre = [i], wanted[i]
        while True:
            half = height(members) / 2
            centre = min(max(centre, low + half), max(high - half, low + half))
            if not clusters or clusters[-1][1] + height(clusters[-1][0]) / 2 <= centre - half + 1e-9:
                break
            below, _ = clusters.pop()
            members = below + members
            offsets, at = [], 0.0
            for m in members:
                offsets.append(wanted[m] - at - heights[m] / 2)
                at += heights[m]
            centre = sum(offsets) / len(offsets) + height(members) / 2
        clusters.append((members, centre))
    centres = [0.0] * len(wanted)
    for members, centre in clusters:
        at = centre - height(members) / 2
        for m in members:
            centres[m] = at + heights[m] / 2
            at += heights[m]
    return centres


def floats(values: ArrayLike) -> Floats:
    """Any sequence of numbers as a float array."""
    return np.asarray(values, dtype=np.float64)
