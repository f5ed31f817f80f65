"""A look at prices: every figure against one computed by hand, and nothing found where nothing was planted."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from engine.science import eda
from engine.science.eda import clock, memory, regimes, shape
from engine.science.errors import BadSetting, TooFewBars

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
HOURS = 24 * 7 * 8


def prices(
    returns: NDArray[np.float64], minutes: int = 60, volume: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """Bars whose closes follow the returns; the first bar closes at 100."""
    close = 100 * np.cumprod(1 + np.r_[0.0, returns])
    index = pd.date_range(START, periods=len(close), freq=f"{minutes}min")
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    return pd.DataFrame({**columns, "volume": np.ones(len(close)) if volume is None else volume}, index=index)


def noise(seed: int = 3, size: int = HOURS - 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.002, size)


def test_the_hour_that_moves_most_is_found_with_its_size() -> None:
    returns = noise()
    hour = np.arange(1, HOURS) % 24
    returns[hour == 14] = np.where(np.arange((hour == 14).sum()) % 2, 0.01, -0.01)
    found = clock.by(prices(returns), "volatility", "hour", seed=1)
    assert found is not None
    assert (found.labels[found.top], found.rows) == ("14:00", 56)
    best = found.values[found.top]
    assert best.value == pytest.approx(100.0)  # 1 % is 100 bp, every day
    assert best.low == pytest.approx(100.0)
    assert found.is_real


def test_even_hours_do_not_stand_out() -> None:
    found = [clock.by(prices(noise(seed)), "volatility", "hour", seed=1) for seed in range(20)]
    assert sum(bool(c and c.is_real) for c in found) <= 3


def test_volume_is_a_share_of_its_day() -> None:
    volume = np.where(np.arange(HOURS) % 24 == 9, 25.0, 1.0)
    found = clock.by(prices(noise(), volume=volume), "volume", "hour", seed=1)
    assert found is not None
    assert found.values[9].value == pytest.approx(25 / 48)
    assert found.values[0].value == pytest.approx(1 / 48)


def test_weekdays_begin_on_monday_and_months_are_whole() -> None:
    returns = noise()
    weekday = (np.arange(1, HOURS) // 24) % 7
    returns[weekday == 5] *= 0.01
    weekly = clock.by(prices(returns), "volatility", "weekday", seed=1)
    monthly = clock.by(prices(returns), "return", "month", seed=1)
    assert weekly is not None
    assert monthly is not None
    assert weekly.labels[weekly.bottom] == "Sat"
    assert monthly.labels == ("2024-01", "2024-02")


def test_bars_too_long_for_the_clock_have_none() -> None:
    assert clock.by(prices(noise(size=400), minutes=240), "volatility", "hour", seed=1) is None


def test_falls_are_measured_from_the_peak_to_the_bottom() -> None:
    path = prices(np.array([0.10, -0.20, -0.50, 1.5, 0.2, -0.10]))
    deepest, latest = shape.falls(path)
    assert deepest.depth == pytest.approx(0.8 * 0.5 - 1)
    assert (deepest.peak, deepest.trough) == (START + timedelta(hours=1), START + timedelta(hours=3))
    assert deepest.recovered == START + timedelta(hours=5)
    assert latest.depth == pytest.approx(-0.10)
    assert latest.recovered is None


def test_extremes_carry_the_moment_they_ended() -> None:
    returns = np.zeros(24 * 40)
    returns[100] = -0.3
    bar, day = shape.extremes(prices(returns))
    assert bar.fall == pytest.approx(-0.3)
    assert bar.fall_at == START + timedelta(
        hours=102
    )  # bar 101 begins after 101 hours and is known an hour later
    assert day.fall == pytest.approx(-0.3)
    assert day.fall_at == START + timedelta(days=5)


def test_a_normal_walk_has_no_fat_tails_and_a_shock_makes_them() -> None:
    plain = shape.distribution(prices(noise()))
    shocked = noise()
    shocked[[50, 90, 130]] = [0.2, -0.2, 0.15]
    assert abs(plain.excess_kurtosis) < 0.5
    assert plain.far_times < 40  # one such bar in 1,343 is chance
    assert shape.distribution(prices(shocked)).far_times > 30
    assert sum(plain.counts) <= plain.bars


def test_autocorrelation_is_that_of_the_series() -> None:
    draw = np.random.default_rng(5).normal(0, 0.002, 20_000)
    moves = draw.copy()
    for at in range(1, len(moves)):
        moves[at] += 0.4 * moves[at - 1]
    [first, second, *_] = memory.autocorrelation(moves, range(1, 5), 5)
    assert first.value == pytest.approx(0.4, abs=0.02)
    assert second.value == pytest.approx(0.16, abs=0.03)
    assert first.is_clear
    [none, *_] = memory.autocorrelation(draw, range(1, 5), 5)
    assert not none.is_clear


def test_variance_ratio_tells_a_walk_from_one_that_turns_back() -> None:
    draw = np.random.default_rng(8).normal(0, 0.002, 8_000)
    walk = memory.variance_ratio(draw, 12, 5)
    assert walk.ratio == pytest.approx(1.0, abs=0.1)
    assert walk.p_value > 0.05
    back = memory.variance_ratio(draw[1:] - 0.5 * draw[:-1], 12, 5)
    assert back.ratio < 0.5
    assert back.p_value < 0.001


def test_a_unit_root_is_kept_for_a_walk_and_rejected_for_its_steps() -> None:
    draw = np.random.default_rng(11).normal(0, 1, 2_000)
    assert memory.unit_root("walk", np.cumsum(draw)).p_below is None
    assert memory.unit_root("steps", draw).p_below == 0.01


def test_wild_days_that_come_in_spells_follow_one_another() -> None:
    spell = (np.arange(HOURS - 1) // (24 * 7)) % 4 == 0  # every fourth week
    found = regimes.regimes(prices(noise() * np.where(spell, 6, 1)), seed=1)
    assert found is not None
    calm, _, wild = found.regimes
    assert wild.volatility > 3 * calm.volatility
    assert wild.stays > 0.7
    assert sum(regime.days for regime in found.regimes) == len(found.days)


def test_coins_together_and_who_comes_first() -> None:
    leader = noise(1)
    follower = np.r_[0.0, 0.8 * leader[:-1]] + 0.3 * noise(2)
    found = eda.explore(
        {"btc": prices(leader), "eth": prices(follower), "sol": prices(noise(9))}, "correlation", 1
    )
    assert found.together is not None
    first = found.together.leads[0]
    assert (first.first, first.then) == ("btc", "eth")
    assert first.is_clear
    assert found.together.matrix[0][2] == pytest.approx(0.0, abs=0.1)
    assert found.together.low[0][2] < 0 < found.together.high[0][2]


def test_an_exploration_survives_its_file() -> None:
    found = eda.explore({"btc": prices(noise())}, "volatility_by_weekday", 1)
    assert eda.from_json(found.to_json()) == found
    assert found.coins[0].clock("volatility", "weekday") is not None


def test_three_days_speak_of_three_weekdays() -> None:
    found = eda.explore({"btc": prices(noise(size=24 * 3 * 12 - 1), minutes=5)}, "volatility_by_weekday", 1)
    weekdays = found.coins[0].clock("volatility", "weekday")
    assert weekdays is not None
    assert weekdays.labels == ("Mon", "Tue", "Wed")
    assert eda.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("topic", "coins", "sentence"),
    [
        ("moon phases", 1, "There is no topic 'moon phases'. There are: overview, volatility"),
        ("correlation", 1, "A correlation needs two coins or more"),
    ],
)
def test_a_topic_that_cannot_be_looked_at_is_refused_in_words(topic: str, coins: int, sentence: str) -> None:
    with pytest.raises(BadSetting, match=sentence):
        eda.explore({f"c{n}": prices(noise(n)) for n in range(coins)}, topic, 1)


def test_too_few_bars_say_so() -> None:
    with pytest.raises(TooFewBars, match="btc has 11 bars in this period; at least 100 are needed"):
        eda.explore({"btc": prices(noise(size=10))}, "overview", 1)
