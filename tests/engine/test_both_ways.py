"""A goal in words and the judging function put the same question to the same prices: they must say the same."""

import pandas as pd
import pytest

from engine.outcome import Completed
from engine.science import judge, study
from engine.science.estimators import ModelSpec
from storage import prices
from storage.series import SIMULATED
from tests.engine.houses import House


def test_the_front_door_and_the_judging_function_agree(house: House) -> None:
    outcome = house.run(
        house.open("will btc close higher in the next hour? last 35 days, logistic regression")
    )
    assert isinstance(outcome, Completed), outcome
    told = outcome.result
    spec = told["spec"]
    start, end = (pd.Timestamp(spec[name]).to_pydatetime() for name in ("start", "end"))
    with house.database.begin() as db:
        table = prices.load(db.connection(), SIMULATED, ["btc"], start, end)
    frame = table.to_pandas().set_index("timestamp").drop(columns="coin")
    found = judge.judge(
        "btc",
        SIMULATED,
        frame,
        study.default_question("direction", (12,), 5, indicators=tuple(spec["indicators"])),
        seed=told["seed"],
        models=[ModelSpec.of(name, "classification") for name in spec["models"]],
    )
    verdict, evidence = told["verdict"], found.verdict.evidence
    assert verdict["decision"] == found.verdict.decision
    assert verdict["reason"] == found.verdict.reason
    assert verdict["p_value"] == pytest.approx(found.verdict.p_value)
    assert verdict["p_signal"] == pytest.approx(evidence.p.signal)
    assert verdict["sealed_return"] == pytest.approx(evidence.sealed.return_after_costs)
    chosen = next(model for model in found.models if model.is_chosen)
    assert chosen.account is not None
    figures = next(model for model in told["models"] if model["name"] == verdict["best_model"])["metrics"]
    assert figures["net_return"]["value"] == pytest.approx(chosen.account.return_after_costs)
    assert figures["accuracy"]["value"] == pytest.approx(chosen.metrics["accuracy"].value)
    for mine, baseline in zip(told["baselines"], found.baselines, strict=True):
        for name, estimate in baseline.metrics.items():
            assert mine["metrics"][name]["value"] == pytest.approx(estimate.value), (mine["name"], name)
