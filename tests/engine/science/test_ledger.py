"""Everything tried counts, once: over sessions, over spans that share time, for one target at a time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from engine.science import blocks, ledger, maxt
from engine.science.ledger import Trial
from engine.science.targets import Target

START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = int(START.timestamp()) // (240 * 60)


def trial(
    name: str, sums: np.ndarray, *, coin: str = "btc", target: Target = "direction", days: int = 0
) -> Trial:
    start = START + timedelta(days=days)
    return Trial(
        key=name, coin=coin, series="binance:usdt", target=target, horizon_minutes=60, start=start,
        end=start + timedelta(minutes=240 * len(sums)), block_minutes=240, first_block=FIRST + 6 * days,
        sums={"net": sums},
    )  # fmt: skip


@pytest.fixture
def tried() -> list[Trial]:
    draw = np.random.default_rng(1)
    return [trial(f"t{n}", draw.normal(0.2, 1, 60)) for n in range(6)]


def test_a_rule_that_was_tried_before_counts_once_and_the_own_one_stands(tried: list[Trial]) -> None:
    alone = ledger.family(tried[:1], [], 240)
    again = ledger.family(tried[:1], [trial("t0", np.zeros(60))], 240)
    assert again.earlier == ()
    assert again.p_values("net", 1) == pytest.approx(alone.p_values("net", 1))


def test_earlier_tries_on_shared_time_raise_the_p_value_to_that_of_one_family(tried: list[Trial]) -> None:
    found = ledger.family(tried[:1], tried[1:], 240)
    assert len(found.earlier) == 5
    whole = maxt.p_values(np.array([t.sums["net"] for t in [tried[0], *found.earlier]]), 1)
    assert found.p_values("net", 1)[0] == whole[0]
    assert found.p_values("net", 1)[0] > ledger.family(tried[:1], [], 240).p_values("net", 1)[0]


def test_other_coins_targets_and_spans_do_not_count(tried: list[Trial]) -> None:
    others = [
        trial("a", np.ones(60), coin="eth"),
        trial("b", np.ones(60), target="volatility"),
        trial("c", np.ones(60), days=10),
        trial("d", np.ones(59), days=-10),
    ]
    # 60 blocks of 4 hours are ten days: the spans touch without sharing time
    found = ledger.family(tried[:1], others, 240)
    assert [t.key for t in found.earlier] == []
    assert [t.key for t in ledger.family(tried[:1], [trial("e", np.ones(60), days=9)], 240).earlier] == ["e"]


def test_the_order_in_which_earlier_trials_come_changes_nothing(tried: list[Trial]) -> None:
    one = ledger.family(tried[:2], tried[2:], 240).p_values("net", 3)
    two = ledger.family(tried[:2], tried[:1:-1], 240).p_values("net", 3)
    assert np.array_equal(one, two)


def test_a_longer_horizon_joins_blocks_without_losing_a_sum(tried: list[Trial]) -> None:
    found = ledger.family(tried[:1], tried[1:], 960)
    assert found.block_minutes == 960
    assert found.block_sums(0, "net").sum() == pytest.approx(tried[0].sums["net"].sum())
    assert found.block_count(0, "net") in (15, 16)
    assert blocks.test_minutes(5, 48) == 960  # four horizons of four hours
    assert blocks.test_minutes(5, 12) == 240
    assert blocks.test_minutes(1_440, 1) == 5_760


def test_a_trial_is_the_same_after_it_was_a_row(tried: list[Trial]) -> None:
    back = ledger.from_row(ledger.to_row(tried[0]))
    assert np.array_equal(back.sums["net"], tried[0].sums["net"])
    assert (back.key, back.start, back.first_block) == (tried[0].key, tried[0].start, tried[0].first_block)


def test_blocks_lie_on_the_clock_and_cover_every_bar() -> None:
    index = pd.date_range("2024-01-01 02:00", periods=60, freq="5min", tz="UTC")
    first, sums = blocks.sums(np.ones(60), index, 240)
    assert first == FIRST
    assert list(sums) == [24.0, 36.0]  # two hours to 04:00, three after it
