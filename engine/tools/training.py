"""The model training agent's tools: fit on the training span, then walk forward over unseen bars."""

from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import model_files
from engine.errors import ToolError
from engine.science import search, walkforward
from engine.science.estimators import ModelSpec
from engine.science.study import Study
from engine.science.targets import Task
from engine.science.validation import Fold
from engine.science.walkforward import Fitted
from engine.tools import studies
from engine.work import Work

LONGEST_SEARCH_SECONDS = 1_800


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
        horizon_minutes: how far ahead the label lies; one of the horizons create_features returned.
        hyperparameters: settings that differ from the defaults, e.g. {"max_depth": 4}; null for none.

    Returns the handle `model_id`, the rows trained on and the share of rises among them.
    """
    return _train(
        runtime.context, "classification", feature_data, coin, model_type, horizon_minutes, hyperparameters
    )


@tool
def train_regression_model(
    feature_data: str,
    coin: str,
    model_type: str,
    horizon_minutes: int,
    hyperparameters: dict[str, Any] | None,
    runtime: ToolRuntime[Work, Any],
) -> dict[str, Any]:
    """Train a model that predicts a return or a volatility as a number, on the training span only.

    Args:
        feature_data: a feature handle from create_features with the target "return" or "volatility".
        coin: the coin to predict, e.g. "btc".
        model_type: LinearRegression, Ridge, RandomForest, GradientBoosting or XGBoost.
        horizon_minutes: how far ahead the target lies; one of the horizons create_features returned.
        hyperparameters: settings that differ from the defaults, e.g. {"alpha": 100.0}; null for none.

    Returns the handle `model_id`, the rows trained on and the mean of the target among them.
    """
    return _train(
        runtime.context, "regression", feature_data, coin, model_type, horizon_minutes, hyperparameters
    )


@tool
def search_models(
    feature_data: str,
    coins: list[str],
    horizon_minutes: int,
    model_types: list[str],
    seconds: int,
    runtime: ToolRuntime[Work, Any],
) -> dict[str, Any]:
    """Choose model types, settings and a set of features inside the training span, within a time budget.

    Nothing later is seen: splits of the training span with a purge. What it chooses must still be trained and walked
    forward, and counts there. Use it when the person gave time for a search; else train the usual models.

    Args:
        feature_data: a feature handle from create_features.
        coins: the coins it should serve, all together.
        horizon_minutes: how far ahead; the horizon asked for.
        model_types: the types to choose among, e.g. ["LogisticRegression", "XGBoost"].
        seconds: time to search, 5 to 1,800.

    Returns the handle `feature_data` of the chosen set (the one given where all features are best), `leave_out`, the best
    `models` as {"model_type", "hyperparameters"}, how many combinations were tried, and whether the time sufficed for
    all there were.
    """
    work = runtime.context
    if not coins:
        raise ToolError("Name at least one coin to search for, as in create_features.")
    if not 5 <= seconds <= LONGEST_SEARCH_SECONDS:
        raise ToolError(f"Search for 5 to {LONGEST_SEARCH_SECONDS:,} seconds; {seconds} is outside.")
    prepared = [studies.of_features(work, feature_data, coin) for coin in coins]
    bars = studies.horizon(prepared[0], horizon_minutes)

    def tell(tried: int) -> None:
        work.progress(str(runtime.state["current_step"]), "search", tried, tried, "combination")

    found = search.search(
        prepared,
        bars,
        model_types,
        seconds=seconds,
        seed=work.assignment.seed,
        threads=work.settings.omp_num_threads,
        on_try=tell,
    )
    return {
        "feature_data": studies.narrow(work, feature_data, found.leave_out)
        if found.leave_out
        else feature_data,
        "leave_out": list(found.leave_out),
        "models": [
            {"model_type": spec.name, "hyperparameters": dict(spec.params) or None} for spec in found.models
        ],
        "tried": len(found.tried),
        "complete": found.is_complete,
        "best_loss": round(min(one.loss for one in found.tried), 4),
    }


@tool
def cross_validate_model(model_id: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Walk a trained model forward: predict the next bars, train again on all before, predict on, purged.

    No label of a training bar reaches into the bars that are predicted, nothing is shuffled, and the sealed last
    span is left alone. The trained model itself serves the first stretch.

    Args:
        model_id: a model handle from train_classification_model, train_regression_model or tune_hyperparameters.

    Returns the handle `forecasts` of the out-of-sample predictions, the folds and the bars predicted.
    """
    work = runtime.context
    record = work.record(model_id, "model")
    first: Fitted = work.once(("model", model_id), lambda: model_files.load(work.find(model_id, "model")[0]))
    coin, minutes = record.details["coin"], int(record.details["horizon_minutes"])
    study = studies.of_features(work, record.details["features"], coin)
    if first.columns != tuple(map(str, study.features.columns)):
        raise ToolError(
            "This model was trained on other features than those it is to be walked on; train it again."
        )
    bars = studies.horizon(study, minutes)
    label = f"{first.spec.label} {coin} {minutes} min"

    def tell(_: ModelSpec, fold: Fold, folds: int) -> None:
        work.progress(str(runtime.state["current_step"]), label, fold.number + 1, folds, "fold")

    walked = walkforward.run(
        study.features,
        study.targets[bars],
        first.spec,
        study.plans[bars],
        task=first.task,
        seed=work.assignment.seed,
        threads=work.settings.omp_num_threads,
        first=first,
        on_fold=tell,
    )
    handle = work.keep(
        "forecasts",
        model_files.dump_walk(walked),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{label}, out of sample",
        details={**record.details, "model": first.spec.name, "settings": dict(first.spec.params)},
    )
    work.remember(("walk", handle), walked)
    return {
        "forecasts": handle,
        "model": first.spec.label,
        "settings": dict(first.spec.params),
        "folds": len(study.plans[bars].folds),
        "bars": study.plans[bars].judged_bars,
    }


def keep_model(work: Work, fitted: Fitted, feature_data: str, coin: str, horizon_minutes: int) -> str:
    """Keep a trained model with what it was made from, and return its handle."""
    study = studies.of_features(work, feature_data, coin)
    made_from = {**model_files.card(study, fitted), "horizon_minutes": horizon_minutes}
    handle = work.keep(
        "model",
        model_files.dump(fitted, made_from),
        media_type=model_files.MEDIA_TYPE,
        summary=f"{fitted.spec.label} for {coin}, {horizon_minutes} minutes ahead",
        details={"features": feature_data, "coin": coin, "horizon_minutes": horizon_minutes},
    )
    work.remember(("model", handle), fitted)
    return handle


def _train(
    work: Work,
    task: Task,
    feature_data: str,
    coin: str,
    model_type: str,
    horizon_minutes: int,
    hyperparameters: dict[str, Any] | None,
) -> dict[str, Any]:
    work.check()
    study = studies.of_features(work, feature_data, coin)
    _require_task(study, task)
    bars = studies.horizon(study, horizon_minutes)
    spec = ModelSpec.of(model_type, task, hyperparameters)
    fitted = walkforward.fit(
        study.features,
        study.targets[bars],
        spec,
        study.plans[bars].folds[0],
        task=task,
        seed=work.assignment.seed,
        threads=work.settings.omp_num_threads,
    )
    return {
        "model_id": keep_model(work, fitted, feature_data, coin, horizon_minutes),
        "model": spec.label,
        "rows": fitted.training_rows,
        "target_mean": round(fitted.training_mean, 6),
    }


def _require_task(study: Study, task: Task) -> None:
    if study.question.task != task:
        other = "train_regression_model" if task == "classification" else "train_classification_model"
        raise ToolError(f"These features were made for the target {study.question.target!r}; use {other}.")
