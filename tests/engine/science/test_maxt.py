"""The corrected p-values against full enumeration, a hand-made case, and what they must do to shuffled results."""

from itertools import product

import numpy as np
import pytest

from engine.science import maxt
from engine.science.bars import Floats


def enumerated(sums: Floats) -> Floats:
    """Every sign pattern there is: the exact p-values."""
    signs = np.array(list(product([-1.0, 1.0], repeat=sums.shape[1])))
    scale = np.sqrt((sums**2).sum(axis=1))
    best = (signs @ (sums / scale[:, None]).T).max(axis=1)
    observed = sums.sum(axis=1) / scale
    shares: Floats = (best[None, :] >= observed[:, None] - 1e-12).mean(axis=1)
    return shares


def test_one_rule_with_four_gains_has_one_pattern_in_sixteen() -> None:
    # All four blocks gain: only the observed pattern of signs does as well, 1 of 2^4.
    sums = np.array([[1.0, 2.0, 1.0, 3.0]])
    assert maxt.statistics(sums)[0] == pytest.approx(7 / np.sqrt(15))
    assert enumerated(sums)[0] == 1 / 16
    assert maxt.p_values(sums, 1)[0] == pytest.approx(1 / 16, abs=0.015)


def test_p_values_agree_with_full_enumeration() -> None:
    draw = np.random.default_rng(4)
    sums = draw.normal(0.3, 1.0, (5, 10))
    exact = enumerated(sums)
    assert maxt.p_values(sums, 2, flips=20_000) == pytest.approx(exact, abs=0.012)


def test_a_copy_costs_nothing_and_independent_tries_cost_what_they_should() -> None:
    draw = np.random.default_rng(5)
    one = draw.normal(0.35, 1.0, (1, 60))
    alone = maxt.p_values(one, 3)[0]
    copied = maxt.p_values(np.repeat(one, 20, axis=0), 3)[0]
    crowded = maxt.p_values(np.vstack([one, draw.normal(0, 1.0, (19, 60))]), 3)[0]
    assert copied == alone
    # With independent tries the chance that the best of 20 does as well is nearly 1 - (1 - p)^20.
    assert crowded == pytest.approx(1 - (1 - alone) ** 20, abs=0.06)
    assert crowded > 3 * alone


def test_under_no_edge_a_claim_at_five_percent_comes_in_five_percent_of_cases() -> None:
    draw = np.random.default_rng(6)
    claims = sum(maxt.p_values(draw.standard_t(3, (8, 80)), n, flips=399).min() <= 0.05 for n in range(400))
    assert 8 <= claims <= 36  # 20 expected; the bounds are those of 99.8 %


def test_shuffling_the_signs_of_a_real_gain_takes_it_away() -> None:
    draw = np.random.default_rng(7)
    gains = np.abs(draw.normal(0, 1, (1, 60)))
    assert maxt.p_values(gains, 1)[0] == 1 / 2_000
    assert maxt.p_values(gains * draw.choice([-1, 1], 60), 1)[0] > 0.05


def test_the_same_seed_gives_the_same_answer_and_missing_blocks_count_as_nothing() -> None:
    draw = np.random.default_rng(8)
    sums = draw.normal(0.2, 1, (3, 40))
    assert np.array_equal(maxt.p_values(sums, 9), maxt.p_values(sums, 9))
    holed = np.concatenate([sums, np.full((3, 7), np.nan)], axis=1)
    assert maxt.statistics(holed) == pytest.approx(maxt.statistics(sums))
    assert maxt.p_values(np.zeros((1, 10)), 1)[0] == 1.0
