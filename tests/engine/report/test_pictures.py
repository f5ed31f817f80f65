"""The charts of a whole run: all that belong to its kind, from a judgement alone, saying what the tables say."""

import numpy as np
import pandas as pd
import pytest

from engine.report import finish, judged, pictures, write_markdown, write_pdf
from engine.science import indicators, judge, simulate, study
from engine.science.estimators import ModelSpec
from engine.science.features import FeatureSpec
from engine.science.judge import Judgement
from engine.science.targets import Target
from tests.engine.report import examples

SPEC = FeatureSpec(indicators=("RSI_14",), lags=(1, 2), windows=(12, 36))
PRICES = simulate.regime(4_000, 3)
SOURCE = examples.direction().source()


def judgement(target: Target, model: str) -> Judgement:
    question = study.Question(target, (12,), SPEC, thresholds=(0.0,))
    return judge.judge(
        "btc", "simulated", PRICES, question, seed=7, models=[ModelSpec.of(model, question.task)]
    )


@pytest.mark.parametrize(
    ("target", "model", "names"),
    [
        (
            "direction",
            "LogisticRegression",
            ["equity", "periods", "calibration", "seasonality", "price", "target"],
        ),
        ("return", "Ridge", ["equity", "skill", "periods", "residuals", "seasonality", "price", "target"]),
        ("volatility", "Ridge", ["skill", "residuals", "seasonality", "price", "target"]),
    ],
)
def test_a_judgement_has_the_charts_of_its_kind(target: Target, model: str, names: list[str]) -> None:
    found = judgement(target, model)
    table = indicators.compute(PRICES, ["SMA_20", "BBANDS", "RSI_14", "MACD"])
    drawn = pictures.of_judgement(SOURCE, found, marks=table)
    assert list(drawn) == names
    assert all(chart.alt and chart.title and chart.png for chart in drawn.values())
    for indicator in ("SMA 20", "Bollinger", "RSI 14", "MACD"):
        assert indicator in drawn["price"].alt
    main = judged.coin_result(found)
    base = examples.direction() if target == "direction" else examples.volatility()
    result = base.model_copy(
        update={"kind": target, "models": main.models, "baselines": main.baselines, "verdict": main.verdict}
    ).with_charts(drawn)
    text = write_markdown(result)
    assert all(f"(charts/{name}.png)" in text for name in names)
    assert finish(result)["charts"][0] == names[0]
    assert write_pdf(result, drawn).startswith(b"%PDF")


def test_periods_compound_to_the_whole() -> None:
    account = judged.equity(judgement("direction", "LogisticRegression"))
    assert account is not None
    periods = pictures.periods(account)
    for name in ("gross", "net", "hold"):
        assert np.prod(1 + periods[name]) == pytest.approx(account[name][-1])


def test_seasonality_is_the_median_week() -> None:
    index = pd.date_range(
        "2024-01-01", periods=3 * 7 * 24 * 12, freq="5min", tz="UTC"
    )  # three weeks from a Monday
    steps = np.where(np.arange(len(index)) % 2 == 0, 1.001, 1 / 1.001)
    wild = (index.day_of_week == 2) & (index.hour == 14) & (index < pd.Timestamp("2024-01-08", tz="UTC"))
    steps = np.where(wild, np.where(np.arange(len(index)) % 2 == 0, 1.05, 1 / 1.05), steps)
    close = 100 * np.cumprod(steps)
    prices = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), close), index=index).assign(
        volume=1.0
    )
    cells = pictures.seasonality(prices)
    assert cells.shape == (7, 24)
    assert cells[2, 14] == pytest.approx(10, rel=0.01)  # one crash in three weeks does not rule the hour


def test_a_standard_error_counts_blocks_not_bars() -> None:
    index = pd.date_range("2024-01-01", periods=8, freq="2h", tz="UTC")
    values = np.array([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0])  # pairs that say the same
    # blocks of 4 hours: sums 2, -2, 2, -2; sqrt(16) / 8
    assert judged.standard_error(values, index, 240) == pytest.approx(0.5)
    assert judged.standard_error(values, index, 120) == pytest.approx(np.sqrt(8) / 8)


def test_a_tuned_model_is_told_from_the_usual_one_and_every_figure_speaks_of_the_same() -> None:
    question = study.Question("direction", (12,), SPEC, thresholds=(0.0,))
    task = question.task
    models = [ModelSpec.of("LogisticRegression", task, params) for params in (None, {"C": 5.0}, {"C": 1e-4})]
    found = judge.judge("btc", "simulated", PRICES, question, seed=7, models=models)
    main = judged.coin_result(found)
    assert [model.name for model in main.models] == [
        "LogisticRegression",
        "LogisticRegression (tuned)",
        "LogisticRegression (tuned) #2",
    ]
    best = next(model for model in main.models if model.name == main.verdict.best_model)
    assert found.equity is not None
    assert best.value("net_return") == pytest.approx(found.equity["after_costs"].iloc[-1] - 1)
    words = [
        row[0]
        for row in finish(examples.direction().model_copy(update={"models": main.models}))["table"]["rows"]
    ]
    assert words[:3] == ["LogisticRegression", "Logistic (tuned)", "Logistic (tuned) …"]
