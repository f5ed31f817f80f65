"""Sessions run in this process on a small simulated sample, for every test of the engine."""

from tests.engine.llm.conftest import house as house
from tests.engine.llm.conftest import stocked as stocked
