"""What carries the verdict: how right the models are, why that pays or not, how they trade, what not to conclude."""

from engine.report.result import ModelResult, Result, Verdict
from engine.report.vocabulary import write
from engine.report.wording.phrases import chance, data_age, interval_words, sentence
from engine.report.wording.verdicts import headline
from engine.science.charts.numbers import basis_points, count, p_value, percent, rate


def bullets(result: Result) -> list[str]:
    """Three or four findings: how right and why that pays or not, costs, trading, age of the data."""
    if result.verdict is None:
        found = [sentence(f"{f.title}. {f.text}" if f.text else f.title) for f in result.findings[1:4]]
        return [*found, data_age(result)]
    best = result.best
    found = [_why(result, result.verdict, best)]
    if result.answered:
        return [result.findings[0].text, sentence(headline(result)), found[0], data_age(result)]
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


def _why(result: Result, verdict: Verdict, best: ModelResult | None) -> str:
    right = best.metrics.get("balanced_accuracy") if best else None
    start = ""
    if best is not None and right is not None and right.value is not None:
        start = f"{best.name} is right {write('balanced_accuracy', right.value)} of the time{interval_words(right)}"
    tried = f"all {count(verdict.candidates)} rules counted" if verdict.candidates > 1 else "one rule tried"
    match verdict.reason_code:
        case "confirmed":
            luck = f"luck does as well in {chance(verdict.p_value)} of cases, {tried}"
        case "costs_eat_it":
            luck = (
                f"there is a pattern before costs (p = {p_value(verdict.p_signal)}), but it is smaller "
                "than they are"
            )
        case "one_bar_only":
            luck = (
                f"the pattern is gone one bar later (p = {p_value(verdict.p_late)}), as when bid and ask "
                "take turns: nobody can trade that"
            )
        case "not_confirmed":
            parts = f"{verdict.folds_positive} of {verdict.folds} parts positive"
            luck = (
                f"luck does not explain it, but it was not confirmed: {parts}, {_on_sealed(result, verdict)}"
            )
        case "nothing_found" if verdict.p_signal is not None:
            luck = f"even before costs, luck does as well as the best in {chance(verdict.p_signal)} of cases ({tried})"
        case _:
            return sentence(verdict.reason)
    return sentence(f"{start}; {luck}" if start else luck)


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
        if not result.models:
            return "No model was judged, so there is no figure to read."
        return "Do not read the returns: in so few days any rule can win or lose."
    if verdict.decision == "edge":
        return "It held in this period; nothing says that it goes on."
    return "It is no reason to bet on the opposite, which pays the same costs."
