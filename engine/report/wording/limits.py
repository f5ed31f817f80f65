"""What a result does not tell, fitted to its verdict."""

from engine.report.result import Result
from engine.report.wording.phrases import ADVICE, SIMULATED, coins


def limits(result: Result) -> list[str]:
    """What the result does not tell, fitted to its verdict."""
    found = [
        f"It speaks of {coins(result)} on {result.data.venue or result.data.series} in this period, "
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
        case "not_enough_data" if not result.models:
            found.append("It says neither that there is an edge nor that there is none: nothing was judged.")
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
