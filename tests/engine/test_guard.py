"""The number guard: figures are found however they are rounded and written, and invented ones are not."""

import json

import pytest

from engine.guard import gather, unfounded, without_unfounded

RESULT = {
    "data": "prices-3fa90c21", "mean": 26123.456, "accuracy": 0.5321, "count": 25918, "p": 0.4132, "move": -0.218,
    "columns": ["SMA_20", "RSI_14", "ret_12"], "start": "2023-06-29T00:05:00Z", "said": "12 folds, 1,234 bars", "sharpe": 1.04,
}  # fmt: skip
KNOWN = gather([json.dumps(RESULT), {"horizon": "1h", "costs_bps": 12.0, "period_days": 90.0}])


@pytest.mark.parametrize(
    "text",
    [
        "The mean close is 26,123.46, or 26 123, or $26,123.",
        "Accuracy 53.2 %, 53 percent, 0.53, 0.5321.",
        "p = 0.41 (0.413); Sharpe 1.0.",
        "It fell 21.8 % in one bar, a move of -21.8% or −21.8 %, or 22 per cent.",
        "About 26,000 of 25,918 bars; roughly 25.9k.",
        "12 bp a side over 90 days, the 90-day window, 1h ahead.",
        "From 2023-06-29, with SMA_20 and RSI_14 of prices-3fa90c21.",
        "All 3 features on 1,234 bars in 12 folds.",
        "The 95 % interval is wide; 50 % is what a coin gets.",
        "twelve basis points; twenty-two percent",
        "No figure at all, not even one.",
    ],
)
def test_figures_of_the_results_are_found_as_people_write_them(text: str) -> None:
    assert unfounded(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Accuracy 61 %.", ["61 %"]),
        ("Accuracy 53.3 %.", ["53.3 %"]),
        ("A Sharpe ratio of 1.8!", ["1.8"]),
        ("It made 4,711 dollars.", ["4,711 dollars"]),
        ("It made １２３ dollars.", ["123 dollars"]),
        ("From 2023-07-29.", ["2023-07-29"]),
        ("With SMA_50.", ["SMA_50"]),
        ("ninety-nine percent sure", ["ninety-nine"]),
        ("about 30,000 bars", ["30,000"]),
        ("95 % of the trades won", ["95 %"]),
        ("50 % return", ["50 %"]),
        ("0.7 points better", ["0.7"]),
    ],
)
def test_a_figure_that_no_result_has_is_named(text: str, missing: list[str]) -> None:
    assert unfounded(text, KNOWN) == missing


def test_only_the_sentences_with_unknown_figures_are_left_out() -> None:
    text = "Accuracy is 53.2 %. The Sharpe ratio is 1.8, which is high. p is 0.41; nothing to trade on.\nIt won 61 % of days."
    kept, count = without_unfounded(text, KNOWN)
    assert kept == "Accuracy is 53.2 %. p is 0.41; nothing to trade on."
    assert count == 2
