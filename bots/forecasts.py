"""What a finished run's models say now, in words: the forecast, its age, and how earlier ones have done."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Any

from bots.text import duration
from bots.words import Words

FRESH = timedelta(hours=1)


def tell(run: str, forecast: Mapping[str, Any], now: datetime, words: Words) -> str:
    """The lines on one coin; `forecast` is what `engine.forecasting.Forecast.as_dict` says."""
    so_far = forecast["so_far"]
    lines = [
        words(
            "forecast.head", run=run, coin=forecast["coin"], series=forecast["series"], rule=forecast["rule"]
        ),
        words(
            "forecast.said",
            what=_said(forecast, words),
            price=words.figures(f"{forecast['price']:,.6g}"),
            at=words.minute(_time(forecast["known_at"])),
            due=words.minute(_time(forecast["due_at"])),
        ),
        _age(forecast, now, words),
        _record(forecast, words),
    ]
    if so_far["drifts"]:
        lines.append(words("forecast.drifts", chance=words.figures(f"{so_far['drift_p_value']:.1%}")))
    if words.knows(f"forecast.{forecast['decision']}"):
        lines.append(words(f"forecast.{forecast['decision']}"))
    return "\n".join(lines)


def _said(forecast: Mapping[str, Any], words: Words) -> str:
    if forecast["target"] == "volatility":
        return words("forecast.volatility", size=words.figures(f"{exp(forecast['said']):.3%}"))
    side = words({1: "forecast.long", -1: "forecast.short", 0: "forecast.flat"}[forecast["side"]])
    if forecast["target"] == "direction":
        return words("forecast.rise", chance=words.figures(f"{forecast['said']:.1%}"), side=side)
    return words("forecast.return", change=words.figures(f"{forecast['said']:+.3%}"), side=side)


def _age(forecast: Mapping[str, Any], now: datetime, words: Words) -> str:
    age = now - _time(forecast["known_at"])
    trained = words("forecast.trained", at=words.minute(_time(forecast["trained_until"])))
    if now >= _time(forecast["due_at"]):
        return words("forecast.stale", age=_old(age, words), trained=trained)
    if age > FRESH:
        return words("forecast.aged", age=_old(age, words), trained=trained)
    return trained


def _old(age: timedelta, words: Words) -> str:
    if age.days >= 2:
        return words("forecast.days", n=words.count(age.days))
    return words.figures(duration(age.total_seconds()))


def _record(forecast: Mapping[str, Any], words: Words) -> str:
    so_far, promised = forecast["so_far"], forecast["promised"]
    waiting = (
        words("forecast.waiting", n=so_far["waiting"]) if so_far["waiting"] else words("forecast.none_waits")
    )
    if not so_far["scored"]:
        return words("forecast.none_scored", waiting=waiting)

    def promise(figure: str) -> str:
        return words("forecast.promised", figure=words.figures(figure)) if promised is not None else ""

    return words(
        "forecast.scored",
        n=so_far["scored"],
        right=words.figures(f"{so_far['hit_rate']:.0%}"),
        promised_right=promise(f"{promised['hit_rate']:.0%}" if promised else ""),
        loss_name=words("forecast.brier" if forecast["target"] == "direction" else "forecast.squared_error"),
        loss=words.figures(f"{so_far['loss']:.4g}"),
        promised_loss=promise(f"{promised['loss']:.4g}" if promised else ""),
        waiting=waiting,
    )


def _time(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone(UTC)
