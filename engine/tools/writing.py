"""The tool with which an agent writes a feature of its own, and what was written as columns for the feature table."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import repeats, written
from engine.errors import ToolError
from engine.science import bars, features, indicators, targets
from engine.science.errors import BadSetting, UnknownIndicator
from engine.science.written import WrittenFeature
from engine.speech import say
from engine.tools.retrieval import coin_bars
from engine.untrusted import clean
from engine.work import Work
from sandbox.lint import complain
from storage import artifacts

KIND = "own_feature"
MOST_WRITTEN = 3
MOST_CODE = 2_000
_NAME = r"[a-z]+(?:_[a-z]+)*"
_LONGEST_NAME = 32
_GROUPS = frozenset({"past returns", "past volatility", "place in the range", "volume", "calendar"})
_TAKEN = frozenset({*bars.REQUIRED, *targets.TARGETS, "bid", "ask", "coin", "target", "label", "timestamp"})


@tool
def write_feature(
    data: str, coins: list[str], name: str, code: str, why: str, runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Write a feature of your own in Python, where no feature of create_features says what you mean.

    It runs in the sandbox and must pass the leak gate: recomputed on bars cut at random places and from a later start, no
    value may change. Free of the price level it will be of more use. It counts as tried, like any set of features.

    Args:
        data: a price handle from clean_data.
        coins: the coins that are predicted.
        name: what it measures, in small letters and underscores, e.g. "body_share".
        code: Python that defines `def feature(bars: pd.DataFrame) -> pd.Series`, one number per bar on the index of bars;
            `bars` has open, high, low, close, volume, SMA_20, EMA_50, RSI_14, MACD and BBANDS columns by time, NaN where
            a bar is missing. `pd` and `np` are at hand. At most 2,000 characters; at most 1,000 bars back.
        why: why it may tell something about the question, in a sentence without figures.

    Returns the handle `own_feature`, which create_features takes in `own_features` (the plan passes it by itself).
    """
    work = runtime.context
    feature = WrittenFeature(name.strip(), code.strip() + "\n")
    _require_fit(work, feature)
    if not coins:
        raise ToolError("Name the coins that are predicted, as in create_features.")
    found = [_passed(work, data, coin.lower(), feature) for coin in coins]
    handle = _keep(work, feature, clean(" ".join(why.split()), 300))
    with work.speaking():
        text = say(
            "The agent wrote a feature of its own, {name}; it passed the leak gate.",
            name=feature.name.replace("_", " "),
        )
    work.tell(f"written:{feature.name}", "note", {"text": text})
    return {
        "own_feature": handle,
        "column": feature.column,
        "known_bars": sum(int(values.notna().sum()) for values, _ in found),
        "leak_cuts": sum(cuts for _, cuts in found),
    }


def read(work: Work, handle: str) -> WrittenFeature:
    """The feature behind a handle, of this run or of the one that it repeats. Raises ToolError."""
    before = repeats.written_feature(work, handle)
    if before is not None:
        _keep(work, WrittenFeature(before["name"], before["code"]), before["why"])
    details = work.record(handle, KIND).details
    return WrittenFeature(details["name"], details["code"])


def frame(work: Work, data: str, coin: str, features: Sequence[WrittenFeature]) -> pd.DataFrame | None:
    """Values that have passed the leak gate, a column each; None for no feature. Raises ToolError."""
    if not features:
        return None
    return pd.DataFrame({one.column: _passed(work, data, coin.lower(), one)[0] for one in features})


def _passed(work: Work, data: str, coin: str, feature: WrittenFeature) -> tuple[pd.Series, int]:
    """Checked once in this process for each coin and prices; what was refused raises again."""
    prices = coin_bars(work.frame(data, "prices"), coin)
    work.check()
    return work.once(
        ("written", data, coin, feature.handle),
        lambda: written.passed(work.sandbox, prices, feature, work.assignment.seed),
    )


def _require_fit(work: Work, feature: WrittenFeature) -> None:
    """Raise ToolError for a name or code that cannot be taken, before anything is run."""
    name = feature.name
    if not re.fullmatch(_NAME, name) or len(name) > _LONGEST_NAME:
        raise ToolError(
            f"The name of a feature has small letters and underscores only, at most {_LONGEST_NAME} characters, for example "
            "body_share."
        )
    if name in _TAKEN or _is_ours(name):
        raise ToolError(f"{name} is a column or a feature already; give yours another name.")
    if len(feature.code) > MOST_CODE:
        raise ToolError(
            f"The code may have {MOST_CODE:,} characters, not {len(feature.code):,}; write it shorter."
        )
    if complaint := complain(feature.code):
        raise ToolError(f"The code of {name} cannot work here: {' '.join(complaint.split())}")
    if not re.search(r"^def feature\(", feature.code, re.MULTILINE):
        raise ToolError("The code must define `def feature(bars: pd.DataFrame) -> pd.Series`.")
    with work.database.begin() as db:
        kept = artifacts.of_session(db, work.lease.session_id, kind=KIND)
    others = {one.details["name"]: one.name for one in kept}
    if others.get(name, feature.handle) != feature.handle:
        raise ToolError(f"{name} is a feature that you wrote before; give another one another name.")
    if name not in others and len(others) >= MOST_WRITTEN:
        raise ToolError(
            f"A run takes {MOST_WRITTEN} features written by its agent; go on with those there are."
        )


def _is_ours(name: str) -> bool:
    """Whether a feature, a group of features or an indicator is called so; without its window too."""
    if name in {"returns", "momentum", "level", "spread", "place", "hour", "weekday", "size"}:
        return True
    try:
        indicators.choose(name)
    except (UnknownIndicator, BadSetting):
        return bool(features.groups([name]).keys() & _GROUPS)
    return True


def _keep(work: Work, feature: WrittenFeature, why: str) -> str:
    return work.keep(
        KIND,
        feature.content,
        media_type="application/json",
        summary=f"a feature written by the agent: {feature.name}",
        details={"name": feature.name, "code": feature.code, "why": why},
    )
