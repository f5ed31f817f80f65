"""What a comparison and a weighing of features may claim, from figures made by hand."""

import pytest

from engine.report import studies
from engine.science.comparing import Comparison, Contrast, Standing
from engine.science.importance import Contribution, Importance
from engine.science.metrics import Estimate
from tests.engine.report.examples import direction

SOURCE = direction().source()


def contribution(name: str, value: float, low: float, high: float) -> Contribution:
    return Contribution(name, (name,), Estimate(value, low, high))


def importance(*groups: Contribution) -> Importance:
    return Importance("btc", "LogisticRegression", "auc", Estimate(0.54, 0.53, 0.55), groups, groups)


def test_what_matters_most_is_a_group_that_matters_beyond_chance() -> None:
    unclear, clear = (
        contribution("past volatility", 0.010, -0.003, 0.023),
        contribution("RSI", 0.009, 0.001, 0.02),
    )
    part = studies.weighed(importance(unclear, clear), SOURCE)
    assert part.finding.title == "RSI matters most for BTC: 0.9 points of AUC lost without it"
    assert "Nothing else counts beyond chance." in part.finding.text


def test_without_a_clear_group_nothing_is_said_to_matter() -> None:
    part = studies.weighed(importance(contribution("past returns", 0.01, -0.01, 0.03)), SOURCE)
    assert part.finding.title == "No group of features helps BTC beyond chance"


def test_where_features_are_asked_about_they_come_one_by_one() -> None:
    found = importance(*(contribution(f"f{n}", 0.02 - n / 1_000, 0.001, 0.03) for n in range(12)))
    part = studies.weighed(found, SOURCE, lead=True)
    assert part.finding.table is not None
    assert [row[0] for row in part.finding.table.rows] == [f"f{n}" for n in range(10)]
    assert part.finding.chart == "importance"
    assert part.more is not None
    assert part.more.table is not None
    assert part.more.table.columns[0].label == "Group"


@pytest.mark.parametrize("is_with_ahead", [True, False])
def test_the_difference_is_that_of_putting_the_doubted_feature_in(is_with_ahead: bool) -> None:
    names = ["with MACD", "without MACD"] if is_with_ahead else ["without MACD", "with MACD"]
    standings = (
        Standing(names[0], Estimate(0.560, 0.54, 0.58), None, 0.8),
        Standing(names[1], Estimate(0.555, 0.53, 0.57), Estimate(0.005, 0.001, 0.009), 0.2),
    )
    part = studies.compared(
        Contrast("features", "MACD", ("btc",), 60, Comparison("auc", standings, 4)), SOURCE
    )
    assert part.finding.title == f"MACD {'helps' if is_with_ahead else 'does not help'} to forecast BTC"
    wanted = "+0.5 points of AUC" if is_with_ahead else "−0.5 points of AUC"
    assert wanted in part.finding.text
    assert f"with − without {'+' if is_with_ahead else '−'}0.5" in part.chart.alt
