"""The time a goal gives to a search: told apart from a horizon, kept within bounds, asked about where it is not."""

from datetime import UTC, datetime

import pytest

from engine.goals import Ask, Coverage, Run, Spec, follow, read

NOW = datetime(2023, 9, 27, tzinfo=UTC)
HELD = {coin: Coverage(datetime(2022, 8, 1, tzinfo=UTC), NOW) for coin in ("btc", "eth")}


def spec_of(goal: str, **options: str) -> Spec:
    outcome = read(goal, now=NOW, coverage=HELD, preferences=options)
    assert isinstance(outcome, Run), outcome
    return outcome.spec


@pytest.mark.parametrize(
    ("goal", "seconds"),
    [
        ("will btc go up in the next hour? search for two minutes", 120),
        ("btc direction 1h, search 90 seconds", 90),
        ("btc up or down 1h --search 2m", 120),
        ("predict btc 1h with 5 minutes of automl", 300),
        ("btc 1h direction, spend three minutes searching", 180),
        ("btc 1h direction with a 2 minute search", 120),
        ("btc 1h direction, automl: 1m", 60),
        ("take 2 minutes to find the best model for btc 1h direction", 120),
        ("btc rauf oder runter in der nächsten Stunde, suche 2 Minuten lang", 120),
    ],
)
def test_time_for_a_search_is_read_and_is_no_horizon(goal: str, seconds: int) -> None:
    spec = spec_of(goal)
    assert (spec.search_seconds, spec.horizons) == (seconds, (60,))
    assert "search" in spec.reasons


@pytest.mark.parametrize(
    ("goal", "horizon"),
    [
        ("search the 15 min direction of btc", 15),
        ("research btc direction 15 minutes ahead", 15),
        ("search btc for patterns, direction 30 minutes ahead", 30),
        ("will btc rise in the next 2 hours", 120),
    ],
)
def test_a_horizon_beside_the_word_is_no_time_for_a_search(goal: str, horizon: int) -> None:
    spec = spec_of(goal)
    assert (spec.search_seconds, spec.horizons) == (None, (horizon,))


def test_an_option_says_the_same_and_wins() -> None:
    assert spec_of("will btc go up in the next hour?", search="2m").search_seconds == 120
    assert spec_of("btc direction 1h, search 90 seconds", search="30s").search_seconds == 30


@pytest.mark.parametrize(
    "goal", ["btc direction 1h, search for 2 hours", "btc direction 1h, search for 1 second"]
)
def test_a_search_out_of_bounds_is_asked_about(goal: str) -> None:
    outcome = read(goal, now=NOW, coverage=HELD)
    assert isinstance(outcome, Ask)
    assert outcome.about == "search"
    answered = read(goal, now=NOW, coverage=HELD, answers=[("search", outcome.recommended)])
    assert isinstance(answered, Run)
    assert answered.spec.search_seconds in (120, 1_800)


def test_a_reply_keeps_the_search_and_its_spec_is_read_back() -> None:
    first = read("will btc go up in the next hour? search for two minutes", now=NOW, coverage=HELD)
    then = follow("now eth", first, now=NOW, coverage=HELD)
    assert isinstance(then, Run)
    assert (then.spec.coins, then.spec.search_seconds) == (("eth",), 120)
    assert Spec.from_dict(then.spec.as_dict()).search_seconds == 120
