"""Two results side by side: the inputs that differ are named, and each figure is laid at the right one's door."""

from copy import deepcopy
from typing import Any

import pytest

from bots import differences
from bots.words import words_of

RESULT: dict[str, Any] = {
    "run": "R-1",
    "spec": {"coins": ["btc"], "horizon": "1h", "costs_bps": 12.0, "models": ["XGBoost"], "reasons": {"coins": "said"}},
    "data": {"series": "binance:usdt", "hash": "a" * 64, "effective_cost_bps": 12.0},
    "models": [{"name": "XGBoost", "metrics": {"accuracy": {"value": 0.52}, "net_return": {"value": -0.1}}}],
    "baselines": [],
    "verdict": {"decision": "no_edge", "p_value": 0.4, "candidates": 6, "candidates_counted": 6, "reason": "..."},
    "seed": 1,
    "versions": {"numpy": "2.4"},
}  # fmt: skip


@pytest.fixture
def other() -> dict[str, Any]:
    return deepcopy(RESULT)


def test_nothing_differs(other: dict[str, Any]) -> None:
    other["run"], other["spec"]["reasons"] = "R-2", {}
    found = differences.compare(RESULT, other)
    assert differences.tell(found, "R-1", "R-2", words_of("en")).startswith("R-2 is identical to R-1")
    assert found.compared == 4


def test_costs_move_money_and_chance_but_no_forecast(other: dict[str, Any]) -> None:
    other["spec"]["costs_bps"] = other["data"]["effective_cost_bps"] = 6.0
    other["models"][0]["metrics"]["net_return"]["value"] = 0.05
    other["verdict"]["p_value"] = 0.03
    found = differences.compare(RESULT, other)
    assert {known.name for known in found.inputs} == {"costs bps", "cost per side charged (bp)"}
    assert {figure.group for figure in found.figures} == {differences.MONEY, differences.CHANCE}
    told = differences.tell(found, "R-1", "R-2", words_of("en"))
    assert "costs bps: 12 -> 6" in told
    assert "What they earn, moved by costs bps" in told


def test_the_ledger_moves_nothing_but_chance(other: dict[str, Any]) -> None:
    other["verdict"] |= {"candidates_counted": 30, "p_value": 0.8}
    found = differences.compare(RESULT, other)
    assert [(known.name, known.first, known.second) for known in found.inputs] == [
        ("earlier trials counted", "0", "24")
    ]
    assert "How likely luck is, moved by earlier trials counted" in differences.tell(
        found, "R-1", "R-2", words_of("en")
    )


def test_a_figure_that_no_input_explains_is_said_so(other: dict[str, Any]) -> None:
    other["models"][0]["metrics"]["accuracy"]["value"] = 0.53
    told = differences.tell(differences.compare(RESULT, other), "R-1", "R-2", words_of("en"))
    assert "have the same inputs" in told
    assert "although no input of theirs differs" in told


def test_prices_seed_and_versions_are_inputs(other: dict[str, Any]) -> None:
    other["data"]["hash"] = "b" * 64
    other["seed"] = 2
    other["versions"]["numpy"] = "2.5"
    names = [known.name for known in differences.compare(RESULT, other).inputs]
    assert names == ["prices", "seed", "version of numpy"]
