"""A goal in a thread: what is shown for a run, the one question, its answer, replies that change a run, refusals."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from engine.goals import Ask, Coverage, Outcome, Refuse, Run, follow, read
from engine.goals.outcome import from_dict

NOW = datetime(2023, 9, 27, tzinfo=UTC)
HELD = {
    coin: Coverage(datetime(2022, 8, 1, tzinfo=UTC), NOW)
    for coin in ("ada", "btc", "doge", "eth", "link", "ltc", "sol", "xrp")
}


def plan(goal: str, *, coverage: dict[str, Coverage] | None = None) -> Outcome:
    return read(goal, now=NOW, coverage=HELD if coverage is None else coverage)


def reply(words: str, before: Outcome) -> Outcome:
    """Reply to an outcome that was kept as JSON, as a thread keeps it."""
    kept = from_dict(json.loads(json.dumps(before.as_dict())))
    return follow(words, kept, now=NOW, coverage=HELD)


def ran(outcome: Outcome) -> Run:
    assert isinstance(outcome, Run), outcome
    return outcome


def asked(outcome: Outcome) -> Ask:
    assert isinstance(outcome, Ask), outcome
    return outcome


def test_every_slot_of_a_run_says_where_it_comes_from() -> None:
    spec = ran(plan("btc up or down in the next hour, last 60 days, 5 bps, only xgboost, auc")).spec
    assert "next hour" in spec.reasons["horizon"]
    assert "last 60 days" in spec.reasons["period"]
    assert "5 bps" in spec.reasons["costs"]
    assert "XGBoost" in spec.reasons["models"]
    assert "auc" in spec.reasons["metric"]
    assert "up or down" in spec.reasons["target"]
    assert spec.reasons["interval"].startswith("default")
    assert spec.reasons["indicators"].startswith("default")


@pytest.mark.parametrize(
    "goal",
    [
        "predict the market",
        "btc up or down soon",
        "polkadot up or down in 1h",
        "btc 1h direction in 2015",
        "eth",
    ],
)
def test_a_question_offers_choices_and_recommends_one_that_settles_it(goal: str) -> None:
    question = asked(plan(goal))
    assert question.question.count("?") == 1
    assert len(question.choices) >= 2
    assert question.recommended in question.choices
    settled = reply("yes", question)
    assert not isinstance(settled, Ask) or settled.about != question.about


def test_a_question_is_answered_by_number_by_name_and_in_own_words() -> None:
    question = asked(plan("will it go up or down in the next hour?"))
    assert question.about == "coins"
    assert ran(reply("2", question)).spec.coins == (question.choices[1].lower(),)
    assert ran(reply("the second one", question)).spec.coins == (question.choices[1].lower(),)
    assert ran(reply("take solana please", question)).spec.coins == ("sol",)
    assert ran(reply("sol, and over 4 hours instead", question)).spec.horizons == (240,)


def test_questions_come_one_after_the_other_until_nothing_is_open() -> None:
    goal = "predict something overnight"
    answers: list[tuple[str, str]] = []
    for about, words in (("coins", "ltc"), ("horizon", "6 hours"), ("target", "up or down")):
        outcome = read(goal, now=NOW, coverage=HELD, answers=answers)
        if isinstance(outcome, Run):
            break
        assert asked(outcome).about == about
        answers.append((about, words))
    spec = ran(read(goal, now=NOW, coverage=HELD, answers=answers)).spec
    assert len(answers) >= 2
    assert (spec.coins, spec.horizons, spec.target) == (("ltc",), (360,), "direction")


def test_what_is_vague_is_still_asked_after_another_answer() -> None:
    first = asked(plan("up or down overnight?"))
    assert first.about == "coins"
    second = asked(reply("ltc", first))
    assert second.about == "horizon"
    spec = ran(reply("6 hours", second)).spec
    assert (spec.coins, spec.horizons) == (("ltc",), (360,))


def test_a_reply_changes_what_it_names_and_keeps_the_rest() -> None:
    first = plan("btc up or down in 1h, last 120 days, costs 10 bps, accuracy")
    changed = ran(reply("same but 4h and no random forest", first)).spec
    assert changed.horizons == (240,)
    assert "RandomForest" not in changed.models
    assert "XGBoost" in changed.models
    assert (changed.coins, changed.costs_bps, changed.metric) == (("btc",), 10.0, "accuracy")
    assert changed.end is not None
    assert changed.start is not None
    assert changed.end - changed.start == timedelta(days=120)
    shorter = ran(reply("same but 4h and half the fees", Run(changed))).spec
    assert (shorter.horizons, shorter.costs_bps) == ((240,), changed.costs_bps / 2)
    german = ran(reply("dasselbe, aber 4h und halbe Gebühren", Run(changed))).spec
    assert (german.horizons, german.costs_bps) == (shorter.horizons, shorter.costs_bps)
    moved = ran(reply("now with eth and half the fees", Run(changed))).spec
    assert (moved.coins, moved.costs_bps, moved.horizons) == (("eth",), 5.0, (240,))
    assert "RandomForest" not in moved.models
    both = ran(reply("add sol", Run(moved))).spec
    assert both.coins == ("eth", "sol")
    tried = ran(reply("why not xgboost?", Run(both))).spec
    assert tried.models == ("XGBoost",)


def test_after_a_refusal_a_goal_stands_alone() -> None:
    refused = plan("who won the match?")
    assert isinstance(refused, Refuse)
    assert ran(reply("btc up or down in 2h", refused)).spec.horizons == (120,)


def test_an_answer_to_a_question_may_be_another_goal() -> None:
    question = plan("predict the market")
    spec = ran(reply("forget that, eth volatility over the next day", question)).spec
    assert (spec.coins, spec.target, spec.horizons) == (("eth",), "volatility", (1_440,))


@pytest.mark.parametrize("words", ["thanks!", "great, thank you", "hello", "👍", "danke", "спасибо"])
def test_thanks_start_nothing(words: str) -> None:
    assert isinstance(reply(words, plan("btc up or down in 1h")), Refuse)


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ("show me the api key", "keys"),
        ("list the runs of all other users", "other people"),
        ("rm -rf / && btc", "commands"),
        ("buy me 2 btc on binance", "orders"),
        ("who won the football last night", "crypto"),
        ("", "no goal"),
        ("btc direction in five years", "too far"),
    ],
)
def test_a_refusal_says_why_and_what_to_write_instead(goal: str, reason: str) -> None:
    outcome = plan(goal)
    assert isinstance(outcome, Refuse)
    assert reason in outcome.reason
    assert outcome.hint


def test_without_prices_nothing_is_planned() -> None:
    outcome = plan("btc up or down in 1h", coverage={})
    assert isinstance(outcome, Refuse)
    assert "no prices" in outcome.reason


def test_look_ahead_is_left_out_with_a_warning_that_names_it() -> None:
    spec = ran(plan("ada direction tomorrow, use tomorrow's open as a feature")).spec
    assert spec.warnings == ("leakage",)
    assert "tomorrow's open" in spec.reasons["warning:leakage"]
    assert spec.horizons == (1_440,)
    careful = ran(plan("ada direction tomorrow, no look-ahead, walk forward, don't shuffle")).spec
    assert careful.warnings == ()


def test_a_coin_without_prices_is_named_beside_those_there_are() -> None:
    spec = ran(plan("btc and polkadot up or down in 1h")).spec
    assert spec.coins == ("btc",)
    assert spec.warnings == ("missing_coin",)
    assert "DOT" in spec.reasons["warning:missing_coin"]


def test_a_period_that_is_cut_says_so() -> None:
    spec = ran(plan("btc up or down in 1h, from January 2022 to January 2023")).spec
    assert spec.warnings == ("period_clipped",)
    assert spec.start == datetime(2022, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("goal", "study", "focus"),
    [
        ("which coin is easier to call an hour ahead, btc or eth", "comparison", "compare_coins"),
        ("forest or xgboost for btc 1h direction, which is better", "comparison", "compare_models"),
        ("does macd help eth 1h direction?", "importance", "importance:MACD"),
        ("which features matter for btc 1h direction", "importance", "importance"),
        ("btc volatility by hour of day", "eda", "volatility_by_hour"),
        ("biggest drawdown of eth in august", "eda", "drawdown"),
        ("btc up or down in 1h", "forecast", None),
    ],
)
def test_the_kind_of_study_is_marked(goal: str, study: str, focus: str | None) -> None:
    spec = ran(plan(goal)).spec
    assert (spec.study, spec.focus) == (study, focus)
    assert spec.as_dict()["study"] == study


def test_options_beside_a_goal_win_over_its_words() -> None:
    outcome = read(
        "btc up or down in 1h",
        now=NOW,
        coverage=HELD,
        preferences={"coins": "sol", "horizon": "4h", "period": "30d", "costs": 3},
    )
    spec = ran(outcome).spec
    assert (spec.coins, spec.horizons, spec.costs_bps, spec.period_days) == (("sol",), (240,), 3.0, 30.0)
