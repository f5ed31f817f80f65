"""What to do next, from the figures of a result alone. It recommends no trade."""

import re
from collections.abc import Iterator
from math import ceil
from typing import Final

from engine.report.result import Result, Verdict
from engine.report.wording import horizon_words
from engine.science.charts.numbers import basis_points, count, percent

STALE_DAYS: Final = 1
_JUDGED_SHARE: Final = 0.48  # of a period, the rest trains or stays sealed
_DAY_MINUTES: Final = 1_440


def recommendations(result: Result) -> tuple[str, ...]:
    """Two to five next steps, the most telling first."""
    steps = _after_look(result) if result.verdict is None else _after_verdict(result, result.verdict)
    return tuple(dict.fromkeys((*steps, *_always(result))))[:5]


def _after_verdict(result: Result, verdict: Verdict) -> Iterator[str]:
    coin, best = result.headline_coin, result.best
    match verdict.decision:
        case "edge":
            yield f"Ask it again once there are newer prices, and trust it only if it holds; omc predict {result.run} keeps count."
            if result.kind == "volatility":
                yield "Use the forecast for the size of positions, not for their side; compare the next days with it."
            else:
                yield f"Follow it on paper first, at your own costs: omc predict {result.run} says what it would do now."
        case "not_enough_data":
            days = _days_needed(result, verdict)
            if days is not None:
                yield (
                    f"Ask again with about {count(days)} days of history: that many could show an edge that just pays "
                    "the costs."
                )
            yield "Do not try more models on so few days: each one tried makes luck more likely."
        case _:
            yield from _after_no_edge(result, verdict)
            if best is not None and best.value("net_return") is not None and result.study == "forecast":
                yield (
                    f"Ask what can be forecast better, how much it moves: forecast the volatility of {coin}"
                    f"{_over(result)}."
                )


def _after_no_edge(result: Result, verdict: Verdict) -> Iterator[str]:
    best, paid = result.best, result.data.effective_cost_bps
    even = best.value("break_even_bps") if best else None
    coin = result.headline_coin
    match verdict.reason_code:
        case "costs_eat_it" if even is not None and even > 0 and paid is not None:
            yield (
                f"The pattern needs costs below {basis_points(even)} a side; at {basis_points(paid)} leave it. Ask again "
                "with your own costs if they are that low."
            )
        case "one_bar_only":
            yield "Leave it: what is gone one bar later, as when bid and ask take turns, nobody can trade."
        case "not_confirmed":
            yield "Wait and ask it again on newer prices, which it has not seen."
    longer = _longer(result.spec.horizon)
    if longer and result.kind in ("direction", "return"):
        yield f"Ask further ahead, where a move is larger beside its costs: will {coin} close higher {longer}?"
    if result.kind == "volatility":
        yield "Keep the moving average of past volatility as the forecast: it is simple, and nothing tried beats it."


def _after_look(result: Result) -> Iterator[str]:
    coin = result.headline_coin
    topic = str((result.exploration or {}).get("topic", ""))
    if topic.startswith(("volatility", "distribution", "overview", "autocorrelation")):
        yield f"Ask whether it can be forecast: forecast the volatility of {coin} in the next hour."
    if topic.startswith("return"):
        yield (
            f"Ask whether the pattern pays after costs, on days it was not found on: will {coin} close higher in the "
            "next hour?"
        )
    if topic == "correlation" and len(result.spec.coins) > 1:
        other = next(c for c in result.spec.coins if c != coin)
        yield f"Ask whether one helps to forecast the other: will {coin} close higher in the next hour, using {other}?"
    yield "Look at another period before relying on it: a pattern of one quarter may be gone in the next."


def _always(result: Result) -> Iterator[str]:
    old = (result.made_at - result.data.newest).total_seconds() / 86_400
    if old > STALE_DAYS and not result.data.simulated:
        coins = ",".join(result.spec.coins) or "btc"
        yield f"Fetch newer prices first, these end {count(old)} days ago: omc data fetch --coins {coins}."
    if result.data.simulated:
        yield "Import or fetch real prices: what simulated ones show says nothing of a market."
    missing = sum(c.missing_bars for c in result.data.coins)
    if result.data.coins and missing > 0.02 * max(result.data.rows, 1):
        share = missing / (missing + result.data.rows)
        yield f"Fill the gaps: {percent(share, digits=0, sign=False)} of the bars are missing (omc data fetch)."


def _days_needed(result: Result, verdict: Verdict) -> int | None:
    """The period whose judged part could show the least edge that pays: detectable falls with the root of the bars."""
    shown, paying = verdict.least_edge_shown, verdict.least_edge_paying
    judged = result.validation.judged_days if result.validation else None
    if not (shown and paying and judged) or shown <= paying:
        return None
    return ceil(judged * (shown / paying) ** 2 / _JUDGED_SHARE)


def _longer(horizon: str | None) -> str:
    found = re.fullmatch(r"(\d+)([mhd])", horizon or "")
    if not found:
        return ""
    minutes = int(found[1]) * {"m": 1, "h": 60, "d": _DAY_MINUTES}[found[2]]
    if minutes < 60:
        return "in the next hour"
    return "in the next 4 hours" if minutes < 240 else "in the next day" if minutes < _DAY_MINUTES else ""


def _over(result: Result) -> str:
    return f" in {horizon_words(result.spec.horizon)}"
