"""The chart of what is held: its words say the shares and the longest gap, whatever the number of coins."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.science.charts import Held, Source, draw_coverage
from engine.science.charts.coverage import MOST_COINS

START = datetime(2023, 6, 1, tzinfo=UTC)
SOURCE = Source("binance:usdt", "", 5, 1_000, START, START + timedelta(days=30), "")
GAP = (START + timedelta(days=3), START + timedelta(days=3, hours=26))


def test_the_title_is_the_longest_gap_and_a_share_is_never_rounded_up_to_whole() -> None:
    chart = draw_coverage(
        SOURCE, [Held("btc", [1.0] * 9, [], 8_640, 0), Held("eth", [0.9] * 9, [GAP], 99_999, 1)]
    )
    assert chart.title == "Longest gap: ETH, 26 h from 4 Jun 2023"
    assert "BTC 100 % · no gaps" in chart.alt
    assert "ETH 99.99 % · 1 gap" in chart.alt


def test_nothing_missing_is_said() -> None:
    whole = [Held(coin, [1.0] * 9, [], 8_640, 0) for coin in ("btc", "eth")]
    assert draw_coverage(SOURCE, whole).title == "None of 2 coins has a gap"
    assert draw_coverage(SOURCE, whole[:1]).title == "BTC has no gaps"


def test_of_many_coins_the_least_complete_are_drawn() -> None:
    held = [Held(f"c{at:02d}", [1.0] * 9, [GAP] if at else [], 1_000, at) for at in range(40)]
    chart = draw_coverage(SOURCE, held)
    assert f"the {MOST_COINS} least complete of 40 coins" in chart.subtitle
    assert "C39" in chart.alt
    assert "C00" not in chart.alt
    with pytest.raises(ValueError, match="no coin"):
        draw_coverage(SOURCE, [])
