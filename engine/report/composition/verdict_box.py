"""The figures in the box at the top: four at most, fitted to the verdict."""

from collections.abc import Iterator

from engine.report import vocabulary
from engine.report.result import Result
from engine.science.charts.numbers import count, number, p_value, percent, plural


def facts(result: Result) -> Iterator[tuple[str, str]]:
    """Figures with what they are, the most telling first."""
    verdict, best = result.verdict, result.best
    if result.highlights:
        yield from ((fact.figure, fact.meaning) for fact in result.highlights[:4])
        return
    if verdict is None:
        yield count(result.data.rows), "bars"
        yield (
            plural(round((result.data.end - result.data.start).total_seconds() / 86_400), "day"),
            "of prices",
        )
        missing = sum(c.missing_bars for c in result.data.coins)
        yield count(missing), "missing bars"
        yield result.age_of_data(), "age of the newest price"
        return
    if verdict.decision == "not_enough_data" and verdict.least_edge_shown is not None:
        yield number(verdict.least_edge_shown, 2), "least correlation this sample can show"
        yield number(verdict.least_edge_paying, 2), "correlation that would pay the costs"
    elif best is not None and result.kind == "direction":
        yield percent(best.value("net_return")), f"after costs, {best.name}"
        hold = result.baseline("Buy and hold")
        if hold is not None:
            yield percent(hold.value("net_return")), "buy and hold, same days"
    elif best is not None:
        yield (
            percent(best.value("skill"), digits=1),
            f"smaller error than {verdict.reference or 'the reference'}",
        )
        if best.value("skill_sealed") is not None:
            yield percent(best.value("skill_sealed"), digits=1), "on the sealed span"
    if best is not None and result.kind == "direction" and best.value("balanced_accuracy") is not None:
        yield (
            vocabulary.write("balanced_accuracy", best.value("balanced_accuracy")),
            "right; a coin has 50\u202f%",
        )
    elif best is not None and best.value("r2") is not None:
        yield number(best.value("r2"), 2), "R²: share of the variance explained"
    p, when = (
        (verdict.p_value, "")
        if verdict.decision == "edge" or verdict.p_signal is None
        else (verdict.p_signal, " before costs")
    )
    if p is not None:
        yield p_value(p), f"p-value{when}: how often luck does as well"
