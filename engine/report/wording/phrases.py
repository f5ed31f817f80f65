"""The phrases that several sentences share: what was predicted, for how long, how old the prices are."""

import re
from typing import Final

from engine.report.result import Metric, Result
from engine.science.charts import numbers
from engine.science.charts.numbers import loss_percent, percent, plural

ADVICE: Final = "Research output, not financial advice."
SIMULATED: Final = "These prices are simulated. Nothing here speaks of a real market."
_UNITS: Final = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}


def subject(result: Result) -> str:
    """What was predicted: "BTC up or down in the next hour"."""
    named, span = coins(result), horizon_words(result.spec.horizon)
    match result.kind:
        case "direction":
            return f"{named} up or down in {span}"
        case "return":
            return f"the return of {named} over {span}"
        case "volatility":
            return f"{named} volatility in {span}"
        case "eda":
            return named


def data_age(result: Result) -> str:
    """How old the newest price is, at the time of the report."""
    newest = numbers.minute(result.data.newest)
    old = (result.made_at - result.data.newest).total_seconds() > 86_400
    tail = "; what holds today may differ" if old else ""
    return f"The newest price is {result.age_of_data()} old ({newest}){tail}."


def made_or_lost(fraction: float) -> str:
    """A return as a verb: "made 12 %", "lost 96 %"."""
    return f"{'lost' if fraction < 0 else 'made'} {loss_percent(fraction)}"


def horizon_words(text: str | None) -> str:
    """A horizon such as 1h in words: "the next hour"."""
    length = length_words(text)
    return f"the next {length.removeprefix('1 ')}" if length else "the next bar"


def length_words(text: str | None) -> str:
    """A length of time such as 4h in words: "4 hours"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(m|min|h|d|w)\s*", text or "")
    if not found:
        return text or ""
    amount = float(found[1])
    return f"{found[1]} {_UNITS[found[2]]}" + ("" if amount == 1 else "s")


def judged_span(result: Result) -> str:
    """The length of the judged span: "43 days"."""
    days = result.validation.judged_days if result.validation else None
    if days is None:
        days = result.spec.period_days
    return plural(round(days), "day") if days else "the judged span"


def coins(result: Result) -> str:
    """The coins that are predicted, as people write them."""
    return listed([coin.upper() for coin in result.spec.coins]) or "the coins"


def chance(p: float | None) -> str:
    """A p-value as a share of cases: "2.3 %", "less than 0.1 %"."""
    if p is None:
        return numbers.MISSING
    if p < 0.001:
        return f"less than 0.1{numbers.THIN}%"
    return percent(p, digits=0 if p >= 0.0995 else 1, sign=False)


def interval_words(metric: Metric) -> str:
    """The interval of a share in brackets, in percent, with a blank before it; empty where it is not known."""
    if metric.low is None or metric.high is None:
        return ""
    return f" ({numbers.signed(metric.low * 100, 1)} to {numbers.signed(metric.high * 100, 1)})"


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(text: str) -> str:
    """A text with a capital letter and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return capital(text) + ("" if text[-1] in ".!?" else ".")


def capital(text: str) -> str:
    """A text with a capital letter."""
    return text[:1].upper() + text[1:]
