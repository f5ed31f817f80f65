"""The charts: sizes, words, uncertainty and what must never happen to them."""

import io
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.science import charts
from engine.science.charts import canvas, style
from engine.science.charts.canvas import Chart, Source, push_apart

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
    return np.cumprod(1 + steps)


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
        SOURCE, coin="doge", times=times, close=close, oscillators={"RSI 14": np.full(700, 55.0)}
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
    thin_x, thin_y = canvas.envelope(x, y, 200)
    assert len(thin_x) < 500
    assert thin_y.max() == 9.0
    assert thin_x[thin_y.argmax()] == 12_345
