"""One sandbox for all tests of this folder: loading the libraries costs seconds."""

import sys
from collections.abc import Iterator

import pandas as pd
import pytest

from sandbox import Sandbox, SandboxError
from tests.sandbox.trial import Bait, lay_bait, make_prices


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without the extra wall of namespaces, which many hosts do not have."""
    if sys.platform != "linux":
        pytest.skip("code can be held on Linux only")
    with Sandbox.start(namespaces=False) as sandbox:
        try:
            sandbox.check()
        except SandboxError as error:
            pytest.skip(str(error))
        sandbox.run("result = 1")  # the libraries are loaded now, not during the first test
        yield sandbox


@pytest.fixture(scope="session")
def bait() -> Iterator[Bait]:
    with lay_bait() as bait:
        yield bait


@pytest.fixture(scope="session")
def prices() -> pd.DataFrame:
    return make_prices()
