"""What each stage does when no language model thinks for it: one straight-line policy a stage.

A policy yields tool calls and is sent their results. It is replayed from its start on every turn, so it must
be deterministic: the same brief and the same results always lead to the same calls.
"""

from collections.abc import Generator
from typing import Any

from engine import speech
from engine.llm.offline import Brief, Call
from engine.speech import say

Steps = Generator[Call, Any, Call]

# For each model; a small grid takes a few seconds of it.
TUNING_SECONDS = 60


def finding(summary: str, handles: dict[str, str] | None = None, facts: dict[str, Any] | None = None) -> Call:
    """A stage's answer."""
    return Call("Finding", {"summary": summary, "handles": handles or {}, "facts": facts or {}})


def leave_out(brief: Brief) -> Steps:
    """An agent of somebody's own, when no language model thinks for it."""
    return finding(say("left out: it needs a language model"))
    yield Call("")  # a policy is a generator


def retrieve(brief: Brief) -> Steps:
    """Fetch the bars of every coin the plan names, from one series."""
    coins = [*brief.spec["coins"], *brief.spec["driver_coins"]]
    available = yield Call("get_available_coins")
    fetched = yield Call(
        "fetch_price_data",
        {"coin_types": coins, "start_date": brief.spec["start"], "end_date": brief.spec["end"]},
    )
    spans = []
    for coin in brief.spec["coins"]:
        statistics = yield Call("get_data_statistics", {"coin_type": coin, "data": fetched["data"]})
        spans.append(
            say(
                "{coin} {n:,} bars, close {low:,.6g} to {high:,.6g}",
                coin=coin,
                n=statistics["count"],
                low=statistics["min"],
                high=statistics["max"],
            )
        )
    return finding(
        say(
            "{spans}; {source}, newest {newest} UTC",
            spans="; ".join(spans),
            source=say("simulated prices") if fetched["simulated"] else fetched["series"],
            newest=speech.minute_of(fetched["newest"]),
        ),
        {"raw_prices": fetched["data"]},
        {"source": {key: value for key, value in fetched.items() if key != "data"}}
        | {"coins_held": available["count"]},
    )


def analyse(brief: Brief) -> Steps:
    """Put the bars in order, count what is odd, and compute the indicators asked for."""
    cleaned = yield Call(
        "clean_data",
        {
            "data": brief.handle("raw_prices"),
            "interval_minutes": _recipe(brief, "interval_minutes") or _minutes(brief.spec["interval"]),
        },
    )
    look: dict[str, str] = {}
    said = ""
    if brief.spec["task"] == "eda":
        explored = yield Call(
            "perform_eda",
            {
                "data": cleaned["data"],
                "coins": brief.spec["coins"],
                "topic": brief.spec.get("focus") or "overview",
            },
        )
        topic = say(explored["topic"].replace("_", " "))
        look, said = {"results": explored["results"]}, say("looked at {topic}", topic=topic) + "; "
    computed = yield Call(
        "calculate_technical_indicators",
        {"data": cleaned["data"], "indicators": brief.spec["indicators"]},
    )
    return finding(
        said
        + say(
            "{bars}; {n} indicator columns ({names})",
            bars=in_a_sentence(cleaned["coins"]),
            n=len(computed["columns"]),
            names=", ".join(brief.spec["indicators"]),
        ),
        {"prices": cleaned["data"], "indicators": computed["data"], **look},
        {"health": cleaned["coins"]},
    )


def engineer_features(brief: Brief) -> Steps:
    """Turn bars into features that pass the leak gate, and into the target asked for."""
    wanted = {
        "data": brief.handle("prices"),
        "coins": brief.spec["coins"],
        "leave_out": [],
        **(_recipe(brief, "features") or [_asked_features(brief.spec)])[0],
        **({"own_features": list(brief.written)} if brief.written else {}),
    }
    made = yield Call("create_features", wanted)
    handles, said = {"features": made["data"]}, ""
    doubted = _doubted(brief.spec)
    # The run to repeat may have walked models on other features too.
    for number, others in enumerate((_recipe(brief, "features") or [])[1:], 1):
        handles[f"features_{number}"] = (yield Call("create_features", {**wanted, **others}))["data"]
    if doubted:
        without = yield Call("create_features", {**wanted, "leave_out": [doubted]})
        handles["features_without"] = without["data"]
        said = say(", and the same bars without {name}", name=doubted)
    if made.get("written"):
        said += say("; written by the agent: {names}", names=", ".join(made["written"]))
    return finding(
        say(
            "{n} features on {bars:,} bars; leak gate: {cuts} cuts, none looks ahead{beside}",
            n=len(made["columns"]),
            bars=made["usable_rows"],
            cuts=made["leak_cuts"],
            beside=said,
        ),
        handles,
        {"features": made["columns"], "horizons": made["horizons"]},
    )


def train(brief: Brief) -> Steps:
    """Fit every model on the training span and walk each forward over bars it has not seen."""
    forecasts: list[str] = []
    beside: list[str] = []
    walks, chosen, said = _recipe(brief, "walks"), brief.handle("features"), ""
    if not walks and brief.spec.get("search_seconds") and not _doubted(brief.spec):
        found = yield Call(
            "search_models",
            {
                "feature_data": chosen,
                "coins": brief.spec["coins"],
                "horizon_minutes": _minutes(brief.spec["horizon"]),
                "model_types": brief.spec["models"],
                "seconds": brief.spec["search_seconds"],
            },
        )
        walks, chosen = _asked_walks(brief, found["models"]), found["feature_data"]
        tried = say("{n} combinations tried inside the training span", n=found["tried"])
        left = found["leave_out"] and say(", best without {names}", names=", ".join(found["leave_out"]))
        said = f"{tried}{left or ''}; "
    walks = walks or _asked_walks(brief, _usual(brief.spec["models"]))
    for walk in walks:
        features = brief.handle("features_without") if walk["is_beside"] else chosen
        if walk.get("features"):
            features = brief.handle(f"features_{walk['features']}")
        asked = {name: value for name, value in walk.items() if name not in ("is_beside", "features")}
        fitted = yield Call(f"train_{brief.spec['task']}_model", {"feature_data": features, **asked})
        walked = yield Call("cross_validate_model", {"model_id": fitted["model_id"]})
        (beside if walk["is_beside"] else forecasts).append(walked["forecasts"])
    forecasts += [handle for handle in brief.tried if handle not in (*forecasts, *beside)]
    count = len(forecasts) + len(beside)
    names = ", ".join(dict.fromkeys(str(walk["model_type"]) for walk in walks))
    return finding(
        said
        + say(
            "{n} walk-forward run of {names}, {folds} folds, {bars:,} bars out of sample"
            if count == 1
            else "{n} walk-forward runs of {names}, {folds} folds each, {bars:,} bars out of sample",
            n=count,
            names=names,
            folds=walked["folds"],
            bars=walked["bars"],
        ),
        {f"forecasts_{number}": handle for number, handle in enumerate([*forecasts, *beside])},
        {"forecasts": forecasts, "beside": beside},
    )


def evaluate(brief: Brief) -> Steps:
    """Judge every model beside majority and persistence after costs, then all candidates together."""
    forecasts = list(dict.fromkeys([*brief.fact("forecasts"), *brief.tried]))
    for handle in forecasts:
        yield Call("evaluate_model", {"forecasts": handle})
    judged = yield Call("compare_models", {"forecasts": forecasts, "also_tried": brief.fact("beside")})
    # What the run to repeat tuned is among the models it walked.
    to_tune = [] if brief.fact("recipe") else judged["worth_tuning"]
    handles = {"results": judged["judgement"]}
    if not to_tune:
        handles["importance"] = yield from _weighed(judged)
    facts = {"tune": bool(to_tune), "to_tune": to_tune, "why_tune": judged["why"], "forecasts": forecasts}
    return finding(_judged(judged), handles, facts)


def tune(brief: Brief) -> Steps:
    """Search a small grid inside the training span, walk the winners forward, and judge everything again."""
    forecasts = list(brief.fact("forecasts"))
    tried = 0
    for handle in brief.fact("to_tune"):
        tuned = yield Call("tune_hyperparameters", {"forecasts": handle, "seconds": TUNING_SECONDS})
        tried += tuned["tried"]
        if tuned["model_id"]:
            walked = yield Call("cross_validate_model", {"model_id": tuned["model_id"]})
            forecasts.append(walked["forecasts"])
    forecasts += [handle for handle in brief.tried if handle not in forecasts]
    judged = yield Call("compare_models", {"forecasts": forecasts, "also_tried": brief.fact("beside")})
    return finding(
        say(
            "{n} settings tried inside the training span, all counted; {verdict}",
            n=tried,
            verdict=_judged(judged),
        ),
        {"results": judged["judgement"], "importance": (yield from _weighed(judged))},
        {"forecasts": forecasts},
    )


def report(brief: Brief) -> Steps:
    """Write the report and everything that goes with it."""
    results = brief.handle("results")
    parts = []
    if brief.spec["task"] != "eda":
        by = _compared(brief.spec)
        if by:
            compared = yield Call(
                "create_comparison_report",
                {"forecasts": [*brief.fact("forecasts"), *brief.fact("beside")], "by": by},
            )
            parts.append(compared["comparison"])
        parts.append(brief.handle("importance"))
    advised = yield Call("generate_recommendations", {"results": results})
    written = yield Call(
        "generate_summary",
        {
            "results": results,
            "indicators": brief.handle("indicators"),
            "parts": [*parts, advised["recommendations"]],
        },
    )
    files = written["payload"]["files"]
    charts = sum(file["kind"] == "chart" for file in files)
    return finding(
        say("report, notebook, data and {n} charts written", n=charts),
        {},
        {"result": written["result"], "payload": written["payload"]},
    )


def _weighed(judged: dict[str, Any]) -> Generator[Call, Any, str]:
    """What the features give the strongest rule of the first coin."""
    best = next(iter(judged["best"].values()))
    weighed = yield Call("feature_importance", {"forecasts": best})
    return str(weighed["importance"])


def _doubted(spec: dict[str, Any]) -> str:
    """The indicator whose help is in question, or nothing."""
    focus = str(spec.get("focus") or "")
    return focus.partition(":")[2] if focus.startswith("importance:") else ""


def _compared(spec: dict[str, Any]) -> str:
    """What the goal wants compared: coins, models, or features with and without an indicator; or nothing."""
    if _doubted(spec):
        return "features"
    wanted = {"compare_coins": ("coins", "coins"), "compare_models": ("models", "models")}.get(
        str(spec.get("focus"))
    )
    return wanted[0] if wanted and len(spec[wanted[1]]) > 1 else ""


def _recipe(brief: Brief, what: str) -> Any:
    """What an earlier run chose, where it is repeated; None where the plan alone counts."""
    return (brief.fact("recipe") or {}).get(what)


def _asked_features(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "target_variable": spec["target"],
        "horizon_minutes": [_minutes(text) for text in _horizons(spec)],
        "indicators": spec["indicators"],
        "driver_coins": spec["driver_coins"],
        "costs_bps": _stated_costs(spec),
    }


def _asked_walks(brief: Brief, models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every model at every horizon for every coin; those to be compared with come last."""
    rounds = [(horizon, False) for horizon in brief.fact("horizons")]
    if _doubted(brief.spec):
        rounds.append((_minutes(brief.spec["horizon"]), True))
    return [
        {"coin": coin, "horizon_minutes": horizon, **model, "is_beside": is_beside}
        for coin in brief.spec["coins"]
        for horizon, is_beside in rounds
        for model in models
    ]


def _usual(models: list[str]) -> list[dict[str, Any]]:
    """Models with their usual settings."""
    return [{"model_type": name, "hyperparameters": None} for name in models]


def _horizons(spec: dict[str, Any]) -> list[str]:
    return list(spec.get("horizons") or [spec["horizon"]])


def _minutes(text: str) -> int:
    """ "90m", "1h", "4h", "1d" in minutes."""
    number, unit = text[:-1], text[-1]
    return int(float(number) * {"m": 1, "h": 60, "d": 1440, "w": 10080}[unit])


def _stated_costs(spec: dict[str, Any]) -> float | None:
    """The cost per side the person stated, or None for the default."""
    return float(spec["costs_bps"]) if spec.get("costs_stated") else None


def _judged(judged: dict[str, Any]) -> str:
    """The verdicts in a sentence, in the language spoken now."""
    return str(speech.read(judged["said"])) if "said" in judged else str(judged["summary"])


def in_a_sentence(health: dict[str, dict[str, Any]]) -> str:
    """What is odd in the bars of each coin; `health` is what the data gate counted."""
    parts = []
    for coin, counts in health.items():
        odd = [
            f"{speech.figures(format(counts[name], ','))} {word}"
            for name, word in (
                ("missing_bars", say("missing bars")),
                ("duplicates", say("duplicates")),
                ("stale_bars", say("stale bars")),
                ("crossed_quotes", say("crossed quotes")),
            )
            if counts.get(name)
        ]
        found = ", ".join(odd) if odd else say("none missing")
        parts.append(say("{coin} {n:,} bars, {found}", coin=coin, n=counts["rows"], found=found))
    return "; ".join(parts)
