"""Doing a run again: its plan, its own prices, its features and models, taken from what it left behind.

A language model has no part in it: what was decided then is read from the run's artifacts.
"""

import hashlib
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from engine.errors import ToolError
from engine.science.written import WrittenFeature
from engine.speech import say
from engine.work import Work, read_frame, write_frame
from storage import artifacts, prices
from storage.errors import ArtifactError
from storage.models import AnalysisSession, Artifact


def plan(work: Work) -> dict[str, Any] | None:
    """The spec and the recipe of the run that this one repeats, and its name; None when it repeats none.

    Raises ToolError when that run left too little behind.
    """
    if work.assignment.repeats is None:
        return None
    with work.database.begin() as db:
        before = db.get_one(AnalysisSession, work.assignment.repeats)
        kept = artifacts.of_session(db, before.id)
        if not before.spec or before.result is None:
            raise ToolError(
                say("{run} did not finish, so there is nothing to repeat.", run=f"R-{before.number}")
            )
        return {"run": f"R-{before.number}", "spec": dict(before.spec), "recipe": _recipe(kept)}


def raw_prices(work: Work) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """The prices that the repeated run loaded, with its facts about them; None when this run repeats none.

    They come from its own file. Where that is gone, the price table must still hold the same. Raises ToolError.
    """
    if work.assignment.repeats is None:
        return None
    with work.database.begin() as db:
        kept = artifacts.of_session(db, work.assignment.repeats, kind="prices")
        loaded = next((file for file in kept if "health" not in file.details), None)
        if loaded is None:
            raise ToolError(say("The run to repeat kept no prices; ask its question again with omc analyze."))
        try:
            content = work.store.read(loaded.sha256)
        except ArtifactError:
            frame = _from_table(db, loaded)
        else:
            frame = read_frame(content)
    return frame, dict(loaded.details)


def _from_table(db: Session, loaded: Artifact) -> pd.DataFrame:
    facts = loaded.details
    start, end = (pd.Timestamp(facts[name]).to_pydatetime() for name in ("start", "end"))
    table = prices.load(db.connection(), facts["series"], list(facts["rows"]), start, end)
    frame: pd.DataFrame = table.to_pandas().set_index("timestamp")
    if hashlib.sha256(write_frame(frame)).hexdigest() != loaded.sha256:
        raise ToolError(
            "The prices that the run used are not kept any more, and those held now are others. "
            "Ask its question again with omc analyze."
        )
    return frame


def written_feature(work: Work, handle: str) -> dict[str, Any] | None:
    """What the repeated run noted of a feature that its agent wrote; None when this run repeats none that has it."""
    if work.assignment.repeats is None:
        return None
    with work.database.begin() as db:
        kept = artifacts.of_session(db, work.assignment.repeats, kind="own_feature")
    return next((dict(one.details) for one in kept if one.name == handle), None)


def _recipe(kept: list[Artifact]) -> dict[str, Any]:
    """What was chosen after the plan: features, and each model with its settings. Empty for a look at the data."""
    judged = next((file for file in reversed(kept) if file.kind == "judgement"), None)
    if judged is None:
        return {}
    by_name = {file.name: file for file in kept}
    beside = set(judged.details["also_tried"])
    walks = {
        handle: by_name[handle].details
        for handle in (*judged.details["forecasts"], *judged.details["also_tried"])
    }
    made = list(dict.fromkeys(walk["features"] for walk in walks.values()))
    return {
        "interval_minutes": int(by_name[made[0]].details["interval_minutes"]),
        "features": [_features(by_name[handle].details) for handle in made],
        "walks": [
            {
                "coin": walk["coin"],
                "horizon_minutes": int(walk["horizon_minutes"]),
                "model_type": walk["model"],
                "hyperparameters": walk["settings"] or None,
                "is_beside": handle in beside,
                "features": made.index(walk["features"]),
            }
            for handle, walk in walks.items()
        ],
    }


def _features(made: dict[str, Any]) -> dict[str, Any]:
    """What create_features was asked for."""
    question, interval = made["question"], int(made["interval_minutes"])
    own = [WrittenFeature(**one).handle for one in question["features"].get("written", ())]
    return {
        "target_variable": question["target"],
        "horizon_minutes": [bars * interval for bars in question["horizons"]],
        "indicators": list(question["features"]["indicators"]),
        "driver_coins": list(question["features"]["drivers"]),
        "costs_bps": question["stated_cost_bps"],
        "leave_out": list(question["features"].get("leave_out", ())),
        "lags": list(question["features"]["lags"]),
        "windows": list(question["features"]["windows"]),
        "calendar": bool(question["features"]["calendar"]),
        **({"own_features": own} if own else {}),
    }
