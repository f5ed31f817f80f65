"""One home for all dialogues: simulated prices, and servers that live as long as somebody needs them."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.acceptance.house import House


@pytest.fixture(scope="session")
def shared_house(quick_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="omc-talk-", dir=quick_folder))
    env = {**os.environ, "OMC_HOME": str(home), "TERM": "dumb", "TZ": "UTC"}
    house = House(home, tmp_path_factory.mktemp("shell"), env)
    try:
        made = house.omc("data", "sample", "--days", "30")
        assert made.status == 0, made.err
        yield house
    finally:
        for worker in house.workers:
            worker.kill()
            worker.wait()
        servers.end(home)
        shutil.rmtree(home)


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    env = shared_house.env
    yield shared_house
    shared_house.hush()
    shared_house.env = env
    # Shown with a test that failed.
    for log in sorted((shared_house.home / "logs").glob("*work*.log")):
        sys.stdout.write(f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}\n")
