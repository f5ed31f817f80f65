"""A model as it should be: understands a vague goal, asks what matters, tries with a reason, and explains with figures."""

import json
from typing import Any

from tests.engine.llm.players import conclude
from tests.model_server import Asked, Says

GOAL = "where is the smart contract coin heading soon? last 30 days, logistic regression, costs 6 bps"
# What the person answers when asked what "soon" is.
ANSWER = "4h"


def colleague(asked: Asked) -> Says:
    """One turn of it."""
    match asked.stage:
        case "planning":
            return _plan()
        case "model_training":
            return _train(asked)
        case stage if not asked.results:
            return Says(calls=(("follow_plan", {}),))
        case stage:
            return conclude(_SAID[stage](_told(asked)))


def _plan() -> Says:
    proposal = {
        "coins": ["eth"],
        "target": "direction",
        "indicators": ["RSI_14", "MACD"],
        "why": "The coin of smart contracts is ETH, and you ask which way it goes. RSI_14 and MACD tell momentum, "
        "which is what a heading would rest on.",
    }
    question = {
        "about": "horizon",
        "question": "How soon is soon? A few hours move more beside their costs, a day leaves fewer tries to judge by.",
        "choices": ["1h", "4h", "1d"],
        "recommended": "4h",
    }
    return Says(calls=(("Proposal", proposal), ("Question", question)))


def _train(asked: Asked) -> Says:
    """The plan, then one more try for a reason, walked forward like the others."""
    told, (name, args) = _told(asked), asked.first_step or ("", {})
    own = {**args, "hyperparameters": {"C": 0.01}}
    tried = [one for one in told if one.get("_call") == (name, json.dumps(own, sort_keys=True))]
    if not told:
        return Says(calls=(("follow_plan", {}),))
    if not tried:
        return Says(calls=((name, own),))
    walks = [one for one in told if "forecasts" in one]
    if told[-1] is tried[-1]:
        return Says(calls=(("cross_validate_model", {"model_id": tried[-1]["model_id"]}),))
    return conclude(
        f"Logistic regression was walked forward over {walks[0]['bars']:,} unseen bars in {walks[0]['folds']} folds. "
        "I tried it once more with stronger shrinkage (C of 0.01), because many of the features tell the same and the "
        "usual one may lean on noise. Both count as tries."
    )


def _fetched(told: list[dict[str, Any]]) -> str:
    fetched = next(one for one in told if "rows" in one and "series" in one)
    close = next(one for one in told if "std" in one)
    simulated = " They are simulated, so they say nothing of a market." if fetched["simulated"] else ""
    return (
        f"There are {close['count']:,} bars of ETH from {fetched['start'][:10]} to {fetched['end'][:10]}, closing between "
        f"{close['min']:.2f} and {close['max']:.2f}.{simulated}"
    )


def _cleaned(told: list[dict[str, Any]]) -> str:
    health = next(one for one in told if "summary" in one)["coins"]["eth"]
    odd = (
        f"{health['outliers']} bars moved unusually far, the largest by {abs(health['largest_move']):.1%}: real moves "
        "stay, but a rule that wins on few of them would be luck."
        if health["outliers"]
        else "No bar stands out."
    )
    return f"{health['missing_bars']} bars are missing and {health['stale_bars']} are stale, so the data are whole. {odd}"


def _featured(told: list[dict[str, Any]]) -> str:
    made = told[-1]
    return (
        f"{made['features']} features on {made['usable_rows']:,} bars: past returns and volatility, the place in the range, "
        "volume, and the momentum that you asked about. None looks ahead."
    )


def _judged(told: list[dict[str, Any]]) -> str:
    found = next(one for one in reversed(told) if "figures" in one)["figures"]["eth"]
    best, hold = found["best"], found["beside"]["Buy and hold"]["return_after_costs"]
    right, low, high = best["balanced_accuracy"]
    return (
        f"The best rule is right in {right:.1%} of cases ({low:.1%} to {high:.1%}), which a coin does too. "
        f"It {_made(best['return_after_costs'])} after costs of {found['cost_bps_a_side']:.0f} bp a side, while buying and "
        f"holding {_made(hold)}. After all {found['rules_tried']} rules tried, p is {found['p_after_costs']:.2f}."
    )


def _reported(told: list[dict[str, Any]]) -> str:
    found = next(one for one in reversed(told) if "figures" in one)["figures"]["eth"]
    best = found["best"]
    answer = {
        "edge": "Yes, there is a pattern that paid.",
        "no_edge": "No: nothing here tells which way ETH goes.",
    }.get(found["decision"], "It cannot be told from so few days.")
    return (
        f"{answer} The strongest of {found['rules_tried']} rules {_made(best['return_after_costs'])} after costs, trading "
        f"{best['trades_per_day']:.1f} times a day; it would break even at {best['break_even_cost_bps_a_side']:.1f} bp a side. "
        f"On the sealed span, opened once, it {_made(found['return_on_sealed_span'])}. More days would make this more certain, "
        "more models would not."
    )


_SAID = {
    "data_retrieval": _fetched,
    "data_analysis": _cleaned,
    "feature_engineering": _featured,
    "model_evaluation": _judged,
    "hyperparameter_tuning": _judged,
    "reporting": _reported,
}


def _made(share: float) -> str:
    return f"{'lost' if share < 0 else 'made'} {abs(share):.1%}"


def _told(asked: Asked) -> list[dict[str, Any]]:
    """The results of tools in this conversation, each with the call it answers."""
    calls: dict[str, tuple[str, str]] = {}
    told = []
    for message in asked.messages:
        for call in message.get("tool_calls") or ():
            function = call["function"]
            args = json.dumps(json.loads(function["arguments"]), sort_keys=True)
            calls[call["id"]] = (function["name"], args)
        if message["role"] == "tool":
            try:
                result = json.loads(str(message["content"]).split("\n")[1])
            except ValueError:
                continue
            if isinstance(result, dict):
                told.append({**result, "_call": calls.get(message["tool_call_id"])})
    return told
