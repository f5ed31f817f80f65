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
        "All 3 columns on 1,234 bars in 12 folds.",
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
        ("0.7 points better", ["0.7 points"]),
    ],
)
def test_a_figure_that_no_result_has_is_named(text: str, missing: list[str]) -> None:
    assert unfounded(text, KNOWN) == missing


FOUND = gather(
    [
        {"metrics": {"balanced_accuracy": [0.523, 0.51, 0.536], "auc": [0.541, 0.522, 0.56]}, "folds": 4},
        {
            "return_after_costs": -0.0818, "return_before_costs": 0.0377, "max_drawdown": -0.1304, "trades_per_day": 2.19,
            "break_even_cost_bps_a_side": 4.2, "cost_bps_a_side": 12.0, "p_after_costs": 0.9905, "rules_tried": 24,
            "judged_days": 9.118, "judged_bars": 2626, "sharpe": -4.95, "growth_return": 49.2, "missing_bars": 3,
            "deepest_fall_when": ["2026-09-17 05:35"], "horizon": "1h",
        },
        "Luck explains the best of 24 rules tried: p = 0.120 before costs.",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("true", "changed"),
    [
        ("It lost 8.2 % after costs.", "It made 8.2 % after costs."),
        ("The return after costs is −8.2 %.", "The return after costs is +8.2 %."),
        ("Costs are 12 bp a side.", "Costs are 12 % a side."),
        ("It breaks even at 4.2 bp a side.", "It breaks even at 4.2 % a side."),
        ("The accuracy is 52.3 % (51.0 % to 53.6 %).", "The accuracy is 52.3 % (51.0 % to 56.0 %)."),
        ("The accuracy is 52.3 %.", "The accuracy is 53.6 %."),
        ("p = 0.99 after costs.", "p = 0.08 after costs."),
        ("It made 3.8 % before costs.", "The AUC is 3.8 %."),
        ("24 rules were tried.", "26 rules were tried."),
        ("4 folds were walked.", "3 folds were walked."),
        ("3 bars are missing.", "3 trades are missing."),
        ("About 9 days were judged.", "About 24 days were judged."),
        ("An hour ahead is 60 minutes.", "The horizon is 90 minutes."),
        ("It fell from 17 September 2026 on.", "It fell from 18 September 2026 on."),
        ("It grew 50-fold, a return before all costs.", "It grew 40-fold, a return before all costs."),
        ("Its Sharpe ratio is -4.9 or -4.95.", "Its Sharpe ratio is 0.99."),
        ("The interval of the AUC, 0.52 to 0.56, holds one half.", "The interval of the AUC, 0.51 to 0.56, holds one half."),
    ],
)  # fmt: skip
def test_a_figure_is_compared_with_its_unit_sign_subject_and_interval(true: str, changed: str) -> None:
    assert unfounded(true, FOUND) == []
    assert unfounded(changed, FOUND) != []


def test_a_day_and_a_span_are_no_heap_of_parts() -> None:
    """All three parts of 2023-06-05 stand somewhere in the results, the day does not."""
    assert unfounded("It began on 2023-06-05.", KNOWN) == ["2023-06-05"]
    assert unfounded("It began in June 2023, on 29 June.", KNOWN) == []


def test_only_the_sentences_with_unknown_figures_are_left_out() -> None:
    text = "Accuracy is 53.2 %. The Sharpe ratio is 1.8, which is high. p is 0.41; nothing to trade on.\nIt won 61 % of days."
    kept, count = without_unfounded(text, KNOWN)
    assert kept == "Accuracy is 53.2 %. p is 0.41; nothing to trade on."
    assert count == 2
