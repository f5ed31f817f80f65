"""The charts: sizes, words, uncertainty and what must never happen to them."""

import io
import re
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.science import charts
from engine.science.charts import Chart, Source, style
from engine.science.charts.lines import envelope, push_apart

START = datetime(2023, 6, 29, tzinfo=UTC)
BARS = 2_000
SOURCE = Source("Binance", "USDT", 5, BARS, START, START + timedelta(minutes=5 * BARS), "R-142")
SIMULATED = Source(
    "Simulated", "USD", 5, BARS, START, START + timedelta(minutes=5 * BARS), "R-7", simulated=True
)
TIMES = np.datetime64("2023-06-29") + np.arange(BARS) * np.timedelta64(5, "m")


def walk(seed: int, drift: float = 0.0) -> NDArray[np.float64]:
    """Growth of 1 along a random walk."""
    steps = np.random.default_rng(seed).normal(drift, 0.002, BARS)
    steps[0] = 0.0
    return np.asarray(np.cumprod(1 + steps), dtype=np.float64)


def equity(source: Source = SOURCE, *, net: float, gross: float, decision: str = "no_edge") -> Chart:
    """An equity chart whose curves end at the given growth."""
    end = np.linspace(0, 1, BARS)
    return charts.draw_equity(
        source,
        model="LogReg",
        horizon="1 h",
        times=TIMES,
        net=net**end,
        gross=gross**end,
        hold=0.9**end,
        decision=decision,
        changes_per_day=45.2,
        cost_bps=12.6,
    )


def words(chart: Chart) -> str:
    """All text in a chart's SVG."""
    assert chart.svg is not None
    return " ".join(re.findall(r">([^<>]+)</(?:text|tspan)>", chart.svg))


@pytest.mark.parametrize(
    ("net", "gross", "decision", "title"),
    [
        (0.04, 0.94, "no_edge", "Costs turn −6.0 % into −96 %"),
        (1.12, 1.20, "no_edge", "+12 % after costs, which luck explains"),
        (1.12, 1.20, "not_enough_data", "+12 % after costs, too short to tell from luck"),
        (1.31, 1.40, "edge", "+31 % after costs; holding −10 %"),
    ],
)
def test_the_title_is_the_finding_and_claims_no_more_than_the_verdict(
    net: float, gross: float, decision: str, title: str
) -> None:
    assert equity(net=net, gross=gross, decision=decision).title.replace("\u202f", " ") == title


def test_figures_are_taken_where_the_sealed_span_begins() -> None:
    net = np.concatenate([np.linspace(1, 0.5, 1_000), np.linspace(0.5, 0.25, 1_000)])
    flat = np.ones(BARS)
    drawn = charts.draw_equity(
        SOURCE,
        model="LogReg",
        horizon="1 h",
        times=TIMES,
        net=net,
        gross=flat,
        hold=flat,
        sealed_start=TIMES[999].astype(datetime).replace(tzinfo=UTC),
    )
    assert drawn.title.replace("\u202f", " ") == "Costs turn 0 % into −50 %"
    assert "sealed span: −50\u202f%" in words(drawn)
    assert "it makes −50\u202f%" in drawn.alt


def test_every_line_is_named_at_its_end_with_its_value() -> None:
    text = words(equity(net=0.04, gross=0.94))
    for name in ("Before costs", "−6.0\u202f%", "Buy and hold", "−10\u202f%", "After costs", "−96\u202f%"):
        assert name in text


def test_chat_and_report_pictures_have_their_sizes() -> None:
    chart = equity(net=0.9, gross=1.1)
    image = Image.open(io.BytesIO(chart.png))
    assert (image.size, image.mode) == ((1200, 675), "RGB")
    assert len(chart.png) < 250_000
    assert chart.svg is not None
    assert 'width="493.2pt" height="212.4pt"' in chart.svg  # 6.85 x 2.95 inches


def test_the_same_numbers_give_the_same_bytes() -> None:
    one, two = equity(net=0.9, gross=1.1), equity(net=0.9, gross=1.1)
    assert one.png == two.png
    assert one.svg == two.svg


def test_the_alt_text_says_what_the_picture_shows() -> None:
    alt = equity(net=0.04, gross=0.94).alt.replace("\u202f", " ")
    assert "LogReg ends at −96 % after costs and −6.0 % before costs; buy and hold ends at −10 %." in alt


def test_simulated_prices_are_marked_in_picture_and_words() -> None:
    chart = equity(SIMULATED, net=0.9, gross=1.1)
    assert "Simulated prices" in words(chart)
    assert chart.alt.startswith("Simulated prices")
    top = np.asarray(Image.open(io.BytesIO(chart.png)))[2, 600]
    assert "#{:02X}{:02X}{:02X}".format(*top) == style.ALARM


def test_growth_beyond_six_is_drawn_on_a_log_axis_in_multiples() -> None:
    assert "×\u202f10" in words(equity(net=40.0, gross=50.0, decision="edge"))


@pytest.mark.parametrize("length", [0.5, 1.0, 40.0, 500.0, 3000.0])
def test_the_price_chart_takes_any_length(length: float) -> None:
    times = np.datetime64("2015-01-01T00:00:00") + (np.linspace(0, length, 700) * 86_400).astype(
        "timedelta64[s]"
    )
    close = 3e-6 * np.exp(np.linspace(0, 0.5, 700))
    chart = charts.draw_price(
        SOURCE,
        coin="doge",
        times=times,
        close=close,
        panels=[charts.Panel("RSI 14", [np.full(700, 55.0)], marks=(30, 70))],
    )
    assert chart.title.startswith("DOGE +65")
    assert "RSI 14" in words(chart)


def test_a_strange_name_is_drawn_as_text() -> None:
    name = "$\\frac{$ \u202eevil\u0000 日本"
    chart = charts.draw_price(SOURCE, coin="btc", times=TIMES, close=walk(1), lines={name: walk(2)})
    assert "$\\frac{$" in words(chart)
    assert "\u202e" not in words(chart)
    assert "□" in words(chart)


def test_gaps_in_the_prices_do_not_break_a_chart() -> None:
    close = walk(1)
    close[500:700] = np.nan
    assert charts.draw_price(SOURCE, coin="btc", times=TIMES, close=close).png


def test_labels_are_pushed_apart_and_none_is_lost() -> None:
    centres = push_apart([1.0, 1.05, 1.1, 3.0], [0.4, 0.4, 0.4, 0.4], low=0.0, high=4.0)
    assert centres == pytest.approx([0.65, 1.05, 1.45, 3.0])
    crowded = push_apart([0.0] * 5, [0.5] * 5, low=0.0, high=4.0)
    assert crowded == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25])


def test_a_thinned_line_keeps_its_spike() -> None:
    y = np.zeros(20_000)
    y[12_345] = 9.0
    x = np.arange(20_000, dtype=float)
    thin_x, thin_y = envelope(x, y, 200)
    assert len(thin_x) < 500
    assert thin_y.max() == 9.0
    assert thin_x[thin_y.argmax()] == 12_345


def test_calibration_says_where_the_model_is_too_sure() -> None:
    said, came = np.array([0.4, 0.5, 0.67]), np.array([0.41, 0.5, 0.51])
    chart = charts.draw_calibration(
        SOURCE,
        model="LogReg",
        horizon="1 h",
        said=said,
        came=came,
        low=came - 0.05,
        high=came + 0.05,
        edges=np.linspace(0.3, 0.7, 21),
        counts=np.ones(20),
        brier=0.253,
        reference_brier=0.25,
    )
    assert chart.title.replace("\u202f", " ") == "Too sure of itself: its 67 % came true 51 % of the time"
    right = charts.draw_calibration(
        SOURCE,
        model="LogReg",
        horizon="1 h",
        said=said,
        came=said,
        low=said - 0.05,
        high=said + 0.05,
        edges=np.linspace(0.3, 0.7, 21),
        counts=np.ones(20),
    )
    assert right.title == "Its probabilities are about right"


def test_residuals_compare_what_was_said_with_what_came() -> None:
    chart = charts.draw_residuals(
        SOURCE,
        model="Ridge",
        horizon="1 h",
        forecast_bps=[-9, 0, 11],
        actual_bps=[-8.5, 0.2, 0.7],
        low_bps=[-10, -1, -1],
        high_bps=[-7, 1, 2],
        edges_bps=np.linspace(-12, 12, 11),
        counts=np.ones(10),
    )
    assert chart.title.replace("\u202f", " ") == "It says too much: 11 bp said, 0.7 bp came"


def test_importance_counts_features_whose_interval_leaves_zero() -> None:
    chart = charts.draw_importance(
        SOURCE,
        model="LogReg",
        names=["RSI 14", "SMA 20", *[f"lag {i}" for i in range(10)]],
        loss=[4.0, 3.0, *[0.1] * 10],
        low=[1.0, -0.5, *[-1.0] * 10],
        high=[7.0, 6.5, *[1.0] * 10],
    )
    assert chart.title == "1 of 12 features helped beyond chance"
    assert words(chart).count("lag") == 6  # the eight best are drawn
    assert style.CHANCE[1].lower() in (chart.svg or "")


@pytest.mark.parametrize(
    ("skill", "decision", "title"),
    [
        (0.098, "edge", "Ridge beats the moving average by 9.8 %"),
        (0.031, "no_edge", "Ridge is 3.1 % better, which luck explains"),
        (-0.02, "no_edge", "Nothing beats the moving average"),
    ],
)
def test_skill_claims_no_more_than_the_verdict(skill: float, decision: str, title: str) -> None:
    chart = charts.draw_skill(
        SOURCE,
        horizon="1 h",
        names=["Ridge", "Mean"],
        skill=[skill, -0.1],
        low=[skill - 0.05, -0.2],
        high=[skill + 0.05, 0.0],
        sealed=[0.05, float("nan")],
        reference="the moving average",
        decision=decision,
    )
    assert chart.title.replace("\u202f", " ") == title


def test_periods_count_the_judged_ones_only() -> None:
    chart = charts.draw_periods(
        SOURCE,
        model="LogReg",
        every="week",
        starts=[START + timedelta(weeks=i) for i in range(4)],
        gross=[0.02, 0.01, -0.01, 0.05],
        net=[0.01, -0.01, -0.02, 0.04],
        hold=[0.0, 0.0, 0.01, 0.0],
        sealed_start=START + timedelta(weeks=3),
    )
    assert chart.title == "1 of 3 weeks ended positive after costs"


def test_seasonality_names_the_extremes() -> None:
    cells = np.full((7, 24), 4.0)
    cells[2, 14], cells[6, 7] = 14.0, 2.0
    chart = charts.draw_seasonality(SOURCE, coin="btc", volatility_bps=cells)
    assert chart.title == "Wed 14:00 moves 7.0 times as much as Sun 07:00"
    cells[0, 0] = np.nan  # an hour that was never seen
    assert charts.draw_seasonality(SOURCE, coin="btc", volatility_bps=cells).title == chart.title


def grid(words_of_cells: list[list[str]], monthly: list[list[float]]) -> Chart:
    return charts.draw_grid(
        SOURCE,
        horizons=["1 h", "4 h"],
        costs_bps=[0, 2, 12.6],
        monthly=monthly,
        words=words_of_cells,
        asked=(0, 2),
    )


def test_the_grid_names_the_highest_cost_an_edge_survives() -> None:
    monthly = [[0.1, -0.1, -0.9], [0.2, 0.1, -0.5]]
    none = [["no_edge"] * 3] * 2
    assert grid(none, monthly).title == "No edge at any cost or horizon tried"
    some = [["no_edge"] * 3, ["edge", "edge", "not_enough_data"]]
    chart = grid(some, monthly)
    assert chart.title.replace("\u202f", " ") == "An edge only up to 2 bp a side, at 4 h"
    assert "none seen" in words(chart)  # too little data beside a loss of half
    assert "12.6\u202fbp" in words(chart)


def test_correlation_names_the_closest_pair() -> None:
    matrix = [[1.0, 0.88, 0.4], [0.88, 1.0, 0.5], [0.4, 0.5, 1.0]]
    chart = charts.draw_correlation(SOURCE, coins=["btc", "eth", "xrp"], matrix=matrix)
    assert chart.title == "BTC and ETH move most alike: 0.88"
    assert "0.40" in words(chart)
    with pytest.raises(ValueError, match="two coins"):
        charts.draw_correlation(SOURCE, coins=["btc"], matrix=[[1.0]])


def test_the_target_counts_balanced_weeks() -> None:
    chart = charts.draw_target(
        SOURCE,
        label="share of rises within 1 h",
        starts=[START + timedelta(weeks=i) for i in range(3)],
        values=[0.5, 0.58, 0.49],
        low=[0.45, 0.53, 0.44],
        high=[0.55, 0.63, 0.54],
        reference=0.5,
        spans=[
            ("train", START, START + timedelta(weeks=2)),
            ("sealed", START + timedelta(weeks=2), START + timedelta(weeks=3)),
        ],
    )
    assert chart.title == "Ups and downs balance in 2 of 3 weeks"
    assert "training" in words(chart)


def distance(one: str, two: str, deficiency: str | None) -> float:
    """Perceived distance of two colours (CAM02-UCS), as seen with a colour vision deficiency."""
    with warnings.catch_warnings():  # its docstrings have escapes that newer Pythons warn of
        warnings.simplefilter("ignore")
        from colorspacious import cspace_convert

    space: object = "sRGB255"
    if deficiency:
        space = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
    points = []
    for colour in (one, two):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)
        if deficiency:
            rgb = np.clip(cspace_convert(rgb / 255, space, "sRGB1"), 0, 1) * 255
        points.append(cspace_convert(rgb, "sRGB255", "CAM02-UCS"))
    return float(np.linalg.norm(points[0] - points[1]))


@pytest.mark.parametrize("deficiency", [None, "deuteranomaly", "protanomaly"])
@pytest.mark.parametrize(
    ("one", "two"),
    [
        (style.MODEL, style.HOLD),
        (style.MODEL, style.GROSS),
        (style.GROSS, style.HOLD),
        (style.MODEL, style.SECOND),
        (style.LOSS_TO_GAIN[0], style.LOSS_TO_GAIN[-1]),
        (style.SIGNIFICANT[1], style.CHANCE[1]),
    ],
)
def test_colours_that_meet_can_be_told_apart(one: str, two: str, deficiency: str | None) -> None:
    assert distance(one, two, deficiency) > 15


@pytest.mark.parametrize(
    "colour",
    [style.INK, style.MUTED, style.MODEL, style.HOLD, style.SECOND_TEXT, style.ALARM, style.GROSS_TEXT],
)
def test_text_colours_have_contrast_on_white(colour: str) -> None:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    least = 4.3 if colour == style.GROSS_TEXT else 4.5  # written large and semibold only
    assert 1.05 / (luminance + 0.05) >= least
