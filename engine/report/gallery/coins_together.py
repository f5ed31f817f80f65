"""How the coins of a goal move together."""

from typing import Final

from engine.report.gallery import Scene
from engine.science.charts import Chart, draw_correlation
from engine.science.charts.numbers import interval
from engine.science.eda.together import together

ORDER: Final = 50


def draw(scene: Scene) -> Chart | None:
    """Only where there are three coins or more: of two it would be one number in a large square."""
    both = together(scene.prices, seed=0) if len(scene.prices) > 2 else None
    if both is None:
        return None
    return draw_correlation(
        scene.source,
        coins=[coin.upper() for coin in both.coins],
        matrix=both.matrix,
        low=both.low,
        high=both.high,
        what=f"returns of {interval(both.minutes)}",
    )
