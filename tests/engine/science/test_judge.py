"""Whole judgements on series whose truth is known: what is claimed, what is not, and that it repeats."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.science import baselines, judge, ledger, simulate, study, verdict
from engine.science.estimators import ModelSpec
from engine.science.judge import Judgement
from engine.science.targets import Target
from engine.science.verdict import Decision, Finding

LINEAR = [ModelSpec.of("LogisticRegression", "classification")]
RIDGE = [ModelSpec.of("Ridge", "regression")]
BARS = 60 * simulate.BARS_PER_DAY

Judge = Callable[..., Judgement]


def judged(
    prices: pd.DataFrame, *, target: Target = "direction", horizon: int = 12, seed: int = 1, **more: object
) -> Judgement:
    drivers = more.pop("drivers", {})
    assert isinstance(drivers, dict)
    question = study.default_question(
        target,
        (horizon,),
        5,
        drivers=tuple(drivers),
        stated_cost_bps=more.pop("cost", None),  # type: ignore[arg-type]
    )
    models = LINEAR if target == "direction" else RIDGE
    return judge.judge(
        "coin", "simulated", prices, question, seed=seed, models=models, drivers=drivers, **more  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def tide() -> Judgement:
    return judged(simulate.regime(BARS, 11, strength=0.25))


@pytest.fixture(scope="module")
def walk() -> Judgement:
    return judged(simulate.garch(BARS, 12))


def test_a_planted_edge_is_found_and_every_gate_is_passed(tide: Judgement) -> None:
    evidence = tide.verdict.evidence
    assert tide.verdict.decision is Decision.EDGE
    assert tide.verdict.p_value <= 0.05
    assert 2 * evidence.folds_positive > evidence.folds
    assert evidence.sealed.is_positive
    assert "not seen" in tide.verdict.reason


def test_the_same_moves_in_another_order_are_no_edge() -> None:
    # Shuffled returns have the same sizes and the same sum: only what could be foretold is gone.
    prices = simulate.regime(BARS, 11, strength=0.25)
    logs = np.diff(np.log(prices["close"].to_numpy()), prepend=np.log(100.0))
    shuffled = simulate.frame(np.random.default_rng(1).permutation(logs), 11)
    assert judged(shuffled).verdict.decision is Decision.NO_EDGE


def test_a_random_walk_with_clustered_volatility_is_no_edge_and_says_why(walk: Judgement) -> None:
    assert walk.verdict.decision is Decision.NO_EDGE
    assert walk.verdict.finding is Finding.NOTHING_FOUND
    assert f"best of {walk.verdict.tried} rules" in walk.verdict.reason


def test_a_feature_from_the_future_would_make_an_edge_of_noise() -> None:
    # Why the leak gate stands before everything: no later gate can tell.
    prices = simulate.gbm(BARS, 13)
    question = study.default_question("direction", (12,), 5)
    honest = study.prepare("coin", "simulated", prices, question)
    peeking = honest.features.assign(peek=honest.targets[12].fillna(0.0))
    leaking = study.prepare("coin", "simulated", prices, question, table=peeking)
    own = judge.walk(leaking, LINEAR, seed=1)
    found = judge.conclude(leaking, judge.compare([leaking], own), own, seed=1)
    assert found.verdict.decision is Decision.EDGE
    assert found.models[0].metrics["accuracy"].value > 0.9


def test_the_same_inputs_give_the_same_judgement_to_the_last_bit(walk: Judgement) -> None:
    again = judged(simulate.garch(BARS, 12))
    assert again.verdict == walk.verdict
    assert [m.metrics for m in again.models] == [m.metrics for m in walk.models]
    assert again.equity is not None
    assert walk.equity is not None
    pd.testing.assert_frame_equal(again.equity, walk.equity, rtol=0, atol=0)
    assert again.baselines == walk.baselines
    assert [t.key for t in again.trials] == [t.key for t in walk.trials]


def test_ten_days_are_not_enough_whatever_is_in_them() -> None:
    for prices in (simulate.gbm(2_880, 14), simulate.regime(2_880, 15, strength=0.1)):
        found = judged(prices)
        assert found.verdict.decision is Decision.NOT_ENOUGH_DATA
        assert "could only show" in found.verdict.reason or "independent pieces" in found.verdict.reason


def test_a_real_pattern_that_costs_eat_is_told_from_nothing() -> None:
    found = judged(simulate.ar1(BARS, 16, phi=0.10))
    assert found.verdict.decision is Decision.NO_EDGE
    assert found.verdict.finding in (Finding.COSTS_EAT_IT, Finding.ONE_BAR_ONLY)
    assert "There is a pattern" in found.verdict.reason


def test_earlier_tries_on_the_same_prices_make_a_claim_harder(tide: Judgement) -> None:
    draw = np.random.default_rng(1)
    strong = tide.trials[0]
    earlier = [
        ledger.Trial(**{
            **strong.__dict__, "key": f"e{n}",
            "sums": {name: draw.normal(0, s.std(), len(s)) for name, s in strong.sums.items()},
        })
        for n in range(300)
    ]  # fmt: skip
    weak = simulate.regime(BARS, 21, strength=0.12)
    alone, crowded = judged(weak), judged(weak, earlier=earlier)
    assert crowded.verdict.tried_before == 300
    assert crowded.verdict.p_value > 1.5 * alone.verdict.p_value
    assert str(alone.verdict.tried + 300) in crowded.verdict.reason


def test_volatility_is_judged_against_the_mean_persistence_and_a_moving_average() -> None:
    calm = judged(simulate.gbm(BARS, 17), target="volatility")
    assert calm.verdict.decision is Decision.NO_EDGE
    assert calm.verdict.evidence.p.net is None
    assert {b.name for b in calm.baselines} >= {"mean", "persistence", "ewma", "placebo"}
    seasonal = judged(simulate.garch(BARS, 18), target="volatility")
    assert seasonal.verdict.decision is Decision.EDGE
    assert "less squared error" in seasonal.verdict.reason


def test_a_return_must_be_forecast_better_than_every_simple_forecast() -> None:
    follower, leader = simulate.lead_lag(BARS, 19)
    found = judged(follower, target="return", horizon=1, drivers={"lead": leader})
    assert found.verdict.decision is Decision.EDGE
    assert found.verdict.evidence.p.skill is not None
    assert found.verdict.evidence.p.skill <= 0.05
    assert judged(simulate.gbm(BARS, 20), target="return").verdict.decision is Decision.NO_EDGE


def test_the_placebo_finds_nothing_where_the_model_finds_much(tide: Judgement) -> None:
    placebo = next(b for b in tide.baselines if b.name == baselines.PLACEBO)
    mine = next(m for m in tide.models if m.is_chosen)
    assert mine.metrics["auc"].low > 0.5
    assert placebo.metrics["auc"].low < 0.5 < placebo.metrics["auc"].high + 0.02
    assert placebo.return_after_costs is not None
    assert mine.account is not None
    assert placebo.return_after_costs.value < mine.account.return_after_costs


def test_random_timing_trades_as_often_and_loses_the_costs(tide: Judgement) -> None:
    luck = next(b for b in tide.baselines if b.name == baselines.LUCK)
    assert luck.return_after_costs is not None
    assert luck.return_after_costs.low < luck.return_after_costs.value < luck.return_after_costs.high
    mine = next(m for m in tide.models if m.is_chosen)
    assert mine.account is not None
    assert mine.account.return_after_costs > luck.return_after_costs.high


def test_random_timing_by_hand() -> None:
    # One bar held out of four, each return met by one shift in four: the trades cost the same wherever they fall.
    positions, returns = np.tile([1.0, 0.0, 0.0, 0.0], 50), np.tile([0.04, 0.0, 0.0, 0.0], 50)
    luck = baselines.luck(positions, returns, 0.001, seed=1)
    assert luck.return_after_costs is not None
    assert luck.return_after_costs.value == pytest.approx(0.999**100 - 1)
    assert luck.return_after_costs.high == pytest.approx((1.04**50) * 0.999**100 - 1)


def test_the_sealed_span_follows_the_judged_one_and_no_figure_mixes_them(walk: Judgement) -> None:
    prepared = walk.study
    assert prepared.judged.stop == prepared.sealed.start
    assert prepared.sealed.stop == len(prepared.prices)
    share = (prepared.sealed.stop - prepared.sealed.start) / (prepared.sealed.stop - prepared.judged.start)
    assert share == pytest.approx(0.2, abs=0.001)
    assert walk.equity is not None
    assert len(walk.equity) == prepared.judged_bars
    assert walk.account is not None
    assert walk.equity["after_costs"].iloc[-1] == pytest.approx(1 + walk.account.return_after_costs)
    assert walk.model.fold.train_end < prepared.sealed.start
    months = np.prod([1 + month.return_after_costs for month in walk.months])
    assert months == pytest.approx(1 + walk.account.return_after_costs)


def test_what_happens_in_the_sealed_span_moves_nothing_but_the_seal() -> None:
    prices = simulate.regime(BARS, 11, strength=0.25)
    logs = np.diff(np.log(prices["close"].to_numpy()), prepend=np.log(100.0))
    whole = judged(prices)
    after = whole.study.sealed.start + 12  # the last judged bars still wait for their outcome
    logs[after:] = np.random.default_rng(2).permutation(logs[after:])
    broken = judged(simulate.frame(logs, 11))
    for name, estimate in whole.models[0].metrics.items():
        # Running sums of the features round in the last digits.
        assert broken.models[0].metrics[name].value == pytest.approx(estimate.value, rel=1e-9), name
    assert broken.verdict.evidence.p == whole.verdict.evidence.p
    assert broken.verdict.evidence.sealed != whole.verdict.evidence.sealed


def test_settings_are_worth_a_search_only_where_they_could_be_the_answer() -> None:
    asked = study.default_question("direction", (12,), 5)
    prepared = study.prepare("btc", "simulated", simulate.gbm(11_000, 5), asked)
    own = judge.walk(prepared, LINEAR, seed=1)
    assert {rule.is_scout for rule in own} == {True, False}

    def is_near(at_scout: float, at_asked: float) -> bool:
        """With block sums of nothing, raised at either horizon by so many deviations over the root of their number."""
        drawn = np.random.default_rng(3)
        changed = []
        for rule in own:
            raised = at_scout if rule.is_scout else at_asked
            some = rule.trial.sums["signal"]
            noise = drawn.normal(0, 1, len(some))
            sums = noise - noise.mean() + raised / np.sqrt(len(some))
            tests = {"signal": sums, "late": sums, "net": sums - 1.0}
            changed.append(replace(rule, trial=replace(rule.trial, sums=tests)))
        return verdict.is_near(prepared, judge.compare([prepared], changed), changed, 1)

    assert is_near(0.0, 1.9)
    assert not is_near(1.9, 0.0)  # too quick for the horizon asked for
    assert not is_near(0.0, 0.0)  # hopeless
    assert not is_near(0.0, 5.0)  # there without a search
