"""A small simulated sample, and a house in which sessions run on it, for every test of the engine."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from engine.science import simulate
from storage import prices
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database
from storage.embedded import Services
from storage.series import SIMULATED
from tests.engine.houses import House

DAYS = 40


@pytest.fixture(scope="session")
def stocked(services: Services, administrator: psycopg.Connection, template: str) -> str:
    """The name of a database that holds a small sample, never used itself."""
    administrator.execute(f"create database template_stocked template {template}")
    url = services.database_url.replace("/omc?", "/template_stocked?", 1)
    database = Database(url)
    newest = datetime(2026, 10, 1, tzinfo=UTC)
    drawn = simulate.sample(DAYS, 7, newest - timedelta(days=DAYS))
    with database.begin() as db:
        for coin, kind in {"btc": "flat", "eth": "wild"}.items():
            bars = drawn[kind]
            columns = {
                name: pa.array(bars[name].to_numpy()) for name in ("open", "high", "low", "close", "volume")
            }
            stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
            table = pa.table({"coin": pa.repeat(coin, len(bars)), "timestamp": stamps} | columns)
            prices.upsert(db, SIMULATED, table)
    database.close()
    administrator.execute("alter database template_stocked with allow_connections false")
    return "template_stocked"


NUMBERS = itertools.count(1)


@pytest.fixture
def house(
    services: Services, administrator: psycopg.Connection, stocked: str, tmp_path: Path
) -> Iterator[House]:
    name = f"stocked_{next(NUMBERS)}"
    administrator.execute(f"create database {name} template {stocked}")
    database = Database(services.database_url.replace("/omc?", f"/{name}?", 1))
    yield House(database, open_store(ArtifactSettings(), tmp_path))
    database.close()
    administrator.execute(f"drop database {name} with (force)")
