"""metrics.json: what the verdict rests on, under the names that programs and people rely on."""

from typing import Any

from engine.report.result import CoinResult, ModelResult, Result, Verdict
from engine.report.wording import ADVICE


def metrics_json(result: Result) -> dict[str, Any]:
    """The figures of a result as plain JSON: ratios as fractions, costs in bp per side, times as ISO UTC."""
    dumped = result.model_dump(mode="json")
    data = dumped["data"]
    return {
        "run": result.run,
        "made_at": dumped["made_at"],
        "goal": result.goal,
        "kind": result.kind,
        "spec": dumped["spec"],
        "data": {
            "series": data["series"],
            "rows": data["rows"],
            "hash": data["hash"],
            "simulated": data["simulated"],
            "newest": data["newest"],
            "effective_cost_bps": data["effective_cost_bps"],
            "start": data["start"],
            "end": data["end"],
            "coins": data["coins"],
            "notes": data["notes"],
        },
        "models": [_model(m) for m in result.models],
        "baselines": [_model(m) for m in result.baselines],
        "verdict": _verdict(result.verdict) if result.verdict else None,
        "by_coin": [_coin(c) for c in result.by_coin],
        "validation": dumped["validation"],
        "study": result.study,
        "findings": dumped["findings"],
        "recommendations": list(result.recommendations),
        "exploration": dumped["exploration"],
        "charts": [{"name": c.name, "title": c.title, "alt": c.alt} for c in result.charts],
        "stage_notes": dumped["stage_notes"],
        "warnings": dumped["warnings"],
        "usage": dumped["usage"],
        "seed": result.seed,
        "versions": result.versions,
        "advice": ADVICE,
    }


def _model(model: ModelResult) -> dict[str, Any]:
    return {
        "name": model.name,
        "metrics": {k: m.model_dump() for k, m in model.metrics.items()},
        "folds": model.folds,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return verdict.model_dump(mode="json")


def _coin(coin: CoinResult) -> dict[str, Any]:
    return {
        "coin": coin.coin,
        "verdict": _verdict(coin.verdict),
        "models": [_model(m) for m in coin.models],
        "baselines": [_model(m) for m in coin.baselines],
    }
