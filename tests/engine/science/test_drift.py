"""Whether forecasts hold what was promised: by the binomial law, with overlapping ones counted once."""

import numpy as np
import pytest
from scipy import stats

from engine.science import drift
from engine.science.drift import Promise

PROMISE = Promise(hit_rate=0.6, loss=0.24)


def check(hits: list[bool], losses: list[float], *, hours: float = 1.0, every: float = 1.0) -> drift.Drift:
    starts = [3_600 * every * number for number in range(len(hits))]
    return drift.check(hits, losses, starts, [start + 3_600 * hours for start in starts], PROMISE)


def test_too_few_hits_by_hand() -> None:
    losses = list(np.tile([0.23, 0.25], 15))
    found = check([True] * 10 + [False] * 20, losses)
    # ten or fewer of thirty at a promised 60 %: both sides of the test are paid for
    assert found.chance == pytest.approx(2 * stats.binom.cdf(10, 30, 0.6))
    assert found.is_there
    assert not check([True] * 18 + [False] * 12, losses).is_there


def test_a_larger_loss_warns_although_the_sides_are_right() -> None:
    draw = np.random.default_rng(1)
    found = check([True] * 40, list(0.30 + 0.05 * draw.normal(size=40)))
    assert found.is_there


def test_forecasts_that_share_time_count_once() -> None:
    hits, losses = [False] * 60, [0.24] * 60
    assert check(hits, losses, hours=1.0, every=1.0).independent == 60
    crowded = check(hits, losses, hours=4.0, every=1.0)
    assert crowded.independent == 15
    assert crowded.chance is None  # too few to tell


def test_a_kept_promise_is_rarely_doubted() -> None:
    draw = np.random.default_rng(2)
    warned = 0
    for _ in range(300):
        hits = [bool(hit) for hit in draw.random(50) < 0.6]
        losses = [0.16 if hit else 0.36 for hit in hits]
        warned += check(hits, losses).is_there
    assert warned <= 30  # 5 % promised, 15 expected at most
