"""No text of any kind makes the reading raise, or take long."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.goals import Ask, Coverage, Refuse, Run, follow, read
from engine.goals.lexicon import read_terms
from engine.goals.text import LONGEST_GOAL, clean

NOW = datetime(2023, 9, 27, tzinfo=UTC)
HELD = {coin: Coverage(datetime(2022, 8, 1, tzinfo=UTC), NOW) for coin in ("btc", "eth", "link", "sol")}
MOST_TERMS = 1_300  # what the reading works on, whatever the length of a goal

words = st.sampled_from(
    [
        "btc",
        "link",
        "sol",
        "eth",
        "up",
        "or",
        "down",
        "next",
        "last",
        "in",
        "1h",
        "4",
        "hours",
        "2h30",
        "M15",
        "candles",
        "ahead",
        "since",
        "until",
        "from",
        "to",
        "May",
        "2023",
        "01/02/2023",
        "2023-05-01",
        "q2",
        "first",
        "week",
        "of",
        "not",
        "without",
        "only",
        "all",
        "but",
        "and",
        ",",
        ".",
        ":",
        ";",
        "(",
        ")",
        "'",
        '"',
        "%",
        "0,1",
        "10",
        "bps",
        "fees",
        "no",
        "half",
        "the",
        "a",
        "random",
        "forest",
        "xgboost",
        "rsi",
        "14",
        "macd",
        "12",
        "26",
        "9",
        "volatility",
        "return",
        "average",
        "drawdown",
        "tomorrow",
        "close",
        "feature",
        "shuffle",
        "nächsten",
        "Stunden",
        "прошлые",
        "часа",
        "時間後",
        "過去",
        "الساعة",
        "القادمة",
        "~",
        "~~",
        "*",
        "_",
        "<@U1>",
        ":eyes:",
        "&amp;",
        ">",
        "1/2",
        "½",
        "t+3",
        "-5",
        "1e9",
        "99999999999",
        "0",
    ]
)
written = st.one_of(
    st.text(max_size=400),
    st.lists(words, max_size=60).map(" ".join),
    st.lists(words, max_size=60).map("".join),
    st.text(st.characters(min_codepoint=0, max_codepoint=0x9F), max_size=200),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written)
def test_any_text_comes_to_an_outcome(text: str) -> None:
    outcome = read(text, now=NOW, coverage=HELD)
    assert isinstance(outcome, Run | Ask | Refuse)
    assert outcome.as_dict()["outcome"] in ("run", "ask", "refuse")
    if isinstance(outcome, Run):
        spec = outcome.spec
        assert spec.coins
        assert spec.start is not None
        assert spec.end is not None
        assert spec.start < spec.end <= NOW
        assert type(spec).from_dict(spec.as_dict()).as_dict() == spec.as_dict()


@settings(max_examples=150, deadline=None)
@given(written, written)
def test_any_reply_comes_to_an_outcome(first: str, second: str) -> None:
    before = read(f"btc up or down in 1h {first}", now=NOW, coverage=HELD)
    assert isinstance(follow(second, before, now=NOW, coverage=HELD), Run | Ask | Refuse)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000,
        "a " * 10_000,
        "btc," * 5_000,
        "1h " * 6_600,
        "2023-05-01 " * 1_800,
        "not xgboost " * 1_600,
        "ビットコインは上がる" * 2_000,
        "no wait " * 2_500,
        "a@" * 10_000,
        "~a" * 10_000,
        "<" * 20_000,
        "scale " * 3_000 + "whole sample",
        "\x00\x1b[31m" * 4_000,
        "🚀" * 20_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_very_long_goal_is_bounded_work(text: str) -> None:
    terms, _ = read_terms(clean(text))
    assert len(terms) <= MOST_TERMS
    assert isinstance(read(text, now=NOW, coverage=HELD), Run | Ask | Refuse)


def test_a_question_at_the_end_of_a_long_text_is_still_read() -> None:
    outcome = read("word " * 3_500 + ". btc up or down in 2h?", now=NOW, coverage=HELD)
    assert isinstance(outcome, Run)
    assert outcome.spec.horizons == (120,)


def test_a_goal_longer_than_any_goal_is_refused() -> None:
    outcome = read("btc up or down in 1h " * 3_000, now=NOW, coverage=HELD)
    assert isinstance(outcome, Refuse)
    assert f"{LONGEST_GOAL:,}" in outcome.reason
