"""Moments on an x axis: conversion to days, and ticks that fall on round dates or hours."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days(times: ArrayLike | Sequence[datetime]) -> NDArray[np.float64]:
    """UTC moments (datetime64, a DatetimeIndex, or aware datetimes) as days since 1970."""
    to_numpy = getattr(times, "to_numpy", None)  # of a DatetimeIndex with a zone: UTC
    array = to_numpy(dtype="datetime64[us]") if to_numpy else np.asarray(times)
    if array.dtype.kind != "M":
        array = np.array([np.datetime64(t.astimezone(UTC).replace(tzinfo=None), "us") for t in array.ravel()])
    return array.astype("datetime64[us]").astype(np.int64) / 86_400e6


def day(moment: datetime) -> float:
    """One aware datetime as days since 1970."""
    return (moment - _EPOCH) / timedelta(days=1)


def moment(value: float) -> datetime:
    """Days since 1970 as an aware datetime, to the second."""
    return _EPOCH + timedelta(seconds=round(value * 86_400))


def ticks(low: float, high: float, *, most: int) -> list[tuple[float, str]]:
    """At most `most` ticks between two moments (in days), on the roundest dates or hours that fit."""
    if high <= low:
        return [(low, f"{moment(low).day} {moment(low):%b}")]
    found: list[datetime] = []
    unit = "year"
    for unit, candidates in _candidates(moment(low), moment(high)):
        found = [t for t in candidates if low <= day(t) <= high]
        if len(found) <= most and (len(found) >= 2 or unit == "year"):
            break
    if len(found) > most:
        found = found[:: -(-len(found) // most)]
    many_years = moment(low).year != moment(high).year
    return [(day(t), _label(t, unit, first=i == 0, many_years=many_years)) for i, t in enumerate(found)]


def _candidates(low: datetime, high: datetime) -> Iterator[tuple[str, list[datetime]]]:
    span = high - low
    midnight = low.replace(hour=0, minute=0, second=0, microsecond=0)
    if span <= timedelta(days=12):
        for minutes in (5, 15, 30, 60, 120, 180, 360, 720):
            step = timedelta(minutes=minutes)
            if span / step <= 60:
                yield "hour", [midnight + step * i for i in range(int((span + timedelta(days=1)) / step) + 1)]
    if span <= timedelta(days=400):
        for every in (1, 2):
            yield "day", [midnight + timedelta(days=every * i) for i in range(span.days // every + 2)]
        monday = midnight - timedelta(days=midnight.weekday())
        yield "day", [monday + timedelta(weeks=i) for i in range(span.days // 7 + 2)]
        yield "day", [t.replace(day=d) for t in _months(low, high, 1) for d in (1, 15)]
    for months in (1, 2, 3, 6):
        yield "month", list(_months(low, high, months))
    yield "year", [datetime(year, 1, 1, tzinfo=UTC) for year in range(low.year, high.year + 1)]


def _months(low: datetime, high: datetime, every: int) -> Iterator[datetime]:
    for number in range(low.year * 12 + low.month - 1, high.year * 12 + high.month):
        if number % every == 0:
            yield datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _label(t: datetime, unit: str, *, first: bool, many_years: bool) -> str:
    if unit == "hour" and (t.hour or t.minute):
        return f"{t:%H:%M}"
    if unit == "year":
        return str(t.year)
    if unit == "month":
        return f"{t:%b %Y}" if many_years and (first or t.month == 1) else f"{t:%b}"
    text = f"{t.day} {t:%b}"
    return f"{text} {t.year}" if many_years and (first or (t.month == 1 and t.day == 1)) else text
