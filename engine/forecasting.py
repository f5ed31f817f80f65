"""A finished run's models on the newest prices: what they say now, how old that is, and how they have done since."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from engine import model_files, speech, written
from engine.errors import EngineError
from engine.science import bars, datagate, drift, features
from engine.science.drift import Drift, Promise
from engine.science.study import Question
from engine.science.walkforward import Fitted
from engine.science.written import MEMORY_BARS
from engine.speech import say
from engine.tools.studies import read_question
from sandbox import SandboxError
from sandbox import default as default_sandbox
from storage import artifacts, predictions, prices
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.models import AnalysisSession, Artifact

# More than the features need to be known, for gaps in the newest stretch.
_SPARE = 3


class NothingToApply(EngineError):
    """The run left no model, or the newest prices cannot be read by it."""


@dataclass(frozen=True)
class Forecast:
    """What one coin's rule says at `known_at`, the end of the newest bar held, of the time until `due_at`.

    `said` is P(up), a return, or the log of a volatility per bar; `side` what the rule would hold: 1 long, -1 short,
    0 no new side; None for a volatility. `decision` is the run's verdict.
    """

    coin: str
    series: str
    target: str
    rule: str
    decision: str
    known_at: datetime
    due_at: datetime
    said: float
    side: int | None
    price: float
    trained_until: datetime
    promise: Promise | None
    scored: int
    waiting: int
    hits: int
    loss: float | None
    drift: Drift

    def as_dict(self) -> dict[str, Any]:
        """One forecast as plain JSON: times ISO, shares as fractions."""
        promise = self.promise
        return {
            "coin": self.coin,
            "series": self.series,
            "target": self.target,
            "rule": self.rule,
            "decision": self.decision,
            "known_at": self.known_at.isoformat(),
            "due_at": self.due_at.isoformat(),
            "said": self.said,
            "side": self.side,
            "price": self.price,
            "trained_until": self.trained_until.isoformat(),
            "promised": {"hit_rate": promise.hit_rate, "loss": promise.loss} if promise else None,
            "so_far": {
                "scored": self.scored,
                "waiting": self.waiting,
                "hit_rate": self.hits / self.scored if self.scored else None,
                "loss": self.loss,
                "independent": self.drift.independent,
                "drift_p_value": self.drift.chance,
                "drifts": self.drift.is_there,
            },
        }


def predict(database: Database, store: ArtifactStore, run: AnalysisSession) -> list[Forecast]:
    """Apply a run's models to the newest prices, keep what they say, and score what has come. Raises EngineError."""
    with database.begin() as db:
        kept = artifacts.of_session(db, run.id)
        finals = [file for file in kept if file.kind == "final"]
        by_name = {file.name: file for file in kept}
        if not finals:
            raise NothingToApply(
                say(
                    "{run} has no model to apply: only a finished run with a verdict has one.",
                    run=f"R-{run.number}",
                )
            )
        asked = [(file, by_name[file.details["features"]]) for file in finals]
        told = [_of_coin(db, store, final, made) for final, made in asked]
        predictions.keep(db, run.id, [_row(forecast, interval) for forecast, interval, _ in told])
        predictions.score(db)
        return [_with_record(db, run, forecast, centre) for forecast, _, centre in told]


def _of_coin(
    db: Session, store: ArtifactStore, final: Artifact, made: Artifact
) -> tuple[Forecast, int, float]:
    """One coin's forecast, its bar in minutes, and the border between the two sides of its target."""
    model = model_files.load(store.read(final.sha256))
    question, interval = read_question(made.details["question"]), int(made.details["interval_minutes"])
    coin, series = str(final.details["coin"]), str(made.details["series"])
    newest = _newest(db, series, coin, question, interval)
    table = features.build(
        newest[coin],
        question.features,
        {d: newest[d] for d in question.features.drivers},
        _written(newest[coin], question),
    )
    last = table.iloc[-1:]
    if not features.usable(last)[0]:
        raise NothingToApply(
            say(
                "The newest bars of {coin} have gaps, so its features cannot be computed; fetch or import prices "
                "that reach further.",
                coin=coin,
            )
        )
    said = float(model.predict(last)[0])
    known_at = pd.Timestamp(last.index[0]) + timedelta(minutes=interval)
    due_at = known_at + timedelta(minutes=interval * int(final.details["horizon_bars"]))
    side = _side(model, said, final.details["threshold"])
    forecast = Forecast(
        coin=coin, series=series, target=question.target, rule=_rule(final),
        decision=final.details["decision"], known_at=known_at.to_pydatetime(), due_at=due_at.to_pydatetime(),
        said=said, side=side, price=float(newest[coin]["close"].iloc[-1]),
        trained_until=datetime.fromisoformat(final.details["trained_until"]), promise=None,
        scored=0, waiting=0, hits=0, loss=None, drift=Drift(0, None),
    )  # fmt: skip
    centre = 0.5 if question.target == "direction" else model.training_mean
    return forecast, interval, centre


def _written(newest: pd.DataFrame, question: Question) -> pd.DataFrame | None:
    """What the code that the run's agent wrote says on the newest bars, held by the sandbox."""
    if not question.features.written:
        return None
    try:
        sandbox = default_sandbox()
        columns = {one.column: written.run(sandbox, newest, one) for one in question.features.written}
    except (SandboxError, written.Off):
        raise NothingToApply(
            say(
                "The model uses features that its run's agent wrote as code ({names}), and code execution is off here; "
                "omc doctor says why.",
                names=", ".join(one.name for one in question.features.written),
            )
        ) from None
    return pd.DataFrame(columns, index=newest.index)


def _rule(final: Artifact) -> str:
    """The rule's name in the language spoken; runs of earlier versions kept the English one alone."""
    kept = final.details.get("rule_said")
    return str(speech.read(kept)) if kept else str(final.details["rule"])


def _row(forecast: Forecast, interval: int) -> dict[str, Any]:
    names = ("series", "coin", "target", "known_at", "due_at", "said", "side")
    return {name: getattr(forecast, name) for name in names} | {"bar_minutes": interval}


def _newest(
    db: Session, series: str, coin: str, question: Question, interval: int
) -> dict[str, pd.DataFrame]:
    """The newest bars of a coin and its drivers, cleaned, enough for every feature and all ending together."""
    wanted = [coin, *question.features.drivers]
    held = {row.coin: row for row in prices.coverage(db, series=series)}
    missing = [name for name in wanted if name not in held]
    if missing:
        raise NothingToApply(
            say(
                "{series} holds no prices of {coins} any more; import or fetch them again.",
                series=series,
                coins=", ".join(missing),
            )
        )
    end = min(held[name].end for name in wanted)
    warmup = features.warmup_bars(question.features, interval)
    if question.features.written:
        warmup = max(warmup, MEMORY_BARS)
    need = timedelta(minutes=_SPARE * interval * (warmup + 2))
    frame = prices.load(db.connection(), series, wanted, end - need, end).to_pandas().set_index("timestamp")
    found = {}
    for name in wanted:
        raw = frame[frame["coin"] == name].drop(columns="coin")
        report = datagate.check(raw)
        if report.decision == "refuse":
            raise NothingToApply(f"{name}: {report.reason}")
        found[name] = bars.regular(bars.resample(datagate.clean(raw, report), interval))
    last = min(frame.index[-1] for frame in found.values())
    return {name: frame.loc[:last] for name, frame in found.items()}


def _side(model: Fitted, said: float, threshold: float | None) -> int | None:
    if threshold is None:
        return None
    low, high = model.cutoffs(threshold)
    if low == high:
        return int(np.sign(said - high))
    return 1 if said >= high else -1 if said <= low else 0


def _with_record(db: Session, run: AnalysisSession, forecast: Forecast, centre: float) -> Forecast:
    promise = _promised(run.result or {}, forecast)
    found = predictions.record(db, run.id, forecast.coin, centre=centre)
    fallen = Drift(0, None)
    if promise is not None:
        fallen = drift.check(
            [o.is_hit for o in found.outcomes], [o.loss for o in found.outcomes],
            [o.known_at.timestamp() for o in found.outcomes], [o.due_at.timestamp() for o in found.outcomes],
            promise,
        )  # fmt: skip
    return replace(
        forecast,
        promise=promise,
        scored=len(found.outcomes),
        waiting=found.waiting,
        hits=sum(o.is_hit for o in found.outcomes),
        loss=float(np.mean([o.loss for o in found.outcomes])) if found.outcomes else None,
        drift=fallen,
    )


def _promised(result: Mapping[str, Any], forecast: Forecast) -> Promise | None:
    """What metrics.json says of the chosen model."""
    part = next((one for one in result.get("by_coin") or () if one["coin"] == forecast.coin), result)
    best = (part.get("verdict") or {}).get("best_model")
    models: list[dict[str, Any]] = list(part.get("models") or ())
    figures: dict[str, Any] = next((m["metrics"] for m in models if m["name"] == best), {})

    def value(name: str) -> float | None:
        found: float | None = (figures.get(name) or {}).get("value")
        return found

    if forecast.target == "direction":
        hit, loss = value("accuracy"), value("brier")
    else:
        root = value("rmse")
        hit, loss = value("hit_rate"), None if root is None else root**2
    return None if hit is None or loss is None else Promise(hit, loss)
