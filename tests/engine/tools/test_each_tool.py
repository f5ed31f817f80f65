"""Every tool of an agent: what it answers, and what it says when it cannot."""

import dataclasses
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from engine import model_files
from engine.errors import EngineError
from engine.science.errors import ScienceError
from engine.tools import TOOLBOXES, ToolRegistry
from storage.errors import StorageError
from tests.engine.tools.conftest import END, START, Bench, tools

Errors = (EngineError, ScienceError, StorageError)
FEATURES: dict[str, Any] = {
    "target_variable": "direction", "horizon_minutes": [60], "indicators": [], "coins": ["btc"], "driver_coins": [],
    "costs_bps": None, "leave_out": [],
}  # fmt: skip


def test_every_agent_has_its_tools_and_each_says_what_it_takes() -> None:
    registry = ToolRegistry()
    wanted = {
        "data_retrieval": {"get_available_coins", "fetch_price_data", "get_data_statistics"},
        "data_analyst": {"clean_data", "calculate_technical_indicators", "create_features", "perform_eda"},
        "model_training": {
            "train_classification_model", "train_regression_model", "cross_validate_model", "search_models",
        },
        "model_evaluator": {
            "evaluate_model", "tune_hyperparameters", "compare_models", "feature_importance", "cross_validate_model",
        },
        "reporting": {"generate_summary", "create_comparison_report", "generate_recommendations"},
    }  # fmt: skip
    assert set(wanted) == set(TOOLBOXES)
    for agent, names in wanted.items():
        held = {tool.name: tool for tool in registry.get_tools_for_agent(agent)}
        assert names <= set(held)
        for tool in held.values():
            described = tool.description
            assert "Returns" in described or "List" in described
            for argument in tool.args:
                if argument != "runtime":
                    assert f"{argument}:" in described, f"{tool.name} does not say what {argument} is"
    with pytest.raises(KeyError):
        registry.get_tools_for_agent("astrologer")


def test_coins_and_prices_are_found_and_summed_up(bench: Bench) -> None:
    found = bench.use("get_available_coins")
    assert found["count"] == 3
    assert {coin["coin"] for coin in found["coins"]} == {"btc", "eth", "doge"}
    fetched = bench.use(
        "fetch_price_data", coin_types=["BTC"], start_date=START.isoformat(), end_date=END.isoformat()
    )
    assert fetched["rows"] == {"btc": 30 * 288}
    assert fetched["simulated"] is True
    figures = bench.use("get_data_statistics", coin_type="btc", data=fetched["data"])
    assert figures["min"] <= figures["mean"] <= figures["max"]
    assert figures["count"] == 30 * 288


def test_cleaning_counts_what_is_odd_and_changes_no_price(bench: Bench) -> None:
    fetched = bench.use(
        "fetch_price_data", coin_types=["doge"], start_date=START.isoformat(), end_date=END.isoformat()
    )
    cleaned = bench.use("clean_data", data=fetched["data"], interval_minutes=5)
    assert cleaned["coins"]["doge"]["missing_bars"] == 0
    changes = cleaned["coins"]["doge"]["changes"]
    assert changes["rows_before"] == changes["rows_after"] == 30 * 288
    assert changes["joined_into_minutes"] is None
    assert cleaned["coins"]["doge"]["outliers"] >= len(cleaned["coins"]["doge"]["largest_outliers"])
    raw, kept = (bench.work.frame(handle, "prices") for handle in (fetched["data"], cleaned["data"]))
    assert list(raw["close"]) == list(kept["close"])


def test_indicators_come_by_name_with_their_columns(bench: Bench) -> None:
    made = bench.use(
        "calculate_technical_indicators",
        data=bench.prices("btc"),
        indicators=["sma 20", "ATR", "STOCH", "OBV"],
    )
    assert {"SMA_20", "ATR_14", "STOCH", "STOCH_signal", "OBV"} <= set(made["columns"])


def test_a_look_gives_figures_and_a_handle(bench: Bench) -> None:
    seen = bench.use(
        "perform_eda", data=bench.prices("btc", "doge"), coins=["doge", "btc"], topic="volatility_by_hour"
    )
    assert seen["topic"] == "volatility_by_hour"
    assert 20 < seen["coins"]["doge"]["volatility_bps_a_bar"] < 60
    assert seen["coins"]["doge"]["excess_kurtosis"] > seen["coins"]["btc"]["excess_kurtosis"]
    assert -0.2 < seen["correlations"]["doge-btc"][0] < 0.2
    assert seen["coins"]["doge"]["stationary"]["returns"] is True


def test_features_can_be_left_out_on_the_same_bars(bench: Bench) -> None:
    whole, less = bench.features(), bench.features(leave_out=["macd", "past volatility"])
    all_of_it, rest = (bench.work.frame(handle, "features") for handle in (whole, less))
    gone = set(all_of_it.columns) - set(rest.columns)
    assert gone == {"MACD", "MACD_diff", *(c for c in all_of_it.columns if c.startswith("volatility_"))}
    assert list(all_of_it.notna().all(axis=1)) == list(rest.notna().all(axis=1))


def test_lags_windows_and_the_calendar_can_be_chosen(bench: Bench) -> None:
    made = bench.work.frame(bench.features(lags=[1, 8], windows=[4, 16], calendar=True), "features")
    assert {"return_1", "return_8", "momentum_4", "momentum_16", "hour_sin"} <= set(made.columns)
    assert "return_2" not in made.columns


def test_models_are_trained_walked_measured_and_judged(bench: Bench) -> None:
    features = bench.features()
    walked = bench.forecasts(features)
    measured = bench.use("evaluate_model", forecasts=walked)
    assert {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "brier"} == set(
        measured["metrics"]
    )
    judged = bench.use("compare_models", forecasts=[walked], also_tried=[])
    assert judged["verdicts"]["btc"] in {"no_edge", "not_enough_data", "edge"}
    assert judged["best"] == {"btc": walked}
    tuned = bench.use("tune_hyperparameters", forecasts=walked, seconds=60)
    assert tuned["tried"] == 4


def test_numbers_are_forecast_too_and_measured_as_numbers(bench: Bench) -> None:
    walked = bench.forecasts(bench.features("volatility", "doge"), "Ridge", "doge")
    assert {"mae", "rmse", "r2", "hit_rate"} == set(bench.use("evaluate_model", forecasts=walked)["metrics"])


def test_features_are_weighed_on_unseen_bars(bench: Bench) -> None:
    weighed = bench.use("feature_importance", forecasts=bench.forecasts(bench.features()))
    assert weighed["figure"] == "auc"
    assert {"past returns", "MACD", "RSI", "volume"} <= set(weighed["groups"])
    for loss, low, high in weighed["groups"].values():
        assert low <= loss <= high


def test_a_worker_that_takes_over_weighs_the_same_features_the_same(bench: Bench) -> None:
    walked = bench.forecasts(bench.features(), "XGBoost")
    first = bench.use("feature_importance", forecasts=walked)
    later = Bench(dataclasses.replace(bench.work, _found={}, _frames=OrderedDict()))
    assert later.use("feature_importance", forecasts=walked) == first


def test_a_search_stays_in_its_time_and_hands_on_what_it_found(bench: Bench) -> None:
    found = bench.use(
        "search_models", feature_data=bench.features(), coins=["btc"], horizon_minutes=60,
        model_types=["LogisticRegression"], seconds=30,
    )  # fmt: skip
    assert found["complete"]
    assert found["tried"] >= 8  # one model, each group left out once, three settings
    assert found["models"][0]["model_type"] == "LogisticRegression"
    assert bench.forecasts(found["feature_data"])


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("models", {"LogisticRegression", "RandomForest"}),
        ("features", {"with MACD", "without MACD"}),
        ("coins", {"BTC", "ETH"}),
    ],
)
def test_a_comparison_has_standings_and_says_whether_luck_explains_it(
    bench: Bench, by: str, expected: set[str]
) -> None:
    features = bench.features("direction", "btc", "eth")
    forecasts = {
        "models": lambda: [bench.forecasts(features), bench.forecasts(features, "RandomForest")],
        "features": lambda: [
            bench.forecasts(features),
            bench.forecasts(bench.features("direction", "btc", "eth", leave_out=["MACD"])),
        ],
        "coins": lambda: [bench.forecasts(features), bench.forecasts(features, coin="eth")],
    }[by]()
    compared = bench.use("create_comparison_report", forecasts=forecasts, by=by)
    assert set(compared["standings"]) == expected
    value, low, high = compared["ahead_of_second"]
    assert low <= value <= high
    assert value >= 0
    assert compared["beyond_chance"] == (low > 0)


@pytest.mark.parametrize(
    ("tool", "args", "sentence"),
    [
        ("fetch_price_data", {"coin_types": ["btc"], "start_date": "yesterday", "end_date": "2026-02-01"},
         "'yesterday' is not a date; write it like 2023-06-29T12:00:00Z"),
        ("fetch_price_data", {"coin_types": ["btc"], "start_date": "2020-01-01", "end_date": "2020-02-01"},
         "no prices of btc between 2020-01-01 and 2020-02-01 in simulated. btc is held from 2026-01-30"),
        ("fetch_price_data", {"coin_types": ["luna"], "start_date": "2026-02-01", "end_date": "2026-02-02"}, "luna"),
        ("fetch_price_data", {"coin_types": [], "start_date": "2026-02-01", "end_date": "2026-02-02"},
         "Name at least one coin"),
        ("fetch_price_data", {"coin_types": ["btc"], "start_date": "2026-02-02", "end_date": "2026-02-01"},
         "ends before it starts"),
        ("get_data_statistics", {"coin_type": "eth", "data": "PRICES"}, "There is no eth in this price data; it holds btc"),
        ("get_data_statistics", {"coin_type": "btc", "data": "prices-0000"}, "not a handle of prices data in this run"),
        ("clean_data", {"data": "PRICES", "interval_minutes": 7}, "cannot be joined into bars of 7 minutes"),
        ("calculate_technical_indicators", {"data": "PRICES", "indicators": ["SMAA_20"]}, "Did you mean SMA"),
        ("calculate_technical_indicators", {"data": "PRICES", "indicators": []}, "Name at least one indicator"),
        ("calculate_technical_indicators", {"data": "PRICES", "indicators": ["RSI_1"]}, "must lie between 2 and"),
        ("create_features", {**FEATURES, "data": "PRICES", "target_variable": "luck"},
         "'luck' is not a target; use one of direction, return, volatility"),
        ("create_features", {**FEATURES, "data": "PRICES", "horizon_minutes": [20]}, "use 15 minutes or other bars"),
        ("create_features", {**FEATURES, "data": "PRICES", "coins": []}, "Name at least one coin and one horizon"),
        ("create_features", {**FEATURES, "data": "PRICES", "leave_out": ["moon"]},
         "no group of features 'MOON' to leave out. There are: "),
        ("create_features", {**FEATURES, "data": "PRICES", "driver_coins": ["eth"]}, "There is no eth in this price data"),
        ("create_features", {**FEATURES, "data": "PRICES", "lags": [0]}, "would use a bar that is not finished"),
        ("create_features", {**FEATURES, "data": "PRICES", "windows": []}, "at least one"),
        ("perform_eda", {"data": "PRICES", "coins": ["btc"], "topic": "tides"}, "There is no topic 'tides'"),
        ("perform_eda", {"data": "PRICES", "coins": [], "topic": "overview"}, "Name at least one coin to look at"),
        ("perform_eda", {"data": "PRICES", "coins": ["btc"], "topic": "correlation"}, "needs two coins or more"),
        ("train_classification_model",
         {"feature_data": "FEATURES", "coin": "btc", "model_type": "Prophet", "horizon_minutes": 60, "hyperparameters": None},
         "There is no model 'Prophet' for classification"),
        ("train_classification_model",
         {"feature_data": "FEATURES", "coin": "btc", "model_type": "XGBoost", "horizon_minutes": 60, "hyperparameters": {"depth": 3}},
         "XGBoost has no setting 'depth'"),
        ("train_classification_model",
         {"feature_data": "FEATURES", "coin": "btc", "model_type": "XGBoost", "horizon_minutes": 45, "hyperparameters": None},
         "made for horizons of 60, 15 minutes, not 45"),
        ("train_regression_model",
         {"feature_data": "FEATURES", "coin": "btc", "model_type": "Ridge", "horizon_minutes": 60, "hyperparameters": None},
         "made for the target 'direction'; use train_classification_model"),
        ("cross_validate_model", {"model_id": "FEATURES"}, "not a handle of model data in this run"),
        ("search_models",
         {"feature_data": "FEATURES", "coins": ["btc"], "horizon_minutes": 60, "model_types": ["XGBoost"], "seconds": 1},
         "Search for 5 to 1,800 seconds; 1 is outside"),
        ("search_models",
         {"feature_data": "FEATURES", "coins": [], "horizon_minutes": 60, "model_types": ["XGBoost"], "seconds": 9},
         "Name at least one coin to search for"),
        ("search_models",
         {"feature_data": "FEATURES", "coins": ["btc"], "horizon_minutes": 60, "model_types": [], "seconds": 9},
         "at least one coin and one model type"),
        ("evaluate_model", {"forecasts": "prices-1"}, "not a handle of forecasts data in this run"),
        ("tune_hyperparameters", {"forecasts": "WALK", "seconds": 0}, "Tune for 5 to 1,800 seconds; 0 is outside"),
        ("compare_models", {"forecasts": [], "also_tried": []}, "There is nothing to judge"),
        ("feature_importance", {"forecasts": "FEATURES"}, "not a handle of forecasts data in this run"),
        ("create_comparison_report", {"forecasts": ["WALK"], "by": "weather"},
         "'weather' cannot be compared; use one of coins, models, features"),
        ("create_comparison_report", {"forecasts": ["WALK"], "by": "features"},
         "There is only one of the features among these forecasts (all features); make features a second time"),
        ("create_comparison_report", {"forecasts": ["WALK"], "by": "coins"}, "give forecasts of two coins or more"),
        ("generate_recommendations", {"results": "PRICES"}, "not a handle of judgement or exploration data"),
        ("generate_summary", {"results": "WALK", "indicators": None, "parts": []}, "not a handle of judgement or exploration"),
    ],
)  # fmt: skip
def test_what_a_tool_cannot_do_it_says_in_words(
    bench: Bench, tool: str, args: dict[str, Any], sentence: str
) -> None:
    names: dict[str, Callable[[], str]] = {
        "PRICES": lambda: bench.prices("btc"),
        "FEATURES": bench.features,
        "WALK": lambda: bench.forecasts(bench.features()),
    }

    def real(value: Any) -> Any:
        if isinstance(value, list):
            return [real(one) for one in value]
        return names[value]() if value in names else value

    given = {name: real(value) if isinstance(value, str | list) else value for name, value in args.items()}
    with pytest.raises(Errors) as caught:
        bench.use(tool, **given)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_file_says_what_it_was_made_from_and_is_read_with_care(bench: Bench) -> None:
    fitted = bench.use(
        "train_classification_model", feature_data=bench.features(), coin="btc", model_type="XGBoost",
        horizon_minutes=60, hyperparameters=None,
    )  # fmt: skip
    content, _ = bench.work.find(fitted["model_id"], "model")
    card = model_files.describe(content)
    assert card["versions"] == model_files.versions()
    assert card["features"]["indicators"] == ["RSI_14", "MACD"]
    assert card["coin"] == "btc"
    assert card["horizon_minutes"] == 60
    assert card["trained_from"] < card["trained_until"]
    assert json.dumps(card)


def test_a_tool_that_is_not_there_is_known_by_no_name() -> None:
    assert "place_order" not in tools()
