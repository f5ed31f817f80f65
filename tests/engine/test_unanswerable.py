"""Where there can be no answer the reason stands in the verdict's place; what can be mended is mended and said."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlalchemy as sa

from engine.outcome import Completed
from engine.science import indicators
from storage import prices
from storage.series import SIMULATED
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
    "no price at all": (
        GOAL, "update price_data_5min set close = 'NaN' where mod(extract(minute from timestamp)::int, 10) = 0; "
        "update price_data_5min set close = 'Infinity' where close <> 'NaN'", "has a price"
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


def test_a_feature_that_looks_ahead_is_named_in_the_verdicts_place(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = indicators.choose("VWAP").indicator
    peeking = replace(honest, compute=lambda p, n: {"": p["close"].rolling(n).mean().shift(-1)})
    monkeypatch.setitem(indicators._BY_WORD, "VWAP", peeking)
    outcome = house.run(house.open(f"{GOAL}, RSI and VWAP 30"))
    assert isinstance(outcome, Completed), outcome
    verdict = outcome.result["verdict"]
    assert (verdict["decision"], verdict["reason_code"]) == ("not_enough_data", "looks_ahead")
    assert "BTC: VWAP_30 would look into the future: no verdict until that is left out." in verdict["reason"]
    assert (verdict["p_value"], outcome.result["models"]) == (None, [])
    report = house.report(outcome)
    assert "would look into the future: no verdict until that is left out" in report
    assert "More days decide" not in report
    assert "notebook" not in report


def test_prices_that_are_no_numbers_are_left_out_counted_and_said(house: House) -> None:
    holes = {"NaN": 11, "Infinity": 22, "-Infinity": 33, "0": 44}
    with house.database.begin() as db:
        for value, minute in holes.items():
            db.execute(
                sa.text(
                    f"update price_data_5min set close = '{value}' where coin_type = 'btc' "
                    f"and extract(hour from timestamp) = 5 and extract(minute from timestamp) = {minute // 11 * 10}"
                )
            )
        db.execute(
            sa.text("update price_data_5min set volume = 'NaN' where extract(hour from timestamp) = 7")
        )
        db.execute(
            sa.text("update price_data_5min set high = 'Infinity' where extract(hour from timestamp) = 9")
        )
    outcome = house.run(house.open(GOAL))
    assert isinstance(outcome, Completed), outcome
    assert outcome.result["verdict"]["p_value"] is not None
    assert not list(_not_finite(outcome.result))
    (coin,) = outcome.result["data"]["coins"]
    assert coin["missing_bars"] == 4 * 20
    assert "80 bars had no price (NaN, infinite, zero or less) and are treated as missing." in coin["notes"]
    report = house.report(outcome)
    assert "80 bars had no price" in report
    assert "nan" not in report.lower().split()


def test_what_lies_before_a_hole_of_154_days_is_not_used_and_the_report_says_so(house: House) -> None:
    with house.database.begin() as db:
        held = prices.coverage(db, series=SIMULATED, coin="btc")[0]
        early = prices.load(db.connection(), SIMULATED, ["btc"], held.start, held.end)
        at = early.schema.get_field_index("timestamp")
        moved = pc.subtract(early["timestamp"], pa.scalar(timedelta(days=194), pa.duration("us")))
        prices.upsert(db, SIMULATED, early.set_column(at, "timestamp", moved))
    outcome = house.run(house.open(GOAL.replace("20 days", "230 days")))
    assert isinstance(outcome, Completed), outcome
    assert outcome.result["verdict"]["p_value"] is not None
    data = outcome.result["data"]
    assert data["start"] == "2026-08-22T00:00:00Z"
    assert data["coins"][0]["notes"] == [
        "Only the data since 2026-08-22 are used: before that there is a hole."
    ]
    assert data["coins"][0]["missing_bars"] == 0
    assert "Only the data since 2026-08-22 are used" in house.report(outcome)


def _not_finite(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _not_finite(part)
    elif isinstance(value, float) and not abs(value) < float("inf"):
        yield value
