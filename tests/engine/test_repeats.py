"""A run done again, and its model applied later: the same figures whatever happened in between."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from bots import differences
from engine import forecasting
from engine.outcome import Completed, Failed
from engine.science import simulate
from storage import prices
from storage.models import AnalysisSession, Artifact, PriceBar
from storage.series import SIMULATED
from tests.engine.houses import House, repeat

GOAL = "will btc close higher in the next hour? last 35 days, logistic regression"
NEWEST = datetime(2026, 10, 1, tzinfo=UTC)


def finished(house: House, session_id: uuid.UUID) -> dict[str, Any]:
    outcome = house.run(session_id)
    assert isinstance(outcome, Completed), outcome
    return outcome.result


def come(house: House, bars: int, seed: int = 5) -> list[float]:
    """New bars of btc arrive; returns their closes."""
    drawn = simulate.gbm(bars, seed, sigma=0.002)
    with house.database.begin() as db:
        last = db.scalar(
            sa.select(PriceBar.close).filter_by(coin_type="btc").order_by(PriceBar.timestamp.desc()).limit(1)
        )
        assert last is not None
        scale = last / 100.0
        stamps = [NEWEST + timedelta(minutes=5 * number) for number in range(bars)]
        columns = {
            name: pa.array(drawn[name].to_numpy() * scale) for name in ("open", "high", "low", "close")
        }
        table = pa.table(
            {"coin": pa.repeat("btc", bars), "timestamp": pa.array(stamps, pa.timestamp("us", tz="UTC"))}
            | columns
            | {"volume": pa.array(drawn["volume"].to_numpy())}
        )
        prices.upsert(db, SIMULATED, table)
    return [float(close) for close in columns["close"].to_pylist()]


def test_a_repeat_has_the_same_figures_though_prices_and_ledger_have_moved_on(house: House) -> None:
    original = house.open(GOAL)
    first = finished(house, original)
    between = finished(house, house.open(GOAL.replace("next hour", "next 30 minutes")))
    assert between["verdict"]["candidates_counted"] > between["verdict"]["candidates"]
    come(house, 600)
    with house.database.begin() as db:
        db.execute(sa.update(PriceBar).values(close=PriceBar.close * 1.01))
    again = finished(house, repeat(house, original))
    found = differences.compare(first, again)
    assert (found.inputs, found.figures) == ((), ())
    assert found.compared > 40
    assert again["verdict"]["ledger_position"] == first["verdict"]["ledger_position"]
    # Asked anew the same words meet other prices, and what was tried counts.
    anew = finished(house, house.open(GOAL))
    names = {known.name for known in differences.compare(first, anew).inputs}
    assert {"prices", "end", "earlier trials counted"} <= names


def test_without_its_file_a_repeat_takes_the_table_if_it_still_says_the_same(house: House) -> None:
    original = house.open(GOAL)
    first = finished(house, original)
    with house.database.begin() as db:
        kept = list(db.scalars(sa.select(Artifact).filter_by(session_id=original, kind="prices")))
    loaded = next(file for file in kept if "health" not in file.details)
    house.store.delete(loaded.sha256)
    again = finished(house, repeat(house, original))
    assert differences.compare(first, again).figures == ()
    house.store.delete(loaded.sha256)
    with house.database.begin() as db:
        db.execute(sa.update(PriceBar).values(close=PriceBar.close * 1.01))
    refused = house.run(repeat(house, original))
    assert isinstance(refused, Failed)
    assert "those held now are others" in refused.message


def test_a_model_is_applied_to_newer_prices_and_its_forecasts_are_scored_when_theirs_have_come(
    house: House,
) -> None:
    session_id = house.open(GOAL)
    finished(house, session_id)
    with house.database.begin() as db:
        run = db.get_one(AnalysisSession, session_id)
    (first,) = forecasting.predict(house.database, house.store, run)
    assert first.known_at == NEWEST
    assert first.due_at == NEWEST + timedelta(hours=1)
    assert 0 < first.said < 1
    assert first.side in (-1, 0, 1)
    assert (first.scored, first.waiting) == (0, 1)
    assert first.promise is not None
    (same,) = forecasting.predict(house.database, house.store, run)
    assert (same.said, same.waiting) == (first.said, 1)

    closes = come(house, 18)
    (second,) = forecasting.predict(house.database, house.store, run)
    assert second.known_at == NEWEST + timedelta(minutes=90)
    assert (second.scored, second.waiting) == (1, 1)
    rose = closes[11] > first.price
    assert second.hits == int((first.said > 0.5) == rose)
    assert second.loss == pytest.approx((first.said - rose) ** 2)
    assert not second.drift.is_there


def test_a_run_without_a_model_has_nothing_to_apply(house: House) -> None:
    session_id = house.open("show the volatility of btc over the last 20 days")
    finished(house, session_id)
    with house.database.begin() as db:
        run = db.get_one(AnalysisSession, session_id)
    with pytest.raises(forecasting.NothingToApply, match="no model to apply"):
        forecasting.predict(house.database, house.store, run)
