"""One coin's study, put together from this run's artifacts: prices, features, question."""

from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from engine.errors import ToolError
from engine.science import features, study
from engine.science.features import FeatureSpec
from engine.science.study import Question, Study
from engine.science.written import WrittenFeature
from engine.tools.retrieval import coin_bars
from engine.work import Work


def of_features(work: Work, feature_data: str, coin: str) -> Study:
    """The study of one coin behind a feature handle; nothing is computed twice. Raises ToolError."""
    return work.once(("study", feature_data, coin.lower()), lambda: _prepare(work, feature_data, coin))


def _prepare(work: Work, feature_data: str, coin: str) -> Study:
    frame = work.frame(feature_data, "features")
    record = work.record(feature_data, "features")
    details: dict[str, Any] = record.details
    prices = work.frame(details["prices"], "prices")
    question = read_question(details["question"])
    return study.prepare(
        coin.lower(),
        details["series"],
        coin_bars(prices, coin),
        question,
        drivers={driver: coin_bars(prices, driver) for driver in question.features.drivers},
        table=coin_bars(frame, coin),
    )


def narrow(work: Work, feature_data: str, leave_out: tuple[str, ...]) -> str:
    """The handle of the same features without some groups, on the same bars. Raises BadSetting."""
    frame = work.frame(feature_data, "features")
    record = work.record(feature_data, "features")
    question = read_question(record.details["question"])
    spec = replace(question.features, leave_out=(*question.features.leave_out, *leave_out))
    parts = [
        features.left(frame[frame["coin"] == coin].drop(columns="coin"), leave_out).assign(coin=coin)
        for coin in dict.fromkeys(frame["coin"])
    ]
    kept = pd.concat(parts)
    return work.keep_frame(
        "features",
        kept,
        summary=f"{len(kept.columns) - 1} features",
        details={**record.details, "question": asdict(replace(question, features=spec))},
    )


def horizon(of: Study, minutes: int) -> int:
    """A horizon of the study in bars. Raises ToolError for one it was not prepared for."""
    bars, rest = divmod(minutes, of.bar_minutes)
    if rest or bars not in of.plans:
        known = ", ".join(str(h * of.bar_minutes) for h in of.question.all_horizons)
        raise ToolError(f"These features were made for horizons of {known} minutes, not {minutes}.")
    return bars


def read_question(written: dict[str, Any]) -> Question:
    """A question back from the plain JSON that it was kept as."""
    features: dict[str, Any] = _tuples(written["features"])
    features["written"] = tuple(WrittenFeature(**one) for one in features.get("written", ()))
    plain: dict[str, Any] = _tuples({name: value for name, value in written.items() if name != "features"})
    return Question(**plain, features=FeatureSpec(**features))


def _tuples(written: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
