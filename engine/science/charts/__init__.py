"""The charts of a run: plain values in, a `Chart` (PNG for the chat, SVG for the report, alt text) out."""

from engine.science.charts.canvas import Chart, Source
from engine.science.charts.equity import draw_equity
from engine.science.charts.price import draw_price

__all__ = ["Chart", "Source", "draw_equity", "draw_price"]
