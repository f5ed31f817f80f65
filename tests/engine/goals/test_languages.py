"""The languages a goal may be written in, and what adding one takes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.goals import Coverage, Run, languages, read, slips, tables

NOW = datetime(2023, 9, 27, tzinfo=UTC)
HELD = {coin: Coverage(datetime(2022, 8, 1, tzinfo=UTC), NOW) for coin in ("btc", "eth")}

SWEDISH = """
from engine.goals.languages import Language

LANGUAGE = Language(
    code="sv",
    name="Swedish",
    decimal=",",
    compounds=True,
    words={
        "up": "stiger | upp | högre",
        "down": "faller | ner | lägre",
        "or": "eller",
        "next": "närmaste | nästa",
        "last": "senaste",
        "number:3": "tre",
        "unit:hour": "timme | timmar | timmarna",
        "unit:day": "dag | dagar | dagarna",
        "cost": "avgift | avgifter",
        "perside": "per sida",
        "skip": "de | under | det | med | i",
    },
)
"""


@pytest.fixture
def swedish(tmp_path: Path) -> Iterator[None]:
    """One more file in the folder of languages."""
    (tmp_path / "swedish.py").write_text(SWEDISH, encoding="utf-8")
    languages.__path__.append(str(tmp_path))
    forget()
    yield
    languages.__path__.remove(str(tmp_path))
    forget()


def forget() -> None:
    languages.languages.cache_clear()
    tables.tables.cache_clear()
    slips._vocabulary.cache_clear()


def test_a_language_is_added_by_one_file(swedish: None) -> None:
    goal = "stiger eller faller bitcoin de närmaste tre timmarna? senaste 60 dagarna, avgift 0,05 % per sida"
    outcome = read(goal, now=NOW, coverage=HELD)
    assert isinstance(outcome, Run)
    spec = outcome.spec
    assert (spec.coins, spec.target, spec.horizons, spec.costs_bps) == (("btc",), "direction", (180,), 5.0)
    assert spec.period_days == 60.0


def test_ten_languages_are_there_and_each_names_the_everyday_things() -> None:
    found = languages.languages()
    assert set(found) == {"ar", "de", "en", "es", "fr", "it", "ja", "nl", "pt", "ru"}
    wanted = {"up", "down", "or", "last", "only", "cost", "perside", "direction"}
    for language in found.values():
        concepts = {key.partition(":")[0] for key in language.words}
        assert wanted <= concepts, (language.name, wanted - concepts)
        assert concepts & {"not", "notpost"}
        units = {key.partition(":")[2] for key in language.words if key.startswith("unit:")}
        assert {"minute", "hour", "day", "week", "month", "year"} <= units
