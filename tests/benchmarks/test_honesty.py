"""The honesty benchmark counts what it says it counts: exact bounds, right lines, and a truth that is the truth."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.honesty import tables, worlds


def row(kind: str, decision: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "seed": 1, "decision": decision, "finding": "", "p_signal": 1.0, "without_seal": False,
        "true_net": 1.0, "naive": {}, "is_usual": True, **more,
    }  # fmt: skip


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    assert tables.bounds(0, 200) == pytest.approx((0.0, 1 - 0.025 ** (1 / 200)))
    assert tables.bounds(200, 200) == pytest.approx((0.025 ** (1 / 200), 1.0))
    for hits, count in ((3, 200), (17, 40), (1, 2)):
        exact = stats.binomtest(hits, count).proportion_ci(0.95, method="exact")
        assert tables.bounds(hits, count) == pytest.approx((exact.low, exact.high))


def test_each_line_counts_its_own_kinds_and_no_target_is_met_by_a_miss() -> None:
    good = [row("gbm", "no_edge"), row("regime 0.20", "edge"), row("10 days, none", "not_enough_data")]
    assert tables.honesty(good)[1]
    for wrong in (
        row("drift", "edge"),
        row("ar 0.10", "edge"),
        row("regime 0.20", "no_edge"),
        row("lead-lag 0.60, 1 h", "no_edge"),
        row("10 days, none", "no_edge"),
        row("regime 0.20", "edge", true_net=-0.1),
    ):
        assert not tables.honesty([*good, wrong])[1], wrong
    # A false edge where the goal says that there are no costs is another line.
    assert tables.honesty(
        [*good, *([row("gbm", "no_edge", is_usual=False)] * 99), row("gbm", "edge", is_usual=False)]
    )[1]


@pytest.mark.parametrize("name", ["ar 0.10", "regime 0.20", "lead-lag 0.60, 5 min"])
def test_what_the_best_informed_trader_expects_is_what_comes_on_average(name: str) -> None:
    world = worlds.KINDS[name].make(7)
    close = world.prices["close"].to_numpy()
    came = np.append(np.diff(np.log(close)), 0.0)
    slope, _ = np.polyfit(world.expected[:-1], came[:-1], 1)
    assert slope == pytest.approx(1.0, abs=0.15)
    assert np.corrcoef(world.expected[:-1], came[:-1])[0, 1] > 0.08


def test_series_without_an_edge_expect_nothing() -> None:
    for name in worlds.NULLS:
        assert not worlds.KINDS[name].make(3).expected.any()
    assert sum(worlds.QUICK.values()) == 100
    assert sum(worlds.FULL[name] for name in worlds.NULLS) == 200
