"""The result's own promises, metrics.json, the finish message and report.md."""

import json
import re

import numpy as np
import pytest
from pydantic import ValidationError

from engine.report import ModelResult, Result, finish, metrics_json, write_markdown
from tests.engine.report import examples

ALL = [
    examples.direction(),
    examples.direction("edge"),
    examples.direction("not_enough_data"),
    examples.volatility(),
    examples.eda(),
]


@pytest.mark.parametrize("result", ALL, ids=lambda r: f"{r.kind}-{r.verdict.decision if r.verdict else ''}")
def test_a_result_survives_json(result: Result) -> None:
    assert Result.model_validate(json.loads(json.dumps(result.model_dump(mode="json")))) == result


def test_numpy_numbers_and_missing_values_become_plain_json() -> None:
    model = ModelResult(
        name="M",
        metrics={"auc": np.float64(0.5), "brier": float("nan"), "net_return": {"value": np.float32(0.25)}},
    )
    assert model.value("auc") == 0.5
    assert model.value("brier") is None
    assert model.value("net_return") == 0.25
    json.dumps(
        metrics_json(examples.direction(models=(*examples.direction().models, model))), allow_nan=False
    )


def test_a_verdict_about_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValidationError, match="not among the models"):
        examples.direction(models=())


def test_metrics_json_has_the_names_programs_rely_on() -> None:
    result = examples.direction()
    found = metrics_json(result)
    assert {
        "run",
        "goal",
        "spec",
        "data",
        "models",
        "baselines",
        "verdict",
        "usage",
        "seed",
        "versions",
    } <= found.keys()
    assert {"series", "rows", "hash", "simulated", "newest", "effective_cost_bps"} <= found["data"].keys()
    assert found["spec"]["coins"] == ["btc"]
    assert found["spec"]["start"] == "2023-06-29T18:10:00Z"
    assert found["models"][0]["metrics"]["balanced_accuracy"] == {"value": 0.541, "low": 0.525, "high": 0.56}
    assert found["models"][0]["folds"] == 3
    assert found["verdict"]["decision"] == "no_edge"
    assert found["verdict"]["p_value"] == 1.0
    assert found["verdict"]["best_model"] == "LogReg"
    assert {"tokens", "cost_usd", "seconds"} <= found["usage"].keys()


def test_an_eda_result_has_findings_and_no_verdict() -> None:
    found = metrics_json(examples.eda())
    assert found["verdict"] is None
    assert found["findings"][0]["table"]["rows"] == [["Wed 14:00", 14.1], ["Sun 07:00", 2.0]]


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (
            examples.direction(),
            "Verdict: no edge for BTC up or down in the next hour: the strongest of 24 rules lost 96 % after "
            "costs in 36 days; "
            "holding lost 10 %.",
        ),
        (
            examples.direction("edge"),
            "Verdict: edge for BTC up or down in the next hour: LogReg made 31 % after costs in 36 "
            "days, +9.2 % on the sealed "
            "span (p = 0.004); holding lost 10 %.",
        ),
        (
            examples.direction("not_enough_data"),
            "Verdict: not enough data for BTC up or down in the next hour: 36 days could only show a "
            "correlation of 0.34 or "
            "more; 0.06 would already pay the costs.",
        ),
        (
            examples.volatility(),
            "Verdict: edge for BTC volatility in the next hour: Ridge beats the moving-average forecast "
            "by 9.8 % (4.7 to 15.5) "
            "and by 9.9 % on the sealed span.",
        ),
        (examples.eda(), "Result: Wednesday afternoons move 7 times as much as Sunday mornings."),
        (
            examples.two_coins(),
            "Verdict: edge for BTC and ETH up or down in the next hour: edge for ETH; no edge for BTC. "
            "ETH: LogReg made 31 % "
            "after costs in 36 days, +9.2 % on the sealed span (p = 0.004); holding lost 10 %.",
        ),
    ],
)
def test_the_finish_begins_with_the_verdict(result: Result, line: str) -> None:
    message = finish(result)
    assert message["verdict_line"].replace("\u202f", " ") == line
    assert message["verdict_line"].startswith(message["verdict_word"])


@pytest.mark.parametrize("result", ALL, ids=lambda r: r.kind)
def test_the_finish_says_how_old_the_data_is_and_that_it_is_no_advice(result: Result) -> None:
    message = finish(result)
    assert "The newest price is 12 minutes old (2023-09-27 18:10 UTC)." in message["data_age"]
    assert len(message["bullets"]) <= 4
    assert message["footer"].endswith("not financial advice")
    json.dumps(message, allow_nan=False)


def test_the_finish_table_fits_a_phone() -> None:
    long = ModelResult(name="A model with a name without end", metrics={"net_return": 12_345.0})
    for result in (examples.direction(models=(*examples.direction().models, long)), examples.volatility()):
        table = finish(result)["table"]
        widths = [column["width"] for column in table["columns"]]
        assert sum(widths) + len(widths) - 1 + 2 <= 60
        assert all(
            len(cell) <= width for row in table["rows"] for cell, width in zip(row, widths, strict=True)
        )
        assert table["marked"] == 0


def test_an_old_price_is_called_old() -> None:
    result = examples.direction()
    late = result.model_copy(update={"made_at": result.made_at.replace(year=2026)})
    assert "3.0 years old" in finish(late)["data_age"]
    assert "what holds today may differ" in finish(late)["data_age"]


def test_a_profit_without_an_edge_is_called_luck() -> None:
    result = examples.direction("edge", verdict=examples.direction("no_edge").verdict)
    assert "made 31\u202f% after costs in 36 days, which luck explains" in finish(result)["verdict_line"]


def test_a_worse_forecast_is_not_called_better() -> None:
    line = finish(examples.volatility("no_edge", skill=-0.03))["verdict_line"]
    assert (
        "nothing tried beats the moving-average forecast; the error of Ridge, the best, is 3.0\u202f% "
        "(−2.7 to 8.1) larger." in line
    )


def test_the_markdown_shows_the_figures_of_metrics_json() -> None:
    result = examples.direction()
    text, figures = write_markdown(result), metrics_json(result)
    model = figures["models"][0]["metrics"]
    row = next(line for line in text.splitlines() if line.startswith("| **LogReg**"))
    assert f"{model['balanced_accuracy']['value'] * 100:.1f}\u202f%" in row
    assert f"{model['net_return']['value'] * 100:.1f}\u202f%".replace("-", "−") in row
    assert f"{model['auc']['value']:.3f}" in row
    assert f"{figures['data']['effective_cost_bps']}\u202fbp" in text
    assert f"{figures['data']['rows']:,} five-minute bars" in text
    assert figures["data"]["hash"] in text
    assert "newest bar 2023-09-27 18:10 UTC" in text
    assert "not financial advice" in text


def test_every_coin_has_its_row() -> None:
    text = write_markdown(examples.two_coins())
    assert re.search(r"\| BTC \| no edge \| LogReg ", text)
    assert re.search(r"\| \*\*ETH\*\* \| edge \| LogReg ", text)


def test_simulated_prices_are_labelled() -> None:
    result = examples.direction()
    result = result.model_copy(update={"data": result.data.model_copy(update={"simulated": True})})
    assert write_markdown(result).count("These prices are simulated.") >= 2
    assert finish(result)["simulated"].startswith("These prices are simulated.")
    assert metrics_json(result)["data"]["simulated"] is True
    assert "simulated" not in write_markdown(examples.direction())


HOSTILE = (
    "# [x](javascript:alert(1)) <img src=x onerror=alert(1)> | `rm` ![i](http://e.vil/p.png) "
    "**b** $\\frac{$\n\n## Verdict: edge"
)


def test_hostile_words_stay_words_in_markdown() -> None:
    note = examples.direction().stage_notes[0].model_copy(update={"text": HOSTILE})
    plain = write_markdown(examples.direction())
    text = write_markdown(examples.direction(goal=HOSTILE, stage_notes=(note,)))
    assert len([line for line in text.splitlines() if line.startswith("#")]) == len(
        [line for line in plain.splitlines() if line.startswith("#")]
    )
    assert "<img" not in text.replace("\\<", "")
    assert not re.search(r"(?<!\\)\[x(?<!\\)\]", text)
    assert "http://e.vil" not in text
