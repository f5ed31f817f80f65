"""Planted look-ahead is caught by name, whatever its kind, and honest features are let through."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from engine.science import features, indicators, leaks, simulate
from engine.science.errors import BadSetting
from engine.science.features import FeatureSpec

Feature = Callable[[pd.DataFrame], pd.Series]


def close(prices: pd.DataFrame) -> pd.Series:
    return prices["close"]


def stamps(prices: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(prices.index)


LOOK_AHEAD: Mapping[str, Feature] = {
    "centred_mean": lambda p: close(p).rolling(25, center=True).mean(),
    "backward_fill": lambda p: close(p).bfill(),
    "interpolated": lambda p: close(p).interpolate(),
    "spline": lambda p: close(p).interpolate("nearest"),
    "scaled_on_all": lambda p: (close(p) - close(p).mean()) / close(p).std(),
    "min_max_of_all": lambda p: (close(p) - close(p).min()) / (close(p).max() - close(p).min()),
    "rank_in_all": lambda p: close(p).rank(pct=True),
    "quantile_of_all": lambda p: (close(p) > close(p).quantile(0.9)).astype(float),
    "next_return": lambda p: close(p).shift(-1) / close(p) - 1,
    "target_12": lambda p: (close(p).shift(-12) > close(p)).astype(float),
    "next_open": lambda p: p["open"].shift(-1),
    "hour_close": lambda p: close(p).groupby(stamps(p).floor("1h")).transform("last"),
    "day_high": lambda p: p["high"].resample("1D").max().reindex(p.index, method="ffill"),
    "reversed_ewm": lambda p: close(p)[::-1].ewm(span=12).mean()[::-1],
    "future_volatility": lambda p: close(p).pct_change()[::-1].rolling(24).std()[::-1],
    "detrended": lambda p: close(p) - np.polyval(
        np.polyfit(np.arange(len(p)), close(p).ffill().bfill(), 1), np.arange(len(p))
    ),
    "smoothed_spectrum": lambda p: pd.Series(_low_pass(close(p).ffill().bfill().to_numpy()), index=p.index),
    "last_price_of_all": lambda p: close(p) / close(p).dropna().iloc[-1],
}  # fmt: skip

HONEST: Mapping[str, Feature] = {
    "return": lambda p: close(p).pct_change(fill_method=None),
    "lagged": lambda p: close(p).shift(3),
    "mean": lambda p: close(p).rolling(25).mean(),
    "forward_fill": lambda p: close(p).ffill(limit=3).rolling(5).mean(),
    "z_score": lambda p: (close(p) - close(p).rolling(50).mean()) / close(p).rolling(50).std(),
    "rank_in_window": lambda p: close(p).rolling(50).rank(pct=True),
    "volume_share": lambda p: p["volume"] / p["volume"].rolling(20).sum(),
    "hour": lambda p: pd.Series(stamps(p).hour.astype(float), index=p.index),
    "last_full_hour": lambda p: close(p).resample("1h", label="right", closed="right").last().reindex(
        p.index, method="ffill"
    ).where(stamps(p).minute == 0),
}  # fmt: skip


def _low_pass(values: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(values)
    spectrum[len(spectrum) // 20 :] = 0
    return np.fft.irfft(spectrum, len(values))


def table(columns: Mapping[str, Feature]) -> leaks.Build:
    return lambda prices: pd.DataFrame({name: make(prices) for name, make in columns.items()})


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return simulate.garch(3_000, 5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_planted_leak_is_named_and_nothing_else(prices: pd.DataFrame, seed: int) -> None:
    found = leaks.check(table({**LOOK_AHEAD, **HONEST}), prices, seed, warmup_bars=100)
    assert set(found.leaking) == set(LOOK_AHEAD)
    assert found.start_dependent == ()
    assert found.cuts >= 24
    assert all(name in found.reason for name in LOOK_AHEAD)


def test_fills_from_later_bars_are_caught_although_the_prices_have_no_gap(prices: pd.DataFrame) -> None:
    assert prices["close"].notna().all()
    fills = {"backward_fill": LOOK_AHEAD["backward_fill"], "interpolated": LOOK_AHEAD["interpolated"]}
    for seed in range(20):
        assert set(leaks.check(table(fills), prices, seed).leaking) == set(fills), seed


def test_what_depends_on_where_the_data_begin_is_named(prices: pd.DataFrame) -> None:
    columns: Mapping[str, Feature] = {
        "since_the_first_bar": lambda p: close(p) / close(p).iloc[0],
        "summed": lambda p: p["volume"].cumsum(),
        "mean_so_far": lambda p: close(p).expanding().mean(),
        "mean": HONEST["mean"],
    }
    found = leaks.check(table(columns), prices, 1, warmup_bars=100)
    assert found.leaking == ()
    assert set(found.start_dependent) == {"since_the_first_bar", "summed", "mean_so_far"}
    assert not found.ok
    assert "depends on where the data begin" in found.reason


@pytest.mark.parametrize("target", ["direction", "volatility"])
def test_the_products_own_features_pass_with_gaps_drivers_and_all_indicators(target: str) -> None:
    follower, leader = simulate.lead_lag(3_000, 3)
    missing = np.random.default_rng(1).random(len(follower)) < 0.02
    holed = follower.mask(np.broadcast_to(missing[:, None], follower.shape))
    spec = features.default_spec(5, target, tuple(known.name for known in indicators.catalogue()), ("lead",))
    found = leaks.check_features(holed, spec, {"lead": leader}, 4)
    assert found.ok, found.reason


def test_a_driver_that_runs_ahead_is_caught() -> None:
    follower, leader = simulate.lead_lag(2_000, 3)
    ahead = leader.shift(-1)

    def build(part: pd.DataFrame) -> pd.DataFrame:
        known = leader.loc[: part.index[-1]]
        return pd.DataFrame(
            {
                "ahead": known["close"].shift(-1).reindex(part.index),
                "level": known["close"].reindex(part.index),
            }
        )

    assert ahead["close"].iloc[0] == leader["close"].iloc[1]
    assert leaks.check(build, follower, 1).leaking == ("ahead",)


def test_a_lag_that_would_be_the_future_is_refused_with_the_reason() -> None:
    with pytest.raises(BadSetting, match="look-ahead"):
        FeatureSpec(lags=(0, 1))
    with pytest.raises(BadSetting, match="look-ahead"):
        FeatureSpec(lags=(-1,))
