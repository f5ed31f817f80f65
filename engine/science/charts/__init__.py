"""The charts of a run: plain values in, a `Chart` (PNG for the chat, SVG for the report, alt text) out."""

from engine.science.charts.calibration import draw_calibration, draw_residuals
from engine.science.charts.correlation import draw_correlation
from engine.science.charts.coverage import Held, draw_coverage
from engine.science.charts.equity import draw_equity
from engine.science.charts.grid import draw_grid
from engine.science.charts.intervals import draw_importance, draw_skill
from engine.science.charts.periods import draw_periods
from engine.science.charts.price import draw_price
from engine.science.charts.seasonality import draw_seasonality
from engine.science.charts.source import Chart, Source
from engine.science.charts.target import draw_target

__all__ = [
    "Chart",
    "Held",
    "Source",
    "draw_calibration",
    "draw_correlation",
    "draw_coverage",
    "draw_equity",
    "draw_grid",
    "draw_importance",
    "draw_periods",
    "draw_price",
    "draw_residuals",
    "draw_seasonality",
    "draw_skill",
    "draw_target",
]
