"""Prices that can carry no answer: the run ends with the reason in the verdict's place and no figure that means nothing."""

import json

import pytest
import sqlalchemy as sa

from engine.outcome import Completed
from tests.engine.houses import House

GOAL = "will btc close higher in the next hour? last 20 days, logistic regression"
NEWEST = "timestamptz '2026-10-01 00:00Z'"

CASES = {
    "constant": (GOAL, "update price_data_5min set open=7, high=7, low=7, close=7", "never changes"),
    "one class only": (
        GOAL,
        "update price_data_5min set close = 100 + extract(epoch from timestamp - timestamptz '2026-08-01Z') / 1e6",
        "always stood higher 60 minutes later",
    ),
    "venue down": (
        GOAL,
        "update price_data_5min set open=9, high=9, low=9, close=9 "
        f"where timestamp > {NEWEST} - interval '16 days' and timestamp < {NEWEST} - interval '2 days'",
        "stands still in",
    ),
    "hole": (
        GOAL,
        f"delete from price_data_5min where timestamp > {NEWEST} - interval '18 days' "
        f"and timestamp < {NEWEST} - interval '1 day'",
        "longer period",
    ),
    "too little": (GOAL.replace("20 days", "1 day"), None, "longer period"),
    "horizon beyond the data": (
        "will btc close higher in the next 10 days? last 20 days, logistic regression", None, "shorter horizon"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_reason_stands_in_the_verdicts_place(house: House, case: str) -> None:
    goal, change, said = CASES[case]
    if change is not None:
        with house.database.begin() as db:
            db.execute(sa.text(change))
    outcome = house.run(house.open(goal))
    assert isinstance(outcome, Completed), outcome
    verdict = outcome.result["verdict"]
    assert verdict["decision"] == "not_enough_data"
    assert said in verdict["reason"]
    assert verdict["p_value"] is None
    assert outcome.result["models"] == []
    assert outcome.payload["finish"]["verdict_line"].startswith("Verdict: not enough data")
    assert said in json.dumps(outcome.payload["finish"], ensure_ascii=False)
    named = {file["name"]: file["sha256"] for file in outcome.payload["files"]}
    report = house.store.read(named["report.md"]).decode()
    assert said in report
    assert "nan" not in report.lower().split()
    assert house.store.read(named["report.pdf"]).startswith(b"%PDF")
    assert {"metrics.json", "data.parquet"} <= set(named)
