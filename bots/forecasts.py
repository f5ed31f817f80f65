"""What a finished run's models say now, in words: the forecast, its age, and how earlier ones have done."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Any

from bots.text import duration

FRESH = timedelta(hours=1)
ADVICE = "Research output, not financial advice."
VERDICTS = {
    "edge": "its verdict was an edge",
    "no_edge": "its verdict was no edge: expect nothing from it after costs",
    "not_enough_data": "its verdict was not enough data: nobody knows what it is worth",
}


def tell(run: str, forecast: Mapping[str, Any], now: datetime) -> str:
    """The lines on one coin; `forecast` is what `engine.forecasting.Forecast.as_dict` says."""
    so_far = forecast["so_far"]
    lines = [
        f"{run} on {forecast['coin']} ({forecast['series']}): {forecast['rule']}",
        f"{_said(forecast)}, from {forecast['price']:,.6g} at {_moment(forecast['known_at'])}, until {_moment(forecast['due_at'])}.",
        _age(forecast, now),
        _record(forecast),
    ]
    if so_far["drifts"]:
        lines.append(
            f"Warning: the forecasts no longer hold what was promised (by luck {so_far['drift_p_value']:.1%}). "
            "Ask the question again on newer prices."
        )
    decision = VERDICTS.get(forecast["decision"], "")
    lines.append(f"Remember: {decision}. {ADVICE}")
    return "\n".join(lines)


def _said(forecast: Mapping[str, Any]) -> str:
    if forecast["target"] == "direction":
        what = f"Chance of a rise {forecast['said']:.1%}"
    elif forecast["target"] == "return":
        what = f"Expected return {forecast['said']:+.3%}"
    else:
        return f"Expected volatility {exp(forecast['said']):.3%} per bar"
    side = {1: "the rule would be long", -1: "the rule would be short", 0: "no new side"}[forecast["side"]]
    return f"{what}; {side}"


def _age(forecast: Mapping[str, Any], now: datetime) -> str:
    age = now - _time(forecast["known_at"])
    trained = f"The model learned from prices up to {_moment(forecast['trained_until'])}."
    if now >= _time(forecast["due_at"]):
        return f"Stale: the newest price is {_old(age)} old, so this moment has passed already; fetch or import newer ones. {trained}"
    if age > FRESH:
        return f"The newest price is {_old(age)} old. {trained}"
    return trained


def _old(age: timedelta) -> str:
    return f"{age.days:,} days" if age.days >= 2 else duration(age.total_seconds())


def _record(forecast: Mapping[str, Any]) -> str:
    so_far, promised = forecast["so_far"], forecast["promised"]
    waiting = f"{so_far['waiting']} wait for their outcome" if so_far["waiting"] else "none waits"
    if not so_far["scored"]:
        return f"Forecasts so far: none scored, {waiting}."
    right = f"right {so_far['hit_rate']:.0%}"
    loss_name = "Brier" if forecast["target"] == "direction" else "squared error"
    loss = f"{loss_name} {so_far['loss']:.4g}"
    if promised is not None:
        right += f" (promised {promised['hit_rate']:.0%})"
        loss += f" (promised {promised['loss']:.4g})"
    return f"Forecasts so far: {so_far['scored']} scored, {right}, {loss}; {waiting}."


def _moment(iso: str) -> str:
    return f"{_time(iso):%Y-%m-%d %H:%M} UTC"


def _time(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone(UTC)
