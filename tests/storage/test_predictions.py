"""Predictions are kept once and scored by the prices that come: by hand for each target."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select

from storage import predictions, prices, sessions, users
from storage.database import Database
from storage.models import AnalysisSession, ForwardPrediction

START = datetime(2024, 1, 1, tzinfo=UTC)
CLOSES = [100.0, 101.0, 99.0, 102.0, 104.0, 103.0]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.begin() as db:
        hold(db, CLOSES[:2])
    yield database
    database.close()


@pytest.fixture
def run(database: Database) -> AnalysisSession:
    with database.begin() as db:
        ann = users.identify(db, "terminal", "local", "ann", "Ann")
        return sessions.create(
            db, workspace="local", owner_id=ann.id, platform="terminal", channel="tty", thread="t", goal="?"
        )


def hold(db: Any, closes: list[float], at: int = 0) -> None:
    stamps = [START + timedelta(minutes=5 * (at + number)) for number in range(len(closes))]
    table = pa.table({"coin": ["btc"] * len(closes), "timestamp": stamps, "close": closes})
    prices.upsert(db, "simulated", table)


def said(target: str, value: float, *, bars: int = 3, bar_minutes: int = 5) -> dict[str, Any]:
    known = START + timedelta(minutes=10)  # the end of the second bar, whose close is 101
    return {
        "series": "simulated", "coin": "btc", "target": target, "known_at": known,
        "due_at": known + timedelta(minutes=5 * bars), "bar_minutes": bar_minutes, "said": value, "side": 1,
    }  # fmt: skip


def actual(database: Database) -> float | None:
    with database.begin() as db:
        return db.scalars(select(ForwardPrediction)).one().actual


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("direction", 1.0),  # 104 three bars after 101
        ("return", 104 / 101 - 1),
        (
            "volatility",
            0.5 * np.log(np.mean(np.log([99 / 101, 102 / 99, 104 / 102]) ** 2)),
        ),
    ],
)
def test_the_outcome_by_hand(database: Database, run: AnalysisSession, target: str, expected: float) -> None:
    with database.begin() as db:
        predictions.keep(db, run.id, [said(target, 0.6)])
        assert predictions.score(db) == 0  # nothing has come
        hold(db, CLOSES[2:4], at=2)
        assert predictions.score(db) == 0  # one bar is still missing
        hold(db, CLOSES[4:5], at=4)
        assert predictions.score(db) == 1
        assert predictions.score(db) == 0
    assert actual(database) == pytest.approx(expected)


def test_a_gap_at_the_end_takes_the_last_price_known_then(database: Database, run: AnalysisSession) -> None:
    with database.begin() as db:
        predictions.keep(db, run.id, [said("return", 0.01)])
        hold(db, [99.0, 120.0], at=2)
        hold(db, [103.0], at=6)  # bars 4 and 5 never came, a later one did
        assert predictions.score(db) == 1
    assert actual(database) == pytest.approx(120 / 101 - 1)


def test_the_first_prediction_for_a_moment_stands(database: Database, run: AnalysisSession) -> None:
    with database.begin() as db:
        predictions.keep(db, run.id, [said("direction", 0.6)])
        predictions.keep(db, run.id, [said("direction", 0.1)])
        hold(db, CLOSES[2:], at=2)
        predictions.score(db)
        found = predictions.record(db, run.id, "btc", centre=0.5)
    (outcome,) = found.outcomes
    assert outcome.is_hit
    assert outcome.loss == pytest.approx(0.16)
    assert found.waiting == 0


def test_what_was_asked_for_another_run_or_coin_is_not_its_record(
    database: Database, run: AnalysisSession
) -> None:
    with database.begin() as db:
        predictions.keep(db, run.id, [said("direction", 0.6)])
        assert predictions.record(db, run.id, "eth", centre=0.5) == predictions.Record((), 0)
        assert predictions.record(db, run.id, "btc", centre=0.5).waiting == 1
