"""The offline planner's policies: which tools each stage uses, in which order, and what it hands on."""

from typing import Any

import pytest

from engine import policies
from engine.llm.offline import Brief, Call, Policy

SPEC: dict[str, Any] = {
    "coins": ["btc", "eth"],
    "driver_coins": ["sol"],
    "task": "classification",
    "target": "direction",
    "horizon": "1h",
    "horizons": ["1h", "4h"],
    "interval": "5m",
    "start": "2024-05-01T00:00:00Z",
    "end": "2024-06-01T00:00:00Z",
    "models": ["LogisticRegression", "XGBoost"],
    "indicators": ["RSI_14"],
    "costs_bps": 10.0,
    "costs_stated": True,
}


def brief(**facts: Any) -> Brief:
    handles = {
        name: f"{name}-1"
        for name in ("raw_prices", "prices", "indicators", "features", "results", "importance")
    }
    return Brief("a goal", SPEC, {"before": {"summary": "", "handles": handles, "facts": facts}}, [])


def follow(policy: Policy, known: Brief, answers: Any) -> tuple[list[Call], dict[str, Any]]:
    """The calls a policy makes when each is answered by `answers(call)`, and what it found."""
    steps, calls = policy(known), []
    try:
        call = next(steps)
        while True:
            calls.append(call)
            call = steps.send(answers(call))
    except StopIteration as end:
        found: Call = end.value
    assert found.tool == "Finding"
    return calls, found.args


def test_prices_are_fetched_for_coins_and_drivers_over_the_planned_span() -> None:
    fetched = {
        "data": "raw-7",
        "series": "binance:usdt",
        "simulated": False,
        "newest": "2024-05-31T23:55:00+00:00",
    }
    answers = {
        "get_available_coins": {"count": 9},
        "fetch_price_data": fetched,
        "get_data_statistics": {"count": 8_928, "min": 99.5, "max": 70_123.25},
    }
    calls, found = follow(policies.retrieve, brief(), lambda call: answers[call.tool])
    assert [call.tool for call in calls] == [
        "get_available_coins", "fetch_price_data", "get_data_statistics", "get_data_statistics",
    ]  # fmt: skip
    assert calls[1].args == {
        "coin_types": ["btc", "eth", "sol"], "start_date": SPEC["start"], "end_date": SPEC["end"],
    }  # fmt: skip
    assert found["handles"] == {"raw_prices": "raw-7"}
    assert found["summary"] == (
        "btc 8,928 bars, close 99.5 to 70,123.2; eth 8,928 bars, close 99.5 to 70,123.2; "
        "binance:usdt, newest 2024-05-31 23:55 UTC"
    )


def test_simulated_prices_are_named_as_such() -> None:
    answers = {
        "get_available_coins": {"count": 1},
        "fetch_price_data": {
            "data": "raw-7",
            "series": "simulated",
            "simulated": True,
            "newest": "2024-05-31T23:55",
        },
        "get_data_statistics": {"count": 1, "min": 1.0, "max": 2.0},
    }
    _, found = follow(policies.retrieve, brief(), lambda call: answers[call.tool])
    assert found["summary"].endswith("; simulated prices, newest 2024-05-31 23:55 UTC")


def test_features_get_the_horizons_in_minutes_and_the_costs_only_when_stated() -> None:
    made = {
        "data": "features-7",
        "columns": ["a", "b"],
        "usable_rows": 1_000,
        "leak_cuts": 24,
        "horizons": [60, 240, 5],
    }
    [call], found = follow(policies.engineer_features, brief(), lambda _: made)
    assert call.args["horizon_minutes"] == [60, 240]
    assert call.args["costs_bps"] == 10.0
    assert found["facts"] == {"features": ["a", "b"], "horizons": [60, 240, 5]}
    silent = Brief("", {**SPEC, "costs_stated": False}, brief().findings, [])
    [call], _ = follow(policies.engineer_features, silent, lambda _: made)
    assert call.args["costs_bps"] is None


def test_every_model_is_trained_and_walked_for_every_coin_and_horizon() -> None:
    def answer(call: Call) -> dict[str, Any]:
        if call.tool == "cross_validate_model":
            return {"forecasts": f"forecasts of {call.args['model_id']}", "folds": 3, "bars": 4_000}
        return {
            "model_id": "/".join(str(call.args[name]) for name in ("coin", "horizon_minutes", "model_type"))
        }

    calls, found = follow(policies.train, brief(horizons=[60, 5]), answer)
    assert [call.tool for call in calls] == ["train_classification_model", "cross_validate_model"] * 8
    assert found["facts"]["forecasts"] == [
        f"forecasts of {coin}/{minutes}/{model}"
        for coin in ("btc", "eth")
        for minutes in (60, 5)
        for model in ("LogisticRegression", "XGBoost")
    ]
    assert found["summary"] == (
        "8 walk-forward runs of LogisticRegression, XGBoost, 3 folds each, 4,000 bars out of sample"
    )


def test_a_regression_is_trained_with_the_tool_for_it() -> None:
    known = Brief(
        "",
        {**SPEC, "task": "regression", "coins": ["btc"], "models": ["Ridge"]},
        brief(horizons=[60]).findings,
        [],
    )
    answers = {
        "train_regression_model": {"model_id": "m"},
        "cross_validate_model": {"forecasts": "f", "folds": 3, "bars": 10},
    }
    calls, found = follow(policies.train, known, lambda call: answers[call.tool])
    assert calls[0].tool == "train_regression_model"
    assert found["summary"].startswith("1 walk-forward run of Ridge")


@pytest.mark.parametrize("worth", [["f2"], []])
def test_all_forecasts_are_judged_together_and_tuning_is_handed_on(worth: list[str]) -> None:
    judged = {
        "judgement": "judgement-7",
        "summary": "BTC: no.",
        "worth_tuning": worth,
        "why": "so",
        "best": {"btc": "f2"},
    }

    def answer(call: Call) -> dict[str, Any]:
        return judged if call.tool == "compare_models" else {"importance": "importance-7"}

    calls, found = follow(policies.evaluate, brief(forecasts=["f1", "f2"]), answer)
    assert [c.args["forecasts"] for c in calls if c.tool == "evaluate_model"] == ["f1", "f2"]
    [together] = [c.args for c in calls if c.tool == "compare_models"]
    assert together["forecasts"] == ["f1", "f2"]
    assert (found["facts"]["tune"], found["facts"]["to_tune"]) == (bool(worth), worth)
    # What features contribute is asked of the rule that is chosen in the end.
    weighed = [c.args for c in calls if c.tool == "feature_importance"]
    assert weighed == ([] if worth else [{"forecasts": "f2"}])
    assert found["handles"].get("importance") == (None if worth else "importance-7")
    assert found["handles"]["results"] == "judgement-7"


def test_only_settings_that_could_answer_are_searched_and_all_that_were_walked_count() -> None:
    def answer(call: Call) -> dict[str, Any]:
        match call.tool:
            case "tune_hyperparameters":
                better = call.args["forecasts"] == "f2"
                return {"tried": 4, "model_id": "tuned" if better else "", "settings": {}}
            case "cross_validate_model":
                return {"forecasts": "f3", "folds": 3, "bars": 10}
            case "feature_importance":
                return {"importance": "importance-8"}
            case _:
                judged = {"judgement": "judgement-8", "summary": "BTC: no.", "worth_tuning": [], "why": ""}
                return {**judged, "best": {"btc": "f3"}}

    calls, found = follow(policies.tune, brief(forecasts=["f0", "f1", "f2"], to_tune=["f1", "f2"]), answer)
    assert [call.tool for call in calls] == [
        "tune_hyperparameters", "tune_hyperparameters", "cross_validate_model", "compare_models", "feature_importance",
    ]  # fmt: skip
    assert calls[-2].args["forecasts"] == ["f0", "f1", "f2", "f3"]
    assert calls[-1].args == {"forecasts": "f3"}
    assert found["handles"] == {"results": "judgement-8", "importance": "importance-8"}
    assert found["summary"] == "8 settings tried inside the training span, all counted; BTC: no."
    assert found["facts"]["forecasts"] == ["f0", "f1", "f2", "f3"]


def test_a_report_hands_on_what_the_thread_is_told() -> None:
    files = [{"kind": "report"}, {"kind": "chart"}, {"kind": "chart"}]
    answers = {
        "generate_recommendations": {"recommendations": "advice-1"},
        "generate_summary": {
            "summary": "Verdict: no edge",
            "result": {"run": "R-1"},
            "payload": {"files": files},
        },
    }
    calls, found = follow(policies.report, brief(), lambda call: answers[call.tool])
    assert calls == [
        Call("generate_recommendations", {"results": "results-1"}),
        Call(
            "generate_summary",
            {"results": "results-1", "indicators": "indicators-1", "parts": ["importance-1", "advice-1"]},
        ),
    ]
    assert found["summary"] == "report, notebook, data and 2 charts written"
    assert found["facts"] == {"result": {"run": "R-1"}, "payload": {"files": files}}
