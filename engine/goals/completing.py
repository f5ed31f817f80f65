"""A draft against the prices there are: defaults for what was not said, and one question or a refusal if needed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from engine import speech
from engine.goals import refusals
from engine.goals.choices import fit_models
from engine.goals.coin_names import NAMES, in_words, nearest
from engine.goals.draft import Draft
from engine.goals.outcome import Ask, Coverage, Outcome, Refuse, Run
from engine.goals.searching import LEAST_SECONDS, MOST_SECONDS
from engine.goals.sentence import Sentence
from engine.goals.spec import (
    BAR_MINUTES,
    CLASSIFIERS,
    DEFAULT_COSTS_BPS,
    DEFAULT_HORIZON_MINUTES,
    DEFAULT_INDICATORS,
    DEFAULT_PERIOD_DAYS,
    OPEN_TIME,
    REGRESSORS,
    Spec,
    span_text,
)  # fmt: skip
from engine.speech import say

_DAY = timedelta(days=1)
_METRICS = {"direction": "balanced_accuracy", "return": "rmse", "volatility": "rmse"}
_TARGETS = ("up or down", "the return in percent", "the volatility", "a look at the data")
_HORIZONS_LEAST = 3  # a horizon must fit this often into the history


def complete(draft: Draft, now: datetime, coverage: Mapping[str, Coverage], sentence: Sentence) -> Outcome:
    """Return the run, the one question that has to be answered first, or the refusal."""
    coins, missing = _coins(draft, coverage)
    spec = _spec(draft, coins, now, coverage)
    question = (
        _ask_coins(draft, coins, missing, spec, coverage)
        or _ask_conflict(draft, spec, now, coverage)
        or _ask_target(draft, spec)
    )
    if question is not None:
        return question
    if missing:
        spec = _warned(spec, "missing_coin", f"no prices of {', '.join(map(in_words, missing))}")
    return _checked(draft, spec, now, coverage)


def _coins(draft: Draft, coverage: Mapping[str, Coverage]) -> tuple[list[str], list[str]]:
    """The coins asked for that there are prices of, and the others."""
    wanted = sorted(coverage) if draft.all_coins else draft.coins
    wanted = [coin for coin in wanted if coin not in draft.left_out_coins] if draft.all_coins else wanted
    drivers = [coin for coin in draft.drivers if coin not in coverage]
    return [c for c in wanted if c in coverage], [*(c for c in wanted if c not in coverage), *drivers]


def _spec(draft: Draft, coins: list[str], now: datetime, coverage: Mapping[str, Coverage]) -> Spec:
    """The spec with every default filled that does not depend on an open question."""
    task, target = draft.task, draft.target
    interval, horizons = _steps(draft)
    reasons = dict(draft.reasons)
    forecast = task != "eda"
    vague = bool(draft.vague_time) and not draft.horizons and not draft.bars_ahead
    if not forecast or vague:
        horizons = ()
    defaults = {
        "horizon": (
            forecast and "horizon" not in draft.stated,
            f"default: {span_text(DEFAULT_HORIZON_MINUTES)}",
        ),
        "interval": (
            "interval" not in draft.stated,
            f"default: {span_text(interval)} candles suit the horizon",
        ),
        "models": (forecast and "models" not in draft.stated, "default: all that are there"),
        "indicators": ("indicators" not in draft.stated, "default: the five usual ones"),
        "costs": ("costs" not in draft.stated, f"default: {DEFAULT_COSTS_BPS:g} bps per side"),
        "metric": (forecast and "metric" not in draft.stated, "default for this target"),
    }
    for slot, (open_, reason) in defaults.items():
        if open_:
            reasons[slot] = reason
    if forecast and vague:
        reasons["horizon"] = f"{OPEN_TIME}{draft.vague_time}"
    factor = reasons.pop("costs_factor", None)
    costs = draft.costs_bps if draft.costs_bps is not None else DEFAULT_COSTS_BPS * float(factor or 1)
    start, end, days = None, None, None
    if draft.period is not None and not draft.period.whole and draft.period.start is not None:
        start, end = draft.period.start, draft.period.end
        days = round(((end or now) - start) / _DAY, 3)
    return Spec(
        coins=tuple(coins),
        driver_coins=tuple(coin for coin in draft.drivers if coin in coverage and coin not in coins),
        task=task,
        target=target,
        horizons=tuple(max(1, round(minutes)) for minutes in horizons),
        interval_minutes=max(1, round(interval)),
        start=start,
        end=end,
        period_days=days,
        models=_models(draft, task) if task in ("classification", "regression") else (),
        indicators=tuple(draft.indicators if draft.indicators is not None else DEFAULT_INDICATORS),
        costs_bps=costs,
        costs_stated=draft.costs_bps is not None or factor is not None,  # half of the usual ones is said too
        metric=draft.metric or (_METRICS[target] if target else ""),
        focus=draft.focus,
        search_seconds=draft.search_seconds if forecast else None,
        warnings=tuple(draft.warnings),
        stated=tuple(sorted(draft.stated)),
        reasons=reasons,
    )


def _models(draft: Draft, task: str) -> tuple[str, ...]:
    known = CLASSIFIERS if task == "classification" else REGRESSORS
    wanted = fit_models(draft.models, task) if draft.models is not None else list(known)
    left_out = set(draft.models_left_out) | set(fit_models(draft.models_left_out, task))
    if task == "regression" and left_out & {"LinearRegression", "LogisticRegression"}:
        left_out |= {"LinearRegression"}
    return tuple(name for name in wanted if name not in left_out)


def _steps(draft: Draft) -> tuple[int, tuple[int, ...]]:
    """The candle size and the horizons, in minutes."""
    interval = draft.interval
    if draft.bars_ahead:
        size = int(interval or draft.step or BAR_MINUTES)
        return size, tuple(size * bars for bars in draft.bars_ahead)
    if draft.horizons:
        horizons = tuple(draft.horizons)
    elif draft.step and draft.step >= BAR_MINUTES and not interval:
        horizons = (draft.step,)  # "trade it every 2 hours"
    elif interval and interval >= BAR_MINUTES:
        horizons = (
            (int(interval),)
            if interval > DEFAULT_HORIZON_MINUTES or DEFAULT_HORIZON_MINUTES % interval
            else (DEFAULT_HORIZON_MINUTES,)
        )
    else:
        horizons = (DEFAULT_HORIZON_MINUTES,)
    if interval:
        return interval, horizons
    if (
        draft.step
        and draft.step >= BAR_MINUTES
        and draft.step % BAR_MINUTES == 0
        and all(h % draft.step == 0 for h in horizons)
    ):
        return draft.step, horizons
    for largest, size in ((240, 5), (720, 15)):
        if max(horizons) <= largest and all(h % size == 0 for h in horizons):
            return size, horizons
    return (60 if all(h % 60 == 0 for h in horizons) else BAR_MINUTES), horizons


def _ask_coins(
    draft: Draft, coins: list[str], missing: list[str], spec: Spec, coverage: Mapping[str, Coverage]
) -> Ask | None:
    if coins and not any(conflict.about == "coins" for conflict in draft.conflicts):
        return None
    here = sorted(coverage)
    near: list[str] = []
    if missing:
        near = [] if missing[0] in NAMES else nearest(missing[0], here)  # a coin of its own is no slip
        names = ", ".join(map(in_words, missing))
        question = say(
            "There are no prices of {names} here. Which coin shall I take instead? There are {held}.",
            names=names,
            held=_listed(here),
        )
        choices = [*near, *(coin for coin in here if coin not in near)]
    else:
        question = say("Which coin is this about? There are prices of {held}.", held=_listed(here))
        choices = here
    first = next((coin for coin in ("btc", "eth") if coin in here), here[0])
    if near:
        first = near[0]
    choices = [first, *(coin for coin in choices if coin != first)][:8]
    return Ask("coins", question, tuple(map(in_words, choices)), in_words(first), spec)


def _listed(coins: Sequence[str]) -> str:
    shown = [in_words(coin) for coin in coins[:12]]
    if len(coins) > 12:
        return say("{coins} and {n} more", coins=", ".join(shown), n=len(coins) - 12)
    return ", ".join(shown)


def _ask_conflict(draft: Draft, spec: Spec, now: datetime, coverage: Mapping[str, Coverage]) -> Ask | None:
    if draft.vague_time and not draft.horizons and not draft.bars_ahead and draft.task != "eda":
        choices: tuple[str, ...] = ("1h", "4h", "12h", "1d")
        question = say("“{words}” has no exact length. How far ahead shall I look?", words=draft.vague_time)
        return Ask("horizon", question, choices, "12h" if "night" in draft.vague_time else "4h", spec)
    if draft.period is not None and draft.period.either_order is not None:
        one, other = draft.period.either_order
        question = say("Is that date {one} or {other}?", one=one, other=other)
        return Ask("period", question, (one, other), one, spec)
    for conflict in draft.conflicts:
        if conflict.about == "coins":
            continue
        named = say(" and ").join(f"“{reading}”" for reading in conflict.readings)
        question = say(
            "You gave {named} for the {slot}, and they don't fit together. Which one shall I use?",
            named=named,
            slot=say(conflict.about),
        )
        return Ask(conflict.about, question, conflict.readings, conflict.readings[0], spec)
    odd = [minutes for minutes in draft.horizons if minutes % BAR_MINUTES or minutes < BAR_MINUTES]
    if odd and draft.task != "eda":
        near = max(BAR_MINUTES, BAR_MINUTES * round(odd[0] / BAR_MINUTES))
        choices = tuple(dict.fromkeys(span_text(m) for m in (near, near + 5, 60)))
        return Ask(
            "horizon",
            say(
                "Prices come every {step} minutes, so {n:g} minutes can't be tested. Which horizon?",
                step=BAR_MINUTES,
                n=odd[0],
            ),
            choices,
            choices[0],
            spec,
        )
    if draft.interval is not None and (draft.interval < BAR_MINUTES or draft.interval % BAR_MINUTES):
        question = say(
            "The finest candles here are {step} minutes, and others are multiples of that. Which shall I use?",
            step=BAR_MINUTES,
        )
        return Ask("interval", question, ("5m", "15m", "1h"), "5m", spec)
    if draft.interval is not None and draft.task != "eda" and any(h % draft.interval for h in spec.horizons):
        shortest = span_text(min(int(h) for h in spec.horizons))
        question = say(
            "A horizon of {horizon} doesn't fit candles of {candles}. Which candles shall I use?",
            horizon=shortest,
            candles=span_text(draft.interval),
        )
        fitting = tuple(span_text(m) for m in (5, 15, 60, 240) if all(h % m == 0 for h in spec.horizons))
        return Ask("interval", question, fitting, fitting[-1] if fitting else "5m", spec)
    if draft.models is not None and not spec.models and draft.task in ("classification", "regression"):
        known = CLASSIFIERS if draft.task == "classification" else REGRESSORS
        return Ask(
            "models",
            say("That leaves no model. Which shall I train? There are {names}.", names=", ".join(known)),
            known,
            known[0],
            spec,
        )
    if draft.task in ("classification", "regression") and not spec.models:
        known = CLASSIFIERS if draft.task == "classification" else REGRESSORS
        return Ask(
            "models",
            say("Every model is left out. Which one shall I train after all?"),
            known,
            known[0],
            spec,
        )
    return _ask_search(draft, spec)


def _ask_search(draft: Draft, spec: Spec) -> Ask | None:
    if draft.search_seconds is None or LEAST_SECONDS <= draft.search_seconds <= MOST_SECONDS:
        return None
    question = say("A search for models may take from 5 seconds to 30 minutes. How long shall it take?")
    nearest = "30m" if draft.search_seconds > MOST_SECONDS else "2m"
    return Ask("search", question, ("2m", "10m", "30m"), nearest, spec)


def _ask_target(draft: Draft, spec: Spec) -> Ask | None:
    if draft.task is not None:
        return None
    coins = _listed(spec.coins)
    question = say(
        "What would you like to know about {coins}: up or down, the return, the volatility, or a look at the data?",
        coins=coins,
    )
    return Ask("target", question, _TARGETS, _TARGETS[0], spec)


def _checked(draft: Draft, spec: Spec, now: datetime, coverage: Mapping[str, Coverage]) -> Outcome:
    """Fit the period to the prices there are."""
    held = {coin: coverage[coin] for coin in (*spec.coins, *spec.driver_coins)}
    first = max(c.start for c in held.values())
    newest = min(now, max(c.end for c in held.values()))
    newest = (
        min(newest, *(c.end for c in held.values())) if min(c.end for c in held.values()) > first else newest
    )
    if first >= newest:
        first = min(c.start for c in held.values())
    total = max((newest - first) / _DAY, 0.0)
    furthest = max(spec.horizons, default=0)
    if furthest and furthest * _HORIZONS_LEAST > total * 1_440:
        longest = max(BAR_MINUTES, int(total * 1_440 / _HORIZONS_LEAST) // BAR_MINUTES * BAR_MINUTES)
        shown = span_text(longest if longest < 1_440 else longest // 1_440 * 1_440)
        return refusals.horizon_too_long(span_text(int(furthest)), int(total), shown)
    period = draft.period
    if period is None:
        days = DEFAULT_PERIOD_DAYS if furthest < 720 else 4 * DEFAULT_PERIOD_DAYS
        start, end = max(first, newest - days * _DAY), newest
        reasons = {**spec.reasons, "period": f"default: the last {days} days there are"}
        return Run(_with(spec, start, end, reasons, spec.warnings))
    end = period.end or newest
    start = period.start or (first if period.whole or period.start is None else first)
    if period.end == now and period.start is not None and newest < now - 2 * _DAY:
        start, end = start - (now - newest), newest  # "the last 30 days" of what there is
    if start >= newest or end <= first or start >= end:
        question = say(
            "There are no prices in that time ({period}): they run from {first} to {last}. Which period shall I take?",
            period=period.words,
            first=speech.day(first, year=True),
            last=speech.day(newest, year=True),
        )
        choices = tuple(f"last {days} days" for days in (90, 30) if days <= total) or ("all data",)
        choices = (*choices, "all data") if "all data" not in choices else choices
        return Ask("period", question, choices, choices[0], _unset_period(spec))
    fitted_start, fitted_end = max(start, first), min(end, newest)
    if furthest and (fitted_end - fitted_start) < timedelta(minutes=int(furthest)):
        question = say(
            "A forecast {horizon} ahead can't be tested on {period}. Which period shall I take?",
            horizon=span_text(int(furthest)),
            period=period.words,
        )
        return Ask("period", question, ("last 90 days", "all data"), "last 90 days", _unset_period(spec))
    warnings, reasons = spec.warnings, dict(spec.reasons)
    lost = (fitted_start - start) + max(end - min(fitted_end + _DAY, end), timedelta(0))
    if not period.whole and period.start is not None and lost > max(_DAY, 0.02 * (end - start)):
        warnings = (*warnings, "period_clipped")
        reasons["warning:period_clipped"] = f"prices run from {first:%Y-%m-%d} to {newest:%Y-%m-%d}"
    return Run(_with(spec, fitted_start, fitted_end, reasons, warnings))


def _with(
    spec: Spec, start: datetime, end: datetime, reasons: dict[str, str], warnings: tuple[str, ...]
) -> Spec:
    values = {name: getattr(spec, name) for name in Spec.__dataclass_fields__}
    days = round((end - start) / _DAY, 3)
    horizons = tuple(int(minutes) for minutes in spec.horizons)
    values |= {
        "start": start,
        "end": end,
        "period_days": days,
        "reasons": reasons,
        "warnings": warnings,
        "horizons": horizons,
    }
    return Spec(**values)


def _unset_period(spec: Spec) -> Spec:
    values = {name: getattr(spec, name) for name in Spec.__dataclass_fields__}
    return Spec(**(values | {"start": None, "end": None, "period_days": None}))


def _warned(spec: Spec, code: str, reason: str) -> Spec:
    values = {name: getattr(spec, name) for name in Spec.__dataclass_fields__}
    values["warnings"] = (*spec.warnings, code)
    values["reasons"] = {**spec.reasons, f"warning:{code}": reason}
    return Spec(**values)


__all__ = ["Refuse", "complete"]
