"""Planning asks until it knows, and not for ever; a coin is called as the price table calls it."""

from datetime import UTC, datetime

import pytest

from engine.goals import Coverage, Run
from engine.outcome import Failed
from engine.planning import read_goal
from tests.engine.houses import House


@pytest.mark.parametrize("coin", ["sima00", "coin7", "s01", "sim1"])
def test_a_symbol_with_figures_in_it_is_a_coin(coin: str) -> None:
    held = Coverage(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
    reading = read_goal(f"will {coin} close higher in the next hour? last 90 days", {coin: held, "btc": held})
    assert isinstance(reading, Run)
    assert reading.spec.coins == (coin,)
    assert reading.spec.horizon_minutes == 60


def test_a_question_that_no_answer_settles_ends_the_run_in_words(house: House) -> None:
    outcome = house.run(house.open("will it rise in the next hour?"), answers=("who knows",) * 20)
    assert isinstance(outcome, Failed)
    assert "The answers did not settle this" in outcome.message
