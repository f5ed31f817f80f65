"""One series through the judging function: the verdict, what a claim was truly worth, and the naive ways beside it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.honesty import naive
from benchmarks.honesty.worlds import KINDS, World
from engine.science import backtest, candidates, judge, study
from engine.science.candidates import Candidate
from engine.science.study import Question, Study

COIN = "coin"


@dataclass(frozen=True)
class Outcome:
    """What was said of one series. `true_net` is the expected result of the chosen rule on the judged span, in
    shares, after costs and without its mean exposure: what it would earn on average over all luck."""

    kind: str
    seed: int
    cost_bps: float
    decision: str
    finding: str
    p_net: float
    p_signal: float
    without_seal: bool
    true_net: float
    naive: dict[str, bool]


def question(world: World, stated_cost_bps: float | None = None) -> Question:
    """The question that the product asks of such a series."""
    return study.default_question(
        "direction", (world.horizon_bars,), 5, drivers=tuple(world.drivers), stated_cost_bps=stated_cost_bps
    )


def rows(kind: str, seed: int, with_naive: bool) -> list[dict[str, Any]]:
    """Judge one series; its outcomes as plain JSON. `is_usual` tells the one at the usual costs."""
    found = outcomes(kind, seed, with_naive=with_naive)
    return [{**asdict(outcome), "is_usual": number == 0} for number, outcome in enumerate(found)]


def outcomes(kind: str, seed: int, *, with_naive: bool) -> list[Outcome]:
    """Judge one series at the usual costs and, where nothing is there to be found, where the goal says that there are none.

    The forecasts do not depend on the costs: they are made once.
    """
    world = KINDS[kind].make(seed)
    asked = question(world)
    prepared = study.prepare(COIN, "simulated", world.prices, asked, drivers=world.drivers)
    own = judge.walk(prepared, judge.default_models(asked), seed=seed)
    beaten = naive.claims(prepared, own, seed) if with_naive and KINDS[kind].group == "null" else {}
    found = [_outcome(kind, seed, world, prepared, own, beaten)]
    if KINDS[kind].group == "null":
        free = question(world, 0.0)
        again = study.prepare(
            COIN, "simulated", world.prices, free, drivers=world.drivers, table=prepared.features
        )
        walked = {id(c.out_of_sample): c.out_of_sample for c in own}
        rules = [rule for forecast in walked.values() for rule in candidates.evaluate(again, forecast, seed)]
        found.append(_outcome(kind, seed, world, again, rules, {}))
    return found


def _outcome(
    kind: str, seed: int, world: World, prepared: Study, own: list[Candidate], beaten: dict[str, bool]
) -> Outcome:
    judged = judge.decide(prepared, judge.compare([prepared], own), own, seed=seed)
    evidence = judged.verdict.evidence
    return Outcome(
        kind=kind,
        seed=seed,
        cost_bps=prepared.cost.bps,
        decision=str(judged.verdict.decision),
        finding=str(judged.verdict.finding),
        p_net=evidence.p.deciding,
        p_signal=evidence.p.signal if evidence.p.signal is not None else 1.0,
        without_seal=evidence.p.deciding <= 0.05
        and 2 * evidence.folds_positive > evidence.folds
        and evidence.blocks >= 30,
        true_net=true_net(world, judged.chosen),
        naive=beaten,
    )


def true_net(world: World, chosen: Candidate) -> float:
    """The expected result of a rule, were the judged span drawn again and again."""
    positions, study = chosen.positions, chosen.study
    assert positions is not None, "a direction is traded"
    expected = world.expected[study.judged]
    earned = (positions - positions.mean()) * (expected - expected.mean())
    paid = study.cost.share * backtest.changes(positions)
    return float(np.sum(earned - paid))
