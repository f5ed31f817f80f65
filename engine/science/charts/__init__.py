"""The charts of a run: plain values in, a `Chart` (PNG for the chat, SVG for the report, alt text) out."""

from engine.science.charts.calibration import draw_calibration, draw_residuals
from engine.science.charts.clock import draw_clock
from engine.science.charts.comparison import draw_comparison
from engine.science.charts.correlation import draw_correlation
from engine.science.charts.coverage import Held, draw_coverage
from engine.science.charts.distribution import draw_distribution
from engine.science.charts.equity import draw_equity
from engine.science.charts.falls import draw_falls
from engine.science.charts.grid import draw_grid
from engine.science.charts.intervals import draw_importance, draw_skill
from engine.science.charts.memory import draw_memory
from engine.science.charts.periods import draw_periods
from engine.science.charts.price import Panel, draw_price
from engine.science.charts.regimes import draw_regimes
from engine.science.charts.seasonality import draw_seasonality
from engine.science.charts.source import Chart, Source
from engine.science.charts.target import draw_target

__all__ = [
    "Chart",
    "Held",
    "Panel",
    "Source",
    "draw_calibration",
    "draw_clock",
    "draw_comparison",
    "draw_correlation",
    "draw_coverage",
    "draw_distribution",
    "draw_equity",
    "draw_falls",
    "draw_grid",
    "draw_importance",
    "draw_memory",
    "draw_periods",
    "draw_price",
    "draw_regimes",
    "draw_residuals",
    "draw_seasonality",
    "draw_skill",
    "draw_target",
]
