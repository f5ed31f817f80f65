"""Model types: one registry, in which a model is one entry with lean settings and a small grid for tuning.

Fitting is nearly all of a run's time, hence few shallow trees: on five-minute returns deeper ones learn noise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from engine.science.errors import BadSetting, UnknownModel, near
from engine.science.targets import Task

Params = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ModelType:
    """One entry: how to make it from settings, seed and threads."""

    name: str
    task: Task
    make: Callable[[dict[str, Any], int, int], BaseEstimator]
    defaults: Params
    grid: Params
    needs_scaling: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """A model as asked for: its canonical name and the settings that differ from the defaults."""

    name: str
    params: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, name: str, task: Task, params: Params | None = None) -> "ModelSpec":
        """Check a name and its settings against the registry."""
        entry = find(name, task)
        return cls(entry.name, tuple(sorted(_checked(entry, params or {}).items())))

    @property
    def label(self) -> str:
        """How people tell it from the same model with its usual settings: `XGBoost`, `XGBoost (tuned)`."""
        return f"{self.name} (tuned)" if self.params else self.name


def names(task: Task) -> list[str]:
    """Return the model types for classification or regression, the lean ones first."""
    return [entry.name for entry in _REGISTRY if entry.task == task]


def find(name: str, task: Task) -> ModelType:
    """Return the entry for a name, however it is written; a model of the other task gives its counterpart."""
    wanted = _plain(name)
    for entry in _REGISTRY:
        if entry.task == task and wanted in {_plain(word) for word in (entry.name, *entry.aliases)}:
            return entry
    raise UnknownModel(f"There is no model {name!r} for {task}. {near(name, names(task))}")


def make(spec: ModelSpec, task: Task, seed: int, threads: int = 1) -> BaseEstimator:
    """Return an unfitted estimator; scaling, where it is needed, is a step inside it and is learned with it."""
    entry = find(spec.name, task)
    settings = {**entry.defaults, **_checked(entry, dict(spec.params))}
    model = entry.make(settings, seed, threads)
    return make_pipeline(StandardScaler(), model) if entry.needs_scaling else model


def constant(seed: int) -> BaseEstimator:
    """Return the stand-in for a training part in which only one class occurs."""
    return DummyClassifier(strategy="prior", random_state=seed)


def _checked(entry: ModelType, params: Params) -> dict[str, Any]:
    known = entry.make({**entry.defaults}, 0, 1).get_params()
    for name in params:
        if name not in known or name in ("n_jobs", "random_state", "verbose"):
            raise BadSetting(f"{entry.name} has no setting {name!r}. {near(name, entry.defaults)}")
    return dict(params)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


_FOREST: Params = {"n_estimators": 40, "max_depth": 5, "min_samples_leaf": 100, "max_samples": 0.1}
_FOREST_GRID: Params = {"max_depth": [3, 5, 8], "max_samples": [0.1, 0.3]}
_HISTOGRAM: Params = {
    "max_iter": 50,
    "max_leaf_nodes": 8,
    "learning_rate": 0.03,
    "min_samples_leaf": 400,
    "max_bins": 63,
    "early_stopping": False,
}
_HISTOGRAM_GRID: Params = {"learning_rate": [0.02, 0.05, 0.1], "max_leaf_nodes": [4, 8, 16]}
_XGBOOST: Params = {
    "n_estimators": 50,
    "max_depth": 3,
    "learning_rate": 0.03,
    "min_child_weight": 100,
    "subsample": 0.5,
    "max_bin": 64,
    "tree_method": "hist",
}
_XGBOOST_GRID: Params = {"learning_rate": [0.02, 0.05, 0.1], "max_depth": [2, 3, 4]}
_FOREST_NAMES = ("rf", "forest", "random forest", "RandomForestClassifier", "RandomForestRegressor")
_HISTOGRAM_NAMES = (
    "gbm", "gb", "gbdt", "HistGradientBoosting", "GradientBoostingClassifier", "GradientBoostingRegressor",
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
)  # fmt: skip
_XGBOOST_NAMES = ("xgb", "XGBClassifier", "XGBRegressor")

_REGISTRY: tuple[ModelType, ...] = (
    ModelType(
        "LogisticRegression",
        "classification",
        lambda s, seed, threads: LogisticRegression(**s, random_state=seed),
        {"C": 0.0005, "max_iter": 200},
        {"C": [0.0001, 0.0005, 0.02]},
        needs_scaling=True,
        aliases=("logit", "logistic", "logreg", "lr", "linear", "LinearRegression", "Ridge"),
    ),
    ModelType(
        "RandomForest",
        "classification",
        lambda s, seed, threads: RandomForestClassifier(**s, random_state=seed, n_jobs=threads),
        _FOREST,
        _FOREST_GRID,
        aliases=_FOREST_NAMES,
    ),
    ModelType(
        "GradientBoosting",
        "classification",
        lambda s, seed, threads: HistGradientBoostingClassifier(**s, random_state=seed),
        _HISTOGRAM,
        _HISTOGRAM_GRID,
        aliases=_HISTOGRAM_NAMES,
    ),
    ModelType(
        "XGBoost",
        "classification",
        lambda s, seed, threads: XGBClassifier(**s, random_state=seed, n_jobs=threads),
        _XGBOOST,
        _XGBOOST_GRID,
        aliases=_XGBOOST_NAMES,
    ),
    ModelType(
        "Ridge",
        "regression",
        lambda s, seed, threads: Ridge(**s, random_state=seed),
        {"alpha": 100.0},
        {"alpha": [10.0, 100.0, 1000.0]},
        needs_scaling=True,
        aliases=("logistic", "LogisticRegression", "logreg"),
    ),
    ModelType(
        "LinearRegression",
        "regression",
        lambda s, seed, threads: LinearRegression(**s, n_jobs=threads),
        {"fit_intercept": True},
        {"fit_intercept": [True, False]},
        needs_scaling=True,
        aliases=("linear", "ols", "lr"),
    ),
    ModelType(
        "RandomForest",
        "regression",
        lambda s, seed, threads: RandomForestRegressor(**s, random_state=seed, n_jobs=threads),
        {**_FOREST, "max_features": 0.33},
        _FOREST_GRID,
        aliases=_FOREST_NAMES,
    ),
    ModelType(
        "GradientBoosting",
        "regression",
        lambda s, seed, threads: HistGradientBoostingRegressor(**s, random_state=seed),
        _HISTOGRAM,
        _HISTOGRAM_GRID,
        aliases=_HISTOGRAM_NAMES,
    ),
    ModelType(
        "XGBoost",
        "regression",
        lambda s, seed, threads: XGBRegressor(**s, random_state=seed, n_jobs=threads),
        _XGBOOST,
        _XGBOOST_GRID,
        aliases=_XGBOOST_NAMES,
    ),
)
