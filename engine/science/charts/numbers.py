"""How numbers, money and moments are written for people: one place, so that every page agrees."""

import math
from datetime import UTC, datetime, timedelta

from engine import speech
from engine.speech import say

MINUS = "−"
THIN = "\u202f"  # narrow no-break space: keeps "5 %" on one line
MISSING = "–"


def percent(fraction: float | None, *, digits: int | None = None, sign: bool = True) -> str:
    """A fraction as percent: 0.123 -> "+12 %", −0.042 -> "−4.2 %".

    Without `digits`, ten percent and more get none and less gets one. A loss that is not total is never
    rounded to −100 %. Growth beyond a thousand percent is written as a multiple ("× 124").
    """
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    if sign and fraction >= 10:
        return multiple(1.0 + fraction)
    value = fraction * 100.0
    if digits is None:
        digits = 0 if abs(value) >= 9.95 or value == 0 else 1
    if value > -100.0:
        while f"{value:.{digits}f}" == f"{-100.0:.{digits}f}" and digits < 3:
            digits += 1
    return f"{signed(value, digits, plus=sign)}{THIN}%"


def loss_percent(fraction: float, *, digits: int | None = None) -> str:
    """The size of a change without its sign, for "lost 96 %" and "made 12 %"."""
    return percent(fraction, digits=digits).lstrip(f"+{MINUS}")


def basis_points(value: float | None, *, sign: bool = False) -> str:
    """Basis points with one decimal where it matters: "12.6 bp", "−0.3 bp", "20 bp"."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = signed(value, 1 if abs(value) < 99.95 else 0, plus=sign)
    return f"{text.removesuffix(speech.figures('.0'))}{THIN}bp"


def signed(value: float, digits: int, *, plus: bool = False) -> str:
    """A number with a true minus, thousands in groups, and no "−0"."""
    text = f"{abs(value):,.{digits}f}"
    is_zero = not text.strip("0.,")
    text = speech.figures(text)
    if value < 0 and not is_zero:
        return MINUS + text
    return f"+{text}" if plus and not is_zero else text


def number(value: float | None, digits: int = 3) -> str:
    """A plain number: an AUC, a p-value, a correlation."""
    if value is None or not math.isfinite(value):
        return MISSING
    return signed(value, digits)


def p_value(value: float | None) -> str:
    """A p-value; below a thousandth it says so instead of showing 0.000."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"
    return speech.figures(text)


def count(value: float | None) -> str:
    """A whole number with thousands: 25,920."""
    return MISSING if value is None or not math.isfinite(value) else signed(round(value), 0)


def rate(value: float | None) -> str:
    """How often something happens: 45, 4.2, 0.31."""
    if value is None or not math.isfinite(value):
        return MISSING
    return signed(value, 0 if abs(value) >= 9.95 or value == 0 else 1 if abs(value) >= 0.95 else 2)


def multiple(factor: float) -> str:
    """A growth factor: "× 1,240"."""
    return f"×{THIN}{signed(factor, 0 if factor >= 9.95 else 1)}"


def price(value: float | None) -> str:
    """A price with as many digits as it needs: 26,114, 0.4923, 0.0000012."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0 or abs(value) >= 1_000:
        return signed(value, 0)
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return signed(value, min(digits, 12))


def day(moment: datetime, *, year: bool = False) -> str:
    """A date in words: 15 Aug, or 15 Aug 2023."""
    return speech.day(moment, year=year)


def minute(moment: datetime) -> str:
    """A moment to the minute in UTC: 2023-09-27 18:10 UTC."""
    return f"{speech.minute(moment.astimezone(UTC))} UTC"


def age(delta: timedelta) -> str:
    """How old something is, in the largest unit that still means something."""
    seconds = max(delta.total_seconds(), 0.0)
    for unit, size in (("year", 365.25 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size * (2 if unit == "year" else 1):
            many = seconds / size if unit == "year" else seconds // size
            return f"{signed(many, 1 if unit == 'year' else 0)} {speech.noun(many, unit)}"
    return say("less than a minute")


def interval(minutes: float) -> str:
    """A length of time in the unit people use for it: 5 min, 1 h, 2 days."""
    if minutes % 1_440 == 0 and minutes >= 1_440:
        return plural(int(minutes // 1_440), "day")
    if minutes % 60 == 0 and minutes >= 60:
        return f"{int(minutes // 60)}{THIN}h"
    return f"{speech.figures(f'{minutes:g}')}{THIN}min"


def bar_name(minutes: float) -> str:
    """A candle's length as an adjective: five-minute, hourly, daily."""
    names = {
        1: "one-minute",
        5: "five-minute",
        15: "fifteen-minute",
        30: "half-hour",
        60: "hourly",
        1_440: "daily",
    }
    return names.get(int(minutes)) or interval(minutes)


def plural(amount: float, noun: str) -> str:
    """An amount with its noun: 1 week, 9 weeks, 25,920 bars."""
    return f"{count(amount)} {speech.noun(amount, noun)}"
