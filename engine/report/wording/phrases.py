"""The phrases that several sentences share: what was predicted, for how long, how old the prices are."""

import re
from typing import Final

from engine import speech
from engine.report.result import Metric, Result
from engine.science.charts import numbers
from engine.science.charts.numbers import loss_percent, percent, plural
from engine.speech import said, say

ADVICE: Final = "Research output, not financial advice."
SIMULATED: Final = "These prices are simulated. Nothing here speaks of a real market."
# Whole, because other languages bend the noun by the words before it.
_NEXT: Final = {
    "minute": (said("the next minute"), "the next {n} minutes"),
    "hour": (said("the next hour"), "the next {n} hours"),
    "day": (said("the next day"), "the next {n} days"),
    "week": (said("the next week"), "the next {n} weeks"),
}
_UNITS: Final = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}


def subject(result: Result) -> str:
    """What was predicted: "BTC up or down in the next hour"."""
    named, span = coins(result), horizon_words(result.spec.horizon)
    match result.kind:
        case "direction":
            return say("{coins} up or down in {span}", coins=named, span=span)
        case "return":
            return say("the return of {coins} over {span}", coins=named, span=span)
        case "volatility":
            return say("{coins} volatility in {span}", coins=named, span=span)
        case "eda":
            return named


def data_age(result: Result) -> str:
    """How old the newest price is, at the time of the report."""
    newest = numbers.minute(result.data.newest)
    old = (result.made_at - result.data.newest).total_seconds() > 86_400
    tail = say("; what holds today may differ") if old else ""
    age = result.age_of_data()
    return say("The newest price is {age} old ({newest}){tail}.", age=age, newest=newest, tail=tail)


def made_or_lost(fraction: float) -> str:
    """A return as a verb: "made 12 %", "lost 96 %"."""
    amount = loss_percent(fraction)
    return say("lost {amount}", amount=amount) if fraction < 0 else say("made {amount}", amount=amount)


def horizon_words(text: str | None) -> str:
    """A horizon such as 1h in words: "the next hour"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(m|min|h|d|w)\s*", text or "")
    if not found:
        return say("the next {length}", length=text) if text else say("the next bar")
    one, many = _NEXT[_UNITS[found[2]]]
    return str(one) if float(found[1]) == 1 else say(many, n=speech.figures(found[1]))


def length_words(text: str | None) -> str:
    """A length of time such as 4h in words: "4 hours"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(m|min|h|d|w)\s*", text or "")
    if not found:
        return text or ""
    amount = float(found[1])
    return f"{speech.figures(found[1])} {speech.noun(amount, _UNITS[found[2]])}"


def judged_span(result: Result) -> str:
    """The length of the judged span: "43 days"."""
    days = result.validation.judged_days if result.validation else None
    if days is None:
        days = result.spec.period_days
    return plural(round(days), "day") if days else say("the judged span")


def coins(result: Result) -> str:
    """The coins that are predicted, as people write them."""
    return listed([coin.upper() for coin in result.spec.coins]) or say("the coins")


def chance(p: float | None) -> str:
    """A p-value as a share of cases: "2.3 %", "less than 0.1 %"."""
    if p is None:
        return numbers.MISSING
    if p < 0.001:
        return say("less than {share}", share=percent(0.001, sign=False))
    return percent(p, digits=0 if p >= 0.0995 else 1, sign=False)


def interval_words(metric: Metric) -> str:
    """The interval of a share in brackets, in percent, with a blank before it; empty where it is not known."""
    if metric.low is None or metric.high is None:
        return ""
    low, high = numbers.signed(metric.low * 100, 1), numbers.signed(metric.high * 100, 1)
    return say(" ({low} to {high})", low=low, high=high)


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return say(" and ").join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(text: str) -> str:
    """A text with a capital letter and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return capital(text) + ("" if text[-1] in ".!?" else ".")


def capital(text: str) -> str:
    """A text with a capital letter."""
    return text[:1].upper() + text[1:]
