"""The verdict in words: its name, the line that opens the message, and the one sentence under it."""

from typing import Final

from engine.report.result import Metric, Result, Verdict
from engine.report.wording.phrases import (
    interval_words,
    judged_span,
    listed,
    made_or_lost,
    sentence,
    subject,
)
from engine.science.charts.numbers import loss_percent, number, p_value, percent, plural

WORDS: Final = {"edge": "edge", "no_edge": "no edge", "not_enough_data": "not enough data"}


def verdict_word(result: Result) -> str:
    """The first words of the finish: "Verdict: no edge", or "Result" for a goal without one."""
    return f"Verdict: {WORDS[result.verdict.decision]}" if result.verdict else "Result"


def verdict_line(result: Result) -> str:
    """The result in one line that starts with `verdict_word`."""
    if result.verdict is None:
        return f"Result: {sentence(result.findings[0].title)}"
    if result.answered:
        return f"{verdict_word(result)} for {subject(result)}. {sentence(result.findings[0].title)}"
    return f"{verdict_word(result)} for {subject(result)}: {headline(result)}"


def lead(result: Result) -> str:
    """The sentence under the verdict's word: the answer to what was asked."""
    if result.verdict is None or result.answered:
        return sentence(result.findings[0].title)
    return headline(result)


def headline(result: Result) -> str:
    """What happened, in one sentence: the one number that matters beside what it is measured against."""
    verdict = result.verdict
    if verdict is None:
        return sentence(result.findings[0].text or result.findings[0].title)
    if result.by_coin and len(result.by_coin) > 1:
        return _several_coins(result)
    if verdict.decision == "not_enough_data" and verdict.least_edge_shown and verdict.least_edge_paying:
        return (
            f"{judged_span(result)} could only show a correlation of {number(verdict.least_edge_shown, 2)} "
            "or more; "
            f"{number(verdict.least_edge_paying, 2)} would already pay the costs."
        )
    text = (
        _skill_headline(result, verdict)
        if result.kind in ("return", "volatility")
        else _direction_headline(result, verdict)
    )
    return text or sentence(verdict.reason)


def _direction_headline(result: Result, verdict: Verdict) -> str:
    best, hold = result.best, result.baseline("Buy and hold")
    net = best.value("net_return") if best else None
    if best is None or net is None:
        return ""
    held = hold.value("net_return") if hold else None
    holding = f"; holding {made_or_lost(held)}" if held is not None else ""
    span = f"in {judged_span(result)}"
    if verdict.decision == "edge":
        sealed = f", {percent(verdict.sealed_return)} on the sealed span" if verdict.sealed_return else ""
        return (
            f"{best.name} {made_or_lost(net)} after costs {span}{sealed} (p = "
            f"{p_value(verdict.p_value)}){holding}."
        )
    tried = (
        f"the strongest of {plural(verdict.candidates, 'rule')}"
        if verdict.candidates > 1
        else "the rule tried"
    )
    luck = f", {not_an_edge(verdict)}" if net > 0 else ""
    return f"{tried} {made_or_lost(net)} after costs {span}{luck}{holding}."


def _skill_headline(result: Result, verdict: Verdict) -> str:
    best, reference = result.best, verdict.reference or "the simplest forecast"
    skill = best.metrics.get("skill") if best else None
    if best is None or skill is None or skill.value is None:
        return ""
    if skill.value < 0:  # the interval turns round with the sign
        larger = Metric(value=-skill.value, low=_negative(skill.high), high=_negative(skill.low))
        amount = f"{loss_percent(skill.value, digits=1)}{interval_words(larger)}"
        role = "the best" if result.kind == "volatility" else "which earned most"
        return f"nothing tried beats {reference}; the error of {best.name}, {role}, is {amount} larger."
    amount = f"{loss_percent(skill.value, digits=1)}{interval_words(skill)}"
    if verdict.decision == "edge":
        sealed = best.value("skill_sealed")
        also = (
            f" and by {loss_percent(sealed, digits=1)} on the sealed span"
            if sealed is not None and sealed > 0
            else ""
        )
        return f"{best.name} beats {reference} by {amount}{also}."
    return f"{best.name} is {amount} better than {reference}, {not_an_edge(verdict)}."


def _several_coins(result: Result) -> str:
    parts = []
    for decision, words in WORDS.items():
        coins = [c.coin.upper() for c in result.by_coin if c.verdict.decision == decision]
        if coins:
            parts.append(f"{words} for {listed(coins)}")
    own = result.model_copy(
        update={"by_coin": (), "spec": result.spec.model_copy(update={"coins": (result.headline_coin,)})}
    )
    return f"{'; '.join(parts)}. {result.headline_coin.upper()}: {headline(own)}"


def not_an_edge(verdict: Verdict) -> str:
    """Why a gain is none to rely on."""
    return "which was not confirmed" if verdict.reason_code == "not_confirmed" else "which luck explains"


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
