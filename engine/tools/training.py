"""The model training agent's tools: fit on the training span, then walk forward over unseen bars."""

from typing import Any

import pandas as pd
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import model_files
from engine.errors import ToolError
from engine.science import features, targets, validation, walkforward
from engine.science.estimators import ModelSpec
from engine.science.validation import Fold, Plan
from engine.tools.analysis import feature_spec
from engine.tools.retrieval import coin_bars
from engine.work import Work
from storage.models import Artifact

STAGE = "model_training"


@tool
def train_classification_model(
    feature_data: str,
    coin: str,
    model_type: str,
    horizon_minutes: int,
    hyperparameters: dict[str, Any] | None,
    runtime: ToolRuntime[Work, Any],
) -> dict[str, Any]:
    """Train a model that tells whether the price will be higher, on the training span only.

    The label of a bar is 1 when the close `horizon_minutes` later is above its own close. Nothing after the
    training span is seen; cross_validate_model goes on from here.

    Args:
        feature_data: a feature handle from create_features with the target "direction".
        coin: the coin to predict, e.g. "btc".
        model_type: LogisticRegression, RandomForest, GradientBoosting or XGBoost.
        horizon_minutes: how far ahead the label lies, a multiple of the bar length, e.g. 60.
        hyperparameters: settings that differ from the defaults, e.g. {"max_depth": 4}; null for none.

    Returns the handle `model_id`, the rows trained on and the share of rises among them.
    """
    work = runtime.context
    work.check()
    table, record = feature_table(work, feature_data, coin)
    kind = record.details["target"]
    if kind != "direction":
        raise ToolError(f"These features were made for the target {kind!r}; classification needs direction.")
    bars = horizon_bars(record, horizon_minutes)
    spec = ModelSpec.of(model_type, "classification", hyperparameters)
    plan = span_plan(record, len(table), bars)
    fitted = walkforward.fit(
        table,
        targets.build(coin_bars(work.frame(record.details["prices"], "prices"), coin), "direction", bars),
        spec,
        plan.folds[0],
        task="classification",
        seed=work.assignment.seed,
        threads=work.settings.omp_num_threads,
    )
    handle = work.keep(
        "model",
        model_files.dump(fitted),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{spec.name} for {coin}, {horizon_minutes} minutes ahead",
        details={"features": feature_data, "coin": coin, "horizon_minutes": horizon_minutes},
    )
    return {
        "model_id": handle,
        "model": spec.name,
        "rows": fitted.training_rows,
        "share_of_rises": round(fitted.training_mean, 4),
    }


@tool
def cross_validate_model(model_id: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Walk a trained model forward: predict the next bars, train again on all before, predict on, purged.

    No label of a training bar reaches into the bars that are predicted, nothing is shuffled, and the sealed last
    span is left alone. The trained model itself serves the first stretch.

    Args:
        model_id: a model handle from train_classification_model or tune_hyperparameters.

    Returns the handle `forecasts` of the out-of-sample predictions, the folds and the bars predicted.
    """
    work = runtime.context
    content, record = work.find(model_id, "model")
    first = model_files.load(content)
    coin, horizon_minutes = record.details["coin"], record.details["horizon_minutes"]
    table, made = feature_table(work, record.details["features"], coin)
    bars = horizon_bars(made, horizon_minutes)
    plan = span_plan(made, len(table), bars)
    label = f"{first.spec.name} {coin} {horizon_minutes} min"

    def tell(_: ModelSpec, fold: Fold, folds: int) -> None:
        work.progress(STAGE, label, fold.number + 1, folds, "fold")

    walked = walkforward.run(
        table,
        targets.build(
            coin_bars(work.frame(made.details["prices"], "prices"), coin), made.details["target"], bars
        ),
        first.spec,
        plan,
        task=first.task,
        seed=work.assignment.seed,
        threads=work.settings.omp_num_threads,
        first=first,
        on_fold=tell,
    )
    last = work.keep(
        "model",
        model_files.dump(walked.last),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{first.spec.name} for {coin}, trained on everything before the last fold",
        details=dict(record.details),
    )
    handle = work.keep(
        "forecasts",
        model_files.dump_walk(walked),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{label}, out of sample",
        details={**record.details, "model_id": last},
    )
    return {
        "forecasts": handle,
        "model": first.spec.name,
        "folds": len(plan.folds),
        "bars": plan.judged_bars,
        "model_id": last,
    }


def feature_table(work: Work, handle: str, coin: str) -> tuple[pd.DataFrame, Artifact]:
    """One coin's feature table and the record of how it was made. Raises ToolError."""
    frame = work.frame(handle, "features")
    _, record = work.find(handle, "features")
    return coin_bars(frame, coin), record


def horizon_bars(record: Artifact, horizon_minutes: int) -> int:
    """A horizon in bars of the feature table's length. Raises ToolError when it is no multiple of a bar."""
    interval = int(record.details["interval_minutes"])
    if horizon_minutes < interval or horizon_minutes % interval:
        raise ToolError(
            f"A horizon of {horizon_minutes} minutes is no multiple of the {interval}-minute bars; "
            f"use {max(interval, horizon_minutes // interval * interval)} minutes."
        )
    return horizon_minutes // interval


def span_plan(record: Artifact, rows: int, bars: int) -> Plan:
    """The one cut of a coin's bars into training, judged and sealed spans."""
    warmup = features.warmup_bars(feature_spec(record), int(record.details["interval_minutes"]))
    return validation.plan(rows, bars, first=warmup)
