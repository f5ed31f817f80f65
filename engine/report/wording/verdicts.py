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
from engine.speech import say

WORDS: Final = {"edge": "edge", "no_edge": "no edge", "not_enough_data": "not enough data"}


def verdict_word(result: Result) -> str:
    """The first words of the finish: "Verdict: no edge", or "Result" for a goal without one."""
    return (
        say("Verdict: {word}", word=say(WORDS[result.verdict.decision])) if result.verdict else say("Result")
    )


def verdict_line(result: Result) -> str:
    """The result in one line that starts with `verdict_word`."""
    if result.verdict is None:
        return f"{verdict_word(result)}: {sentence(result.findings[0].title)}"
    opening = say("{verdict} for {subject}", verdict=verdict_word(result), subject=subject(result))
    if result.answered:
        return f"{opening}. {sentence(result.findings[0].title)}"
    return f"{opening}: {headline(result)}"


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
        return say(
            "{span} could only show a correlation of {shown} or more; {paying} would already pay the costs.",
            span=judged_span(result),
            shown=number(verdict.least_edge_shown, 2),
            paying=number(verdict.least_edge_paying, 2),
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
    holding = say("; holding {did}", did=made_or_lost(held)) if held is not None else ""
    if verdict.decision == "edge":
        sealed = (
            say(", {change} on the sealed span", change=percent(verdict.sealed_return))
            if verdict.sealed_return
            else ""
        )
        return say(
            "{rule} {did} after costs in {span}{sealed} (p = {p}){holding}.",
            rule=best.name,
            did=made_or_lost(net),
            span=judged_span(result),
            sealed=sealed,
            p=p_value(verdict.p_value),
            holding=holding,
        )
    tried = (
        say("the strongest of {rules}", rules=plural(verdict.candidates, "rule"))
        if verdict.candidates > 1
        else say("the rule tried")
    )
    return say(
        "{rule} {did} after costs in {span}{luck}{holding}.",
        rule=tried,
        did=made_or_lost(net),
        span=judged_span(result),
        luck=f", {not_an_edge(verdict)}" if net > 0 else "",
        holding=holding,
    )


def _skill_headline(result: Result, verdict: Verdict) -> str:
    best, reference = result.best, say(verdict.reference or "the simplest forecast")
    skill = best.metrics.get("skill") if best else None
    if best is None or skill is None or skill.value is None:
        return ""
    if skill.value < 0:  # the interval turns round with the sign
        larger = Metric(value=-skill.value, low=_negative(skill.high), high=_negative(skill.low))
        return say(
            "nothing tried beats {reference}; the error of {model}, {role}, is {amount} larger.",
            reference=reference,
            model=best.name,
            role=say("the best") if result.kind == "volatility" else say("which earned most"),
            amount=f"{loss_percent(skill.value, digits=1)}{interval_words(larger)}",
        )
    amount = f"{loss_percent(skill.value, digits=1)}{interval_words(skill)}"
    if verdict.decision == "edge":
        sealed = best.value("skill_sealed")
        also = (
            say(" and by {amount} on the sealed span", amount=loss_percent(sealed, digits=1))
            if sealed is not None and sealed > 0
            else ""
        )
        return say(
            "{model} beats {reference} by {amount}{also}.",
            model=best.name,
            reference=reference,
            amount=amount,
            also=also,
        )
    return say(
        "{model} is {amount} better than {reference}, {why}.",
        model=best.name,
        amount=amount,
        reference=reference,
        why=not_an_edge(verdict),
    )


def _several_coins(result: Result) -> str:
    parts = []
    for decision, words in WORDS.items():
        coins = [c.coin.upper() for c in result.by_coin if c.verdict.decision == decision]
        if coins:
            parts.append(say("{verdict} for {subject}", verdict=say(words), subject=listed(coins)))
    own = result.model_copy(
        update={"by_coin": (), "spec": result.spec.model_copy(update={"coins": (result.headline_coin,)})}
    )
    return f"{'; '.join(parts)}. {result.headline_coin.upper()}: {headline(own)}"


def not_an_edge(verdict: Verdict) -> str:
    """Why a gain is none to rely on."""
    if verdict.reason_code == "not_confirmed":
        return say("which was not confirmed")
    return say("which luck explains")


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
