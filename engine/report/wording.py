"""The sentences of a result: verdict line, findings, limits. Every figure comes from the result."""

import re
from typing import Final

from engine.report.result import Metric, ModelResult, Result, Verdict
from engine.report.vocabulary import write
from engine.science.charts import numbers
from engine.science.charts.numbers import (
    basis_points,
    count,
    loss_percent,
    number,
    p_value,
    percent,
    plural,
    rate,
)

WORDS: Final = {"edge": "edge", "no_edge": "no edge", "not_enough_data": "not enough data"}
ADVICE: Final = "Research output, not financial advice."
SIMULATED: Final = "These prices are simulated. Nothing here speaks of a real market."
_UNITS: Final = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}


def verdict_word(result: Result) -> str:
    """The first words of the finish: "Verdict: no edge", or "Result" for a goal without one."""
    return f"Verdict: {WORDS[result.verdict.decision]}" if result.verdict else "Result"


def verdict_line(result: Result) -> str:
    """The result in one line that starts with `verdict_word`."""
    if result.verdict is None:
        return f"Result: {_sentence(result.findings[0].title)}"
    if result.answered:
        return f"{verdict_word(result)} for {subject(result)}. {_sentence(result.findings[0].title)}"
    return f"{verdict_word(result)} for {subject(result)}: {headline(result)}"


def lead(result: Result) -> str:
    """The sentence under the verdict's word: the answer to what was asked."""
    if result.verdict is None or result.answered:
        return _sentence(result.findings[0].title)
    return headline(result)


def headline(result: Result) -> str:
    """What happened, in one sentence: the one number that matters beside what it is measured against."""
    verdict = result.verdict
    if verdict is None:
        return _sentence(result.findings[0].text or result.findings[0].title)
    if result.by_coin and len(result.by_coin) > 1:
        return _several_coins(result)
    if verdict.decision == "not_enough_data" and verdict.least_edge_shown and verdict.least_edge_paying:
        return (
            f"{_judged(result)} could only show a correlation of {number(verdict.least_edge_shown, 2)} "
            "or more; "
            f"{number(verdict.least_edge_paying, 2)} would already pay the costs."
        )
    text = (
        _skill_headline(result, verdict)
        if result.kind in ("return", "volatility")
        else _direction_headline(result, verdict)
    )
    return text or _sentence(verdict.reason)


def bullets(result: Result) -> list[str]:
    """Three or four findings: how right and why that pays or not, costs, trading, age of the data."""
    if result.verdict is None:
        found = [_sentence(f"{f.title}. {f.text}" if f.text else f.title) for f in result.findings[1:4]]
        return [*found, data_age(result)]
    best = result.best
    found = [_why(result, result.verdict, best)]
    if result.answered:
        return [result.findings[0].text, _sentence(headline(result)), found[0], data_age(result)]
    if result.verdict.decision == "not_enough_data":
        found = [_caution(result)]  # the headline has said why
    if best is not None:
        found += (
            [_explains(result, best)]
            if result.kind == "volatility"
            else [_costs(result, best), _trading(best)]
        )
    found.append(_caution(result))
    return [*[text for text in dict.fromkeys(found) if text][:3], data_age(result)]


def data_age(result: Result) -> str:
    """How old the newest price is, at the time of the report."""
    newest = numbers.minute(result.data.newest)
    old = (result.made_at - result.data.newest).total_seconds() > 86_400
    tail = "; what holds today may differ" if old else ""
    return f"The newest price is {result.age_of_data()} old ({newest}){tail}."


def limits(result: Result) -> list[str]:
    """What the result does not tell, fitted to its verdict."""
    found = [
        f"It speaks of {_coins(result)} on {result.data.venue or result.data.series} in this period, "
        "not of other coins, venues or times."
    ]
    match result.verdict.decision if result.verdict else "":
        case "edge":
            found.append(
                "A pattern of the past can end the day it is found. Nothing here says that it goes on."
            )
            if result.kind != "volatility":
                found.append(
                    "Fills are assumed at the close of the bar plus the stated cost; size, outages and "
                    "taxes are not modelled."
                )
        case "no_edge":
            found.append(
                "No edge means that these models, with these features, found nothing that pays; it is "
                "no proof that nothing exists."
            )
            found.append(
                "It is no reason to bet on the opposite: a rule that loses through costs loses both ways."
            )
        case "not_enough_data":
            found.append(
                "It says neither that there is an edge nor that there is none. More days decide that, "
                "not more models."
            )
        case _:
            found.append("It describes what was; it does not forecast.")
    if result.kind == "volatility":
        found.append("A forecast of volatility says how much the price moves, not which way.")
    if result.data.simulated:
        found.append(SIMULATED)
    return [*found, ADVICE]


def subject(result: Result) -> str:
    """What was predicted: "BTC up or down in the next hour"."""
    coins, span = _coins(result), horizon_words(result.spec.horizon)
    match result.kind:
        case "direction":
            return f"{coins} up or down in {span}"
        case "return":
            return f"the return of {coins} over {span}"
        case "volatility":
            return f"{coins} volatility in {span}"
        case "eda":
            return coins


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


def made_or_lost(fraction: float) -> str:
    """A return as a verb: "made 12 %", "lost 96 %"."""
    return f"{'lost' if fraction < 0 else 'made'} {loss_percent(fraction)}"


def _direction_headline(result: Result, verdict: Verdict) -> str:
    best, hold = result.best, result.baseline("Buy and hold")
    net = best.value("net_return") if best else None
    if best is None or net is None:
        return ""
    held = hold.value("net_return") if hold else None
    holding = f"; holding {made_or_lost(held)}" if held is not None else ""
    span = f"in {_judged(result)}"
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
    luck = f", {_not_an_edge(verdict)}" if net > 0 else ""
    return f"{tried} {made_or_lost(net)} after costs {span}{luck}{holding}."


def _skill_headline(result: Result, verdict: Verdict) -> str:
    best, reference = result.best, verdict.reference or "the simplest forecast"
    skill = best.metrics.get("skill") if best else None
    if best is None or skill is None or skill.value is None:
        return ""
    if skill.value < 0:  # the interval turns round with the sign
        larger = Metric(value=-skill.value, low=_negative(skill.high), high=_negative(skill.low))
        amount = f"{loss_percent(skill.value, digits=1)}{_interval(larger)}"
        role = "the best" if result.kind == "volatility" else "which earned most"
        return f"nothing tried beats {reference}; the error of {best.name}, {role}, is {amount} larger."
    amount = f"{loss_percent(skill.value, digits=1)}{_interval(skill)}"
    if verdict.decision == "edge":
        sealed = best.value("skill_sealed")
        also = (
            f" and by {loss_percent(sealed, digits=1)} on the sealed span"
            if sealed is not None and sealed > 0
            else ""
        )
        return f"{best.name} beats {reference} by {amount}{also}."
    return f"{best.name} is {amount} better than {reference}, {_not_an_edge(verdict)}."


def _several_coins(result: Result) -> str:
    parts = []
    for decision, words in WORDS.items():
        coins = [c.coin.upper() for c in result.by_coin if c.verdict.decision == decision]
        if coins:
            parts.append(f"{words} for {_listed(coins)}")
    own = result.model_copy(
        update={"by_coin": (), "spec": result.spec.model_copy(update={"coins": (result.headline_coin,)})}
    )
    return f"{'; '.join(parts)}. {result.headline_coin.upper()}: {headline(own)}"


def _why(result: Result, verdict: Verdict, best: ModelResult | None) -> str:
    right = best.metrics.get("balanced_accuracy") if best else None
    start = ""
    if best is not None and right is not None and right.value is not None:
        start = (
            f"{best.name} is right {write('balanced_accuracy', right.value)} of the time{_interval(right)}"
        )
    tried = f"all {count(verdict.candidates)} rules counted" if verdict.candidates > 1 else "one rule tried"
    match verdict.reason_code:
        case "confirmed":
            luck = f"luck does as well in {_chance(verdict.p_value)} of cases, {tried}"
        case "costs_eat_it":
            luck = (
                f"the pattern is real before costs (p = {p_value(verdict.p_signal)}), but smaller "
                "than they are"
            )
        case "one_bar_only":
            luck = (
                f"the pattern is gone one bar later (p = {p_value(verdict.p_late)}): bid and ask "
                "taking turns, which nobody can trade"
            )
        case "not_confirmed":
            parts = f"{verdict.folds_positive} of {verdict.folds} parts positive"
            luck = (
                f"luck does not explain it, but it was not confirmed: {parts}, {_on_sealed(result, verdict)}"
            )
        case "nothing_found" if verdict.p_signal is not None:
            luck = f"even before costs, luck does as well in {_chance(verdict.p_signal)} of cases ({tried})"
        case _:
            return _sentence(verdict.reason)
    return _sentence(f"{start}; {luck}" if start else luck)


def _not_an_edge(verdict: Verdict) -> str:
    return "which was not confirmed" if verdict.reason_code == "not_confirmed" else "which luck explains"


def _on_sealed(result: Result, verdict: Verdict) -> str:
    if verdict.sealed_return is not None:
        return f"{percent(verdict.sealed_return)} on the sealed span"
    skill = result.best.value("skill_sealed") if result.best else None
    return f"a skill of {percent(skill, digits=1)} on the sealed span"


def _costs(result: Result, best: ModelResult) -> str:
    even, paid = best.value("break_even_bps"), result.data.effective_cost_bps
    if even is None or paid is None:
        return ""
    if even <= 0:
        return (
            f"No cost is low enough: it breaks even at {basis_points(even)} a side, and trading "
            f"costs {basis_points(paid)}."
        )
    verb = "can bear" if even >= paid else "could bear only"
    return f"It {verb} {basis_points(even)} a side; trading costs {basis_points(paid)}."


def _explains(result: Result, best: ModelResult) -> str:
    """How much of what came the forecast explains, beside the reference."""
    own = best.value("r2")
    verdict = result.verdict
    if own is None or verdict is None:
        return ""
    names = {"the moving average": "Moving average", "the mean": "Mean", "persistence": "Persistence"}
    beside = result.baseline(names.get(verdict.reference or "", ""))
    other = beside.value("r2") if beside else None
    share = f"{best.name} explains {percent(own, digits=0, sign=False)} of what changes in it (R²)"
    return (
        f"{share}; {verdict.reference} explains {percent(other, digits=0, sign=False)}."
        if other is not None
        else f"{share}."
    )


def _trading(best: ModelResult) -> str:
    trades, gross, net = best.value("trades_per_day"), best.value("gross_return"), best.value("net_return")
    if trades is None:
        return ""
    text = f"It changes position {rate(trades)} times a day"
    if gross is not None and net is not None:
        text += f": {percent(gross)} before costs, {percent(net)} after"
    return f"{text}."


def _caution(result: Result) -> str:
    verdict = result.verdict
    if verdict is None:
        return ""
    if result.kind == "volatility":
        return "It says how much the price moves, not which way."
    if verdict.decision == "not_enough_data":
        return "Do not read the returns: in so few days any rule can win or lose."
    if verdict.decision == "edge":
        return "It held in this period; nothing says that it goes on."
    return "It is no reason to bet on the opposite, which pays the same costs."


def _interval(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return ""
    return f" ({numbers.signed(metric.low * 100, 1)} to {numbers.signed(metric.high * 100, 1)})"


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _chance(p: float | None) -> str:
    if p is None:
        return numbers.MISSING
    if p < 0.001:
        return f"less than 0.1{numbers.THIN}%"
    return percent(p, digits=0 if p >= 0.0995 else 1, sign=False)


def _judged(result: Result) -> str:
    days = result.validation.judged_days if result.validation else None
    if days is None:
        days = result.spec.period_days
    return plural(round(days), "day") if days else "the judged span"


def _coins(result: Result) -> str:
    return _listed([coin.upper() for coin in result.spec.coins]) or "the coins"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _sentence(text: str) -> str:
    text = " ".join(text.split(" ")).strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
