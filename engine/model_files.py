"""Models as files: written with skops, read back only with types on a list, next to what they were made from."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from zipfile import BadZipFile

import numpy as np
import sklearn
import skops.io
import xgboost

from engine.errors import ToolError
from engine.science.estimators import ModelSpec
from engine.science.study import Study
from engine.science.validation import Fold
from engine.science.walkforward import Fitted, OutOfSample

MEDIA_TYPE = "application/x-skops"

# What a file of ours may hold beyond skops' own safe types. Never extended from what a file asks for.
TRUSTED = [
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
]


def versions() -> dict[str, str]:
    """The libraries that a model's bytes depend on."""
    return {
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
        "xgboost": xgboost.__version__,
    }


def card(study: Study, fitted: Fitted) -> dict[str, Any]:
    """What a model was made from: coin, series, target, features, and the span it was trained on (ISO, UTC)."""
    start, end = study.span(slice(fitted.fold.train_start, fitted.fold.train_end))
    return {
        "coin": study.coin,
        "series": study.series,
        "target": study.question.target,
        "bar_minutes": study.bar_minutes,
        "features": json.loads(json.dumps(asdict(study.question.features))),
        "trained_from": start.isoformat(),
        "trained_until": end.isoformat(),
    }


def dump(fitted: Fitted, made_from: Mapping[str, Any] | None = None) -> bytes:
    """One trained model as a file, with the versions it needs and what it was made from (`card`)."""
    state = {"versions": versions(), "card": dict(made_from or {}), "fitted": _state(fitted)}
    return bytes(skops.io.dumps(state))


def load(content: bytes) -> Fitted:
    """A trained model from its file.

    Raises ToolError when it holds a type that is not on the list, or was written by another version of the libraries.
    """
    return _fitted(_read(content)["fitted"])


def describe(content: bytes) -> dict[str, Any]:
    """What a model file says of itself: versions, columns, and its card. Raises ToolError as `load` does."""
    state = _read(content)
    return {
        **state["card"],
        "versions": state["versions"],
        "model": state["fitted"]["spec"],
        "columns": list(state["fitted"]["columns"]),
        "training_rows": int(state["fitted"]["training_rows"]),
    }


def dump_walk(walked: OutOfSample) -> bytes:
    """A walk-forward as a file: its predictions, and of each fold's model all but the model itself.

    Only what features contribute is asked of those models, and seed and settings make them again.
    """
    state = {
        "spec": _spec(walked.spec),
        "task": walked.task,
        "horizon_bars": walked.horizon_bars,
        "predictions": walked.predictions,
        "folds": [{**_state(fitted), "estimator": None} for fitted in walked.folds],
    }
    return bytes(skops.io.dumps({"versions": versions(), "walk": state}))


def load_walk(content: bytes) -> OutOfSample:
    """A walk-forward from its file, without its models. Raises ToolError when it holds a type that is not on the list."""
    state = _read(content)["walk"]
    return OutOfSample(
        spec=ModelSpec(state["spec"]["name"], _params(state["spec"])),
        task=state["task"],
        horizon_bars=int(state["horizon_bars"]),
        predictions=state["predictions"],
        folds=tuple(_fitted(fold) for fold in state["folds"]),
    )


def _read(content: bytes) -> dict[str, Any]:
    try:
        unknown = [name for name in skops.io.get_untrusted_types(data=content) if name not in TRUSTED]
    except (BadZipFile, KeyError, ValueError) as error:
        raise ToolError("This is no model file, or only a part of one; train again.") from error
    if unknown:
        raise ToolError(
            f"This model file holds {unknown[0]}, which is not a type that is loaded; train again."
        )
    state: dict[str, Any] = skops.io.loads(content, trusted=TRUSTED)
    for name, here in versions().items():
        then = str(state["versions"].get(name, "an unknown version"))
        if then.split(".")[:2] != here.split(".")[:2]:
            raise ToolError(f"This model was written with {name} {then}, here is {here}; train again.")
    return state


def _state(fitted: Fitted) -> dict[str, Any]:
    fold = fitted.fold
    return {
        "spec": _spec(fitted.spec),
        "task": fitted.task,
        "fold": [fold.number, fold.train_start, fold.train_end, fold.test_start, fold.test_end],
        "columns": list(fitted.columns),
        "estimator": fitted.estimator,
        "training_scores": fitted.training_scores,
        "training_rows": fitted.training_rows,
        "training_mean": fitted.training_mean,
    }


def _fitted(state: dict[str, Any]) -> Fitted:
    return Fitted(
        spec=ModelSpec(state["spec"]["name"], _params(state["spec"])),
        task=state["task"],
        fold=Fold(*(int(edge) for edge in state["fold"])),
        columns=tuple(state["columns"]),
        estimator=state["estimator"],
        training_scores=state["training_scores"],
        training_rows=int(state["training_rows"]),
        training_mean=float(state["training_mean"]),
    )


def _spec(spec: ModelSpec) -> dict[str, Any]:
    return {"name": spec.name, "params": dict(spec.params)}


def _params(state: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(state["params"].items()))
