"""A house with simulated prices for whole sessions: servers and a folder of their own, gone afterwards."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from engine.science import simulate
from storage import prices
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect
from storage.series import SIMULATED
from tests.engine.houses import House

NEWEST = datetime(2026, 10, 1, tzinfo=UTC)
# btc and eth have no edge by construction, sol has a hidden drift, xrp follows doge by a bar.
COINS = {"btc": "flat", "eth": "wild", "sol": "tide", "xrp": "echo", "doge": "lead"}


@contextmanager
def house(days: int, seed: int = 7) -> Iterator[House]:
    """A database with `days` of simulated prices of each coin."""
    with tempfile.TemporaryDirectory(
        prefix="omc-models-", dir="/dev/shm", ignore_cleanup_errors=True
    ) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with connect(ServiceSettings(), home / "home", grace_seconds=0) as services:
            upgrade(services.database_url)
            database = Database(services.database_url)
            drawn = simulate.sample(days, seed, NEWEST - timedelta(days=days))
            with database.begin() as db:
                for coin, kind in COINS.items():
                    bars = drawn[kind]
                    names = ("open", "high", "low", "close", "volume")
                    columns = {name: pa.array(bars[name].to_numpy()) for name in names}
                    stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
                    coins = pa.repeat(coin, len(bars))
                    prices.upsert(db, SIMULATED, pa.table({"coin": coins, "timestamp": stamps} | columns))
            yield House(database, open_store(ArtifactSettings(), home / "files"))
            database.close()


def say(line: str = "") -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
