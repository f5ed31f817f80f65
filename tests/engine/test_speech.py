"""What the engine says is said in every language: no sentence without its German, no place of a value lost on the way."""

import ast
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import speech
from engine.science.charts import numbers
from engine.science.errors import TooFewBars
from engine.speech import said, say, speaking
from engine.speech.german import findings, goals, results, running, verdicts

ROOT = Path(__file__).parents[2]
GERMAN = speech.LANGUAGES["de"].sentences
# Exceptions that are worded where they are read.
WORDED_ERRORS = {"TooFewBars", "BadPrices", "Unanswerable"}


def sentences() -> Iterator[tuple[str, str]]:
    """Every sentence that `say`, `said` or an error is given as it stands, and where."""
    for path in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in {"say", "said", *WORDED_ERRORS}:
                for text in literals(node.args[0]):
                    yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def literals(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: one, or the two of a choice."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from literals(one)
            yield from literals(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from literals(value)


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def has_words(template: str) -> bool:
    literal = "".join(text for text, *_ in string.Formatter().parse(template))
    return any(word.isalpha() and len(word) > 1 for word in literal.split())


def test_every_sentence_of_the_engine_has_its_german() -> None:
    missing = [f"{where}: {text}" for text, where in sentences() if has_words(text) and text not in GERMAN]
    assert missing == []


def test_german_keeps_every_value_and_says_each_sentence_one_way() -> None:
    for english, german in GERMAN.items():
        assert places(english) == places(german), english
    parts = (goals.GOALS, running.RUNNING, verdicts.VERDICTS, results.RESULTS, findings.FINDINGS)
    for one in parts:
        for other in parts:
            for text in one.keys() & other.keys():
                assert one[text] == other[text], text


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ("25,920 bars, 0.5 p", "+12 %", "2 days", "15 Aug", "2023-08-15 06:00 UTC", "1.5 years")),
        (
            "de-AT",
            ("25.920 Kerzen, 0,5 p", "+12 %", "2 Tage", "15. Aug.", "15.08.2023 06:00 UTC", "1,5 Jahre"),
        ),
        ("fr", ("25,920 bars, 0.5 p", "+12 %", "2 days", "15 Aug", "2023-08-15 06:00 UTC", "1.5 years")),
    ],
)
def test_numbers_dates_and_plurals_are_those_of_the_language(language: str, written: tuple[str, ...]) -> None:
    moment = datetime(2023, 8, 15, 6, tzinfo=UTC)
    with speaking(language):
        found = (
            f"{numbers.plural(25_920, 'bar')}, {numbers.number(0.5, 1)} p",
            numbers.percent(0.12).replace(numbers.THIN, " "),
            numbers.interval(2 * 1_440),
            numbers.day(moment),
            numbers.minute(moment),
            f"{numbers.signed(1.5, 1)} {speech.noun(1.5, 'year')}",
        )
    assert found == written


def test_a_sentence_kept_is_worded_by_whoever_reads_it() -> None:
    kept = said("{coin}: {reason}", coin="BTC", reason=said("{n:.1f} days", n=9.5))
    back = speech.read(kept.as_json())
    assert str(back) == str(kept) == "BTC: 9.5 days"
    error = TooFewBars("There are no prices in this period; choose another one.")
    with speaking("de"):
        assert str(back) == "BTC: 9,5 Tage"
        assert str(error).startswith("In diesem Zeitraum gibt es keine Kurse")
        with speaking("en"):
            assert "no prices" in str(error)
        assert say("no edge") == "kein Vorteil"
    assert say("no edge") == "no edge"
