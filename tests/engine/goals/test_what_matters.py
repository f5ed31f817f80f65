"""Goals that ask what the features are worth, and those that only sound like it."""

from datetime import UTC, datetime

import pytest

from engine.goals import Ask, Coverage, Run, Spec, read

NOW = datetime(2023, 9, 27, tzinfo=UTC)
HELD = {
    coin: Coverage(datetime(2022, 8, 1, tzinfo=UTC), NOW)
    for coin in ("btc", "doge", "eth", "ltc", "sol", "xrp")
}


def spec_of(goal: str) -> Spec:
    outcome = read(goal, now=NOW, coverage=HELD)
    assert isinstance(outcome, Run), outcome
    return outcome.spec


@pytest.mark.parametrize(
    ("goal", "coin", "target", "horizon"),
    [
        ("top 10 features for btc 1h", "btc", "direction", 60),
        ("which features matter most for eth", "eth", "direction", 60),
        ("what are the top 5 features for sol 4h?", "sol", "direction", 240),
        ("best features for predicting btc", "btc", "direction", 60),
        ("rank the features for btc 1h", "btc", "direction", 60),
        ("top ten indicators for btc over the next 4 hours", "btc", "direction", 240),
        ("what features should I use for btc?", "btc", "direction", 60),
        ("what are the strongest predictors of eth returns in 4h?", "eth", "return", 240),
        ("which signals work best for ltc 1h", "ltc", "direction", 60),
        ("key features btc", "btc", "direction", 60),
        ("most important features for doge volatility", "doge", "volatility", 60),
        ("what drives the volatility of xrp over the next hour?", "xrp", "volatility", 60),
        ("die 10 besten merkmale für btc 1h", "btc", "direction", 60),
        ("les 5 meilleures variables pour eth 4h", "eth", "direction", 240),
        ("las 10 mejores características para sol 1h", "sol", "direction", 60),
        ("i 10 migliori indicatori per btc 1h", "btc", "direction", 60),
        ("as 5 melhores variáveis para eth 1h", "eth", "direction", 60),
        ("de 10 beste kenmerken voor btc 1h", "btc", "direction", 60),
    ],
)
def test_a_rank_of_features_is_a_question_of_importance(
    goal: str, coin: str, target: str, horizon: int
) -> None:
    spec = spec_of(goal)
    assert (spec.study, spec.coins, spec.target, spec.horizons) == ("importance", (coin,), target, (horizon,))
    assert not spec.warnings


@pytest.mark.parametrize(
    "goal",
    [
        "predict btc direction 1h using the best features",
        "predict btc 1h with the top 10 features",
        "will btc go up in the next hour? pick the best indicators yourself",
        "direction of btc 1h, features: returns of eth",
    ],
)
def test_features_that_are_only_used_are_no_question_of_importance(goal: str) -> None:
    assert spec_of(goal).study == "forecast"


def test_features_of_no_coin_are_asked_about() -> None:
    outcome = read("top 10 features", now=NOW, coverage=HELD)
    assert isinstance(outcome, Ask)
    assert outcome.about == "coins"
