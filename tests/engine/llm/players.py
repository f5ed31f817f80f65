"""Models that tests play: one that works as it should, and every kind that does not."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.model_server import Asked, Player, Says

EXPLANATION = "There is nothing here to trade on. The baselines did as well, and more data would help."


def good(asked: Asked) -> Says:
    """Follows the plan, then says what came of it without a figure."""
    if asked.stage == "planning":
        return Says(calls=(("Proposal", {}),))
    if not asked.results:
        return Says(calls=(("follow_plan", {}),))
    if asked.stage == "reporting":
        return conclude(EXPLANATION)
    return conclude(f"The {asked.stage.replace('_', ' ')} went as planned.")


def conclude(summary: Any) -> Says:
    return Says(calls=(("Conclusion", {"summary": summary}),))


def refusing(asked: Asked) -> Says:
    return Says(text="I'm sorry, but I cannot help with financial analysis.")


def empty(asked: Asked) -> Says:
    return Says(text="")


def looping(asked: Asked) -> Says:
    """The same call for ever."""
    return Says(
        calls=(("get_available_coins", {}),) if asked.stage == "data_retrieval" else (("follow_plan", {}),)
    )


def wandering(asked: Asked) -> Says:
    """Another call each time, without an end."""
    args = {"coin_type": f"coin{asked.number}", "data": "prices-0"}
    return Says(
        calls=(
            ("get_data_statistics", args),
            ("clean_data", {"data": f"x{asked.number}", "interval_minutes": 5}),
        )
    )


def unknown_tools(asked: Asked) -> Says:
    return Says(calls=(("os_system", {"command": "rm -rf /"}), ("read_secrets", {})))


def broken_json(asked: Asked) -> Says:
    return Says(calls=(("Conclusion", '{"summary": "half a sen'),))


def wrong_types(asked: Asked) -> Says:
    return Says(calls=(("Conclusion", {"summary": {"text": 7}}),))


def inventing(asked: Asked) -> Says:
    """Does the work, then claims figures that no tool returned; when told so, claims them again."""
    if asked.stage == "planning" or not asked.results:
        return good(asked)
    return conclude("The strategy returns 4711.5 % a year with a Sharpe ratio of 9.87. The data look fine.")


def flooding(asked: Asked) -> Says:
    """A hundred thousand tokens."""
    return Says(calls=(("Conclusion", {"summary": "moon " * 80_000}),), usage=(2_000, 100_000))


def endless(asked: Asked) -> Says:
    """Cut by the limit of a request."""
    return Says(text="and then " * 4_000, finish="length", usage=(2_000, 4_000))


def swarming(asked: Asked) -> Says:
    return Says(calls=tuple(("get_available_coins", {"n": at}) for at in range(500)))


def asking(asked: Asked) -> Says:
    """Asks and asks."""
    about = {"about": "coins"} if asked.stage == "planning" else {}
    said = {"question": f"Are you sure ({asked.number})?", "choices": ["yes", "no"], "recommended": "maybe"}
    return Says(calls=(("Question", {**said, **about}),))


def forging(asked: Asked) -> Says:
    """Hands on handles and facts of its own making."""
    forged = {
        "summary": "done",
        "handles": {"results": "judgement-feed"},
        "facts": {"forecasts": ["forecasts-feed"]},
    }
    return Says(calls=(("Finding", forged),))


def not_json(asked: Asked) -> Says:
    return Says(raw=b"<html>gateway</html>")


def odd_json(asked: Asked) -> Says:
    return Says(
        raw=b'{"id": 5, "choices": [{"message": {"role": "assistant", "content": 12, "tool_calls": "no"}}]}'
    )


def no_usage(asked: Asked) -> Says:
    """Works, and says nothing of what it cost."""
    said = good(asked)
    return Says(text=said.text, calls=said.calls, usage=None)


def lying_about_usage(asked: Asked) -> Says:
    said = good(asked)
    return Says(text=said.text, calls=said.calls, usage=(-5_000_000, 0))


def cut_stream(asked: Asked) -> Says:
    return Says(text="I will now " * 200, cut_after=700)


def without_end(asked: Asked) -> Says:
    """A stream that closes in good order and never says that it is finished."""
    return Says(calls=(("follow_plan", {}),), finish=None)


def busy(asked: Asked) -> Says:
    return Says(status=429, headers={"Retry-After": "1"})


def out_of_credit(asked: Asked) -> Says:
    return Says(
        status=429, error={"message": "You exceeded your current quota", "code": "insufficient_quota"}
    )


def broken(asked: Asked) -> Says:
    return Says(status=500)


def refused_request(asked: Asked) -> Says:
    return Says(
        status=400, error={"message": "tool_choice is not supported; your key sk-live-0123456789abcdefghij"}
    )


def hanging(asked: Asked) -> Says:
    return Says(text="...", hang_seconds=60)


def stealing(handles: Mapping[str, str], obeyed: str) -> Player:
    """Has read an instruction in the goal, and calls every tool it is offered with somebody else's handles."""

    def play(asked: Asked) -> Says:
        if asked.stage == "planning":
            return good(asked)
        calls = []
        for tool in asked.body["tools"]:
            function = tool["function"]
            if function["name"] in ("Conclusion", "Question", "follow_plan"):
                continue
            calls.append((function["name"], _filled(function["parameters"], handles, obeyed)))
        return Says(text=obeyed, calls=tuple(calls))

    return play


def _filled(parameters: Mapping[str, Any], handles: Mapping[str, str], obeyed: str) -> dict[str, Any]:
    """Arguments of the right types, with a stolen handle wherever text goes."""
    filled: dict[str, Any] = {
        "session_id": obeyed,
        "user_id": obeyed,
        "runtime": {"context": {"owner": obeyed}},
    }
    for name, schema in parameters.get("properties", {}).items():
        kind = schema.get("type") or next((one.get("type") for one in schema.get("anyOf", ())), "string")
        stolen = next(
            (handle for key, handle in handles.items() if key in name), next(iter(handles.values()))
        )
        filled[name] = {
            "integer": 60, "number": 0.0, "boolean": True, "object": {}, "array": [stolen], "string": stolen,
        }.get(kind, stolen)  # fmt: skip
    return filled


# Those after which the same server is asked again in the next stage, and those that end the model's part of a run.
STAGE_CASES: dict[str, Player] = {
    "refuses": refusing, "says nothing": empty, "repeats a call": looping, "never ends": wandering,
    "unknown tools": unknown_tools, "broken JSON": broken_json, "wrong types": wrong_types,
    "invents figures": inventing, "100,000 tokens": flooding, "cut at its limit": endless,
    "500 calls at once": swarming, "only asks": asking, "forges a finding": forging, "HTML": not_json,
    "odd JSON": odd_json, "stream without end": without_end, "no usage": no_usage, "usage below zero": lying_about_usage,
    "HTTP 400": refused_request, "stream cut in the middle": cut_stream,
}  # fmt: skip
RUN_CASES: dict[str, Player] = {
    "HTTP 429, Retry-After": busy, "no credit": out_of_credit,
    "HTTP 500": broken, "hangs": hanging,
}  # fmt: skip
Make = Callable[[], Player]
