"""What carries the verdict: how right the models are, why that pays or not, how they trade, what not to conclude."""

from engine.report.result import ModelResult, Result, Verdict
from engine.report.vocabulary import write
from engine.report.wording.phrases import chance, data_age, interval_words, sentence
from engine.report.wording.verdicts import headline
from engine.science.charts.numbers import basis_points, count, p_value, percent, rate
from engine.speech import say


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
        start = say(
            "{model} is right {share} of the time{interval}",
            model=best.name,
            share=write("balanced_accuracy", right.value),
            interval=interval_words(right),
        )
    counted = max(verdict.candidates, verdict.candidates_counted)  # earlier runs on the same prices too
    tried = say("all {n} rules counted", n=count(counted)) if counted > 1 else say("one rule tried")
    match verdict.reason_code:
        case "confirmed":
            luck = say(
                "luck does as well in {share} of cases, {tried}", share=chance(verdict.p_value), tried=tried
            )
        case "costs_eat_it":
            luck = say(
                "there is a pattern before costs (p = {p}), but it is smaller than they are",
                p=p_value(verdict.p_signal),
            )
        case "one_bar_only":
            luck = say(
                "the pattern is gone one bar later (p = {p}), as when bid and ask take turns: nobody can trade that",
                p=p_value(verdict.p_late),
            )
        case "not_confirmed":
            luck = say(
                "luck does not explain it, but it was not confirmed: {positive} of {folds} parts positive, {sealed}",
                positive=verdict.folds_positive,
                folds=verdict.folds,
                sealed=_on_sealed(result, verdict),
            )
        case "nothing_found" if verdict.p_signal is not None:
            luck = say(
                "even before costs, luck does as well as the best in {share} of cases ({tried})",
                share=chance(verdict.p_signal),
                tried=tried,
            )
        case _:
            return sentence(verdict.reason)
    return sentence(f"{start}; {luck}" if start else luck)


def _on_sealed(result: Result, verdict: Verdict) -> str:
    if verdict.sealed_return is not None:
        return say("{change} on the sealed span", change=percent(verdict.sealed_return))
    skill = result.best.value("skill_sealed") if result.best else None
    return say("a skill of {change} on the sealed span", change=percent(skill, digits=1))


def _costs(result: Result, best: ModelResult) -> str:
    even, paid = best.value("break_even_bps"), result.data.effective_cost_bps
    if even is None or paid is None:
        return ""
    if even <= 0:
        return say(
            "No cost is low enough: it breaks even at {even} a side, and trading costs {paid}.",
            even=basis_points(even),
            paid=basis_points(paid),
        )
    if even >= paid:
        return say(
            "{model} can bear {even} a side; trading costs {paid}.",
            model=best.name,
            even=basis_points(even),
            paid=basis_points(paid),
        )
    return say(
        "{model} could bear only {even} a side; trading costs {paid}.",
        model=best.name,
        even=basis_points(even),
        paid=basis_points(paid),
    )


def _explains(result: Result, best: ModelResult) -> str:
    """How much of what came the forecast explains, beside the reference."""
    own = best.value("r2")
    verdict = result.verdict
    if own is None or verdict is None:
        return ""
    names = {"the moving average": "Moving average", "the mean": "Mean", "persistence": "Persistence"}
    beside = result.baseline(names.get(verdict.reference or "", ""))
    other = beside.value("r2") if beside else None
    share = percent(own, digits=0, sign=False)
    if other is None:
        return say("{model} explains {share} of what changes in it (R²).", model=best.name, share=share)
    return say(
        "{model} explains {share} of what changes in it (R²); {reference} explains {other}.",
        model=best.name,
        share=share,
        reference=say(verdict.reference or ""),
        other=percent(other, digits=0, sign=False),
    )


def _trading(best: ModelResult) -> str:
    trades, gross, net = best.value("trades_per_day"), best.value("gross_return"), best.value("net_return")
    if trades is None:
        return ""
    if gross is None or net is None:
        return say("It changes position {rate} times a day.", rate=rate(trades))
    return say(
        "It changes position {rate} times a day: {gross} before costs, {net} after.",
        rate=rate(trades),
        gross=percent(gross),
        net=percent(net),
    )


def _caution(result: Result) -> str:
    verdict = result.verdict
    if verdict is None:
        return ""
    if result.kind == "volatility":
        return say("It says how much the price moves, not which way.")
    if verdict.decision == "not_enough_data":
        if not result.models:
            return say("No model was judged, so there is no figure to read.")
        return say("Do not read the returns: in so few days any rule can win or lose.")
    if verdict.decision == "edge":
        return say("It held in this period; nothing says that it goes on.")
    return say("It is no reason to bet on the opposite, which pays the same costs.")
