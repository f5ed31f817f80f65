"""What is odd in the bars is counted exactly, and a period that can carry no answer is refused with the reason."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from engine.science import bars, datagate, simulate, study
from engine.science.errors import BadPrices, ScienceError, TooFewBars


@pytest.fixture
def prices() -> pd.DataFrame:
    return simulate.gbm(3_000, 1)


def test_every_planted_fault_is_counted_and_nothing_is_altered(prices: pd.DataFrame) -> None:
    faulty = prices.copy()
    faulty.loc[faulty.index[100:120], "close"] = 99.0  # stands still for 20 bars
    faulty.loc[faulty.index[500], "close"] *= 1.10  # up and back in one bar
    faulty = faulty.assign(bid=faulty["close"] * 0.999, ask=faulty["close"] * 1.001)
    faulty.loc[faulty.index[700:703], "bid"] *= 1.01
    faulty = pd.concat([faulty.drop(faulty.index[1_000:1_010]), faulty.iloc[[2_000, 2_000]]])
    before = faulty.copy()
    report = datagate.check(faulty)
    pd.testing.assert_frame_equal(faulty, before)
    assert report.decision == "ok"
    assert (report.rows, report.missing_bars, report.duplicates) == (2_990, 10, 2)
    assert (report.stale_bars, report.crossed_quotes, report.spikes) == (20, 3, 1)
    assert report.largest_move == pytest.approx(0.10, abs=0.015)


def test_a_fall_that_stays_is_real_and_no_spike(prices: pd.DataFrame) -> None:
    fallen = prices.copy()
    fallen.iloc[1_500:, :4] *= 0.782
    report = datagate.check(fallen)
    assert report.spikes == 0
    assert report.largest_move == pytest.approx(-0.218, abs=0.01)
    assert report.largest_move_at == fallen.index[1_500]
    kept = datagate.clean(fallen, report)
    assert kept["close"].equals(fallen["close"])


def test_nan_and_infinite_prices_are_gaps_and_never_numbers(prices: pd.DataFrame) -> None:
    broken = prices.copy()
    broken.loc[broken.index[10], "close"] = np.nan
    broken.loc[broken.index[20], "close"] = np.inf
    broken.loc[broken.index[30], "close"] = 0.0
    broken.loc[broken.index[40], "close"] = -5.0
    broken.loc[broken.index[50], "high"] = np.inf
    broken.loc[broken.index[60], "volume"] = np.nan
    report = datagate.check(broken)
    assert (report.invalid, report.missing_bars) == (4, 4)
    kept = datagate.clean(broken, report)
    assert kept["close"].isna().sum() == 4
    assert not np.isinf(kept.to_numpy()).any()
    assert kept["high"].iloc[50] == kept["close"].iloc[50]
    built = study.prepare("coin", "simulated", kept, study.default_question("direction", (12,), 5))
    assert not np.isinf(built.features.to_numpy()).any()


def test_after_a_hole_of_154_days_only_what_came_later_is_used(prices: pd.DataFrame) -> None:
    back = pd.Timedelta(days=154) + pd.Timedelta(minutes=5 * 3_000)
    earlier = prices.set_axis(pd.DatetimeIndex(prices.index) - back)
    report = datagate.check(pd.concat([earlier, prices]))
    assert report.decision == "shorten"
    assert report.start == prices.index[0]
    assert "2024-01-01" in report.reason
    assert "hole" in report.reason
    assert len(datagate.clean(pd.concat([earlier, prices]), report)) == 3_000


def constant(prices: pd.DataFrame) -> pd.DataFrame:
    return prices.assign(open=7.0, high=7.0, low=7.0, close=7.0)


def venue_down(prices: pd.DataFrame) -> pd.DataFrame:
    """The feed repeats the last price for most of the period."""
    down = prices.copy()
    down.iloc[600:2_700, :4] = float(prices["close"].iloc[599])
    return down


def mostly_missing(prices: pd.DataFrame) -> pd.DataFrame:
    """Bars of five minutes, most of which are not there."""
    return prices[np.random.default_rng(1).random(len(prices)) < 0.4]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (constant, "never changes"),
        (venue_down, "stands still in 70\u202f% of the bars"),
        (mostly_missing, "More than half of the bars are missing"),
    ],
)
def test_what_can_carry_no_answer_is_refused_with_the_reason(
    prices: pd.DataFrame, broken: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    report = datagate.check(broken(prices))
    assert report.decision == "refuse"
    assert said in report.reason


def test_frames_that_are_no_prices_are_refused_in_words(prices: pd.DataFrame) -> None:
    with pytest.raises(TooFewBars, match="choose another"):
        datagate.check(prices.assign(close=np.nan))
    with pytest.raises(TooFewBars, match="no prices in this period"):
        datagate.check(prices.iloc[:0])
    with pytest.raises(BadPrices, match="UTC"):
        datagate.check(prices.tz_localize(None))
    with pytest.raises(BadPrices, match="lack volume"):
        datagate.check(prices.drop(columns="volume"))
    with pytest.raises(ScienceError, match="two bars"):
        datagate.check(prices.iloc[:1])


def test_joined_bars_hold_whole_hours_only_and_the_right_figures(prices: pd.DataFrame) -> None:
    hours = bars.resample(prices.iloc[6:], 60)
    assert hours.index[0] == pd.Timestamp("2024-01-01 01:00", tz="UTC")
    second = prices.iloc[12:24]
    first = hours.iloc[0]
    assert first["open"] == second["open"].iloc[0]
    assert first["close"] == second["close"].iloc[-1]
    assert (first["high"], first["low"]) == (second["high"].max(), second["low"].min())
    assert first["volume"] == pytest.approx(second["volume"].sum())
    assert hours.index[-1] + pd.Timedelta(hours=1) <= prices.index[-1] + pd.Timedelta(minutes=5)
