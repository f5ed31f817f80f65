"""How numbers are written."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.science.charts import numbers, timeline


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.123, "+12 %"),
        (-0.0042, "−0.4 %"),
        (-0.958, "−96 %"),
        (-0.9997, "−99.97 %"),  # a loss that is not total is not called total
        (-1.0, "−100 %"),
        (0.0, "0 %"),
        (-0.0001, "0.0 %"),
        (214.0, "× 215"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_percent(fraction: float | None, text: str) -> None:
    assert numbers.percent(fraction).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (numbers.basis_points(12.6), "12.6 bp"),
        (numbers.basis_points(-0.3), "−0.3 bp"),
        (numbers.basis_points(20.0), "20 bp"),
        (numbers.p_value(0.0004), "< 0.001"),
        (numbers.p_value(0.0412), "0.041"),
        (numbers.p_value(0.36), "0.36"),
        (numbers.price(26_114.3), "26,114"),
        (numbers.price(0.49231), "0.4923"),
        (numbers.price(0.000001234), "0.000001234"),
        (numbers.rate(45.2), "45"),
        (numbers.rate(4.22), "4.2"),
        (numbers.rate(0.314), "0.31"),
        (numbers.interval(60), "1 h"),
        (numbers.interval(15), "15 min"),
        (numbers.interval(2880), "2 days"),
        (numbers.age(timedelta(minutes=12)), "12 minutes"),
        (numbers.age(timedelta(hours=25)), "1 day"),
        (numbers.age(timedelta(days=1157)), "3.2 years"),
        (numbers.age(timedelta(seconds=-5)), "less than a minute"),
    ],
)
def test_units(call: str, text: str) -> None:
    assert call.replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("start", "length", "labels"),
    [
        (datetime(2023, 8, 4, tzinfo=UTC), timedelta(days=54), ["15 Aug", "1 Sep", "15 Sep"]),
        (datetime(2023, 9, 26, 18, 10, tzinfo=UTC), timedelta(days=1), ["27 Sep", "06:00", "12:00", "18:00"]),
        (datetime(2022, 11, 5, tzinfo=UTC), timedelta(days=120), ["Dec 2022", "Jan 2023", "Feb", "Mar"]),
        (datetime(2013, 5, 1, tzinfo=UTC), timedelta(days=4 * 365), ["2014", "2015", "2016", "2017"]),
    ],
)
def test_time_ticks_fall_on_round_moments(start: datetime, length: timedelta, labels: list[str]) -> None:
    found = timeline.ticks(timeline.day(start), timeline.day(start + length), most=4)
    assert [label for _, label in found] == labels


def test_days_reads_arrays_and_datetimes_alike() -> None:
    import numpy as np

    moment = datetime(1970, 1, 3, 12, tzinfo=UTC)
    assert timeline.days(np.array(["1970-01-03T12:00"], dtype="datetime64[ns]"))[0] == 2.5
    assert timeline.days([moment])[0] == timeline.day(moment) == 2.5
    assert timeline.moment(2.5) == moment
