"""Small finished results, one of each kind, that the tests of the report start from."""

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.report import (
    CoinData,
    CoinResult,
    Column,
    Data,
    Finding,
    Metric,
    ModelResult,
    Note,
    Result,
    Spec,
    StageNote,
    Table,
    Usage,
    Validation,
    Verdict,
)

START = datetime(2023, 6, 29, 18, 10, tzinfo=UTC)
END = datetime(2023, 9, 27, 18, 10, tzinfo=UTC)


def interval(value: float, low: float, high: float) -> Metric:
    return Metric(value=value, low=low, high=high)


def direction(decision: str = "no_edge", **changes: Any) -> Result:
    """A 90-day question on BTC's direction; `changes` replace fields."""
    net = {"edge": 0.31}.get(decision, -0.958)
    verdict = Verdict(
        decision=decision,
        reason="What the best rule finds is within luck.",
        reason_code={"edge": "confirmed", "no_edge": "nothing_found"}.get(decision, "too_short"),
        p_value=0.004 if decision == "edge" else 1.0,
        p_signal=0.001 if decision == "edge" else 0.36,
        p_late=0.002 if decision == "edge" else 0.41,
        best_model="LogReg",
        candidates=24,
        candidates_counted=48,
        folds=3,
        folds_positive=3 if decision == "edge" else 0,
        sealed_return=0.092 if decision == "edge" else -0.31,
        sealed_openings=1,
        least_edge_shown=0.34,
        least_edge_paying=0.06,
    )
    models = (
        ModelResult(
            name="LogReg",
            folds=3,
            metrics={
                "balanced_accuracy": interval(0.541, 0.525, 0.560),
                "accuracy": Metric(value=0.542),
                "auc": interval(0.549, 0.53, 0.57),
                "net_return": Metric(value=net),
                "gross_return": Metric(value=-0.06 if net < 0 else 0.40),
                "max_drawdown": Metric(value=min(net, -0.08)),
                "trades_per_day": Metric(value=45.2),
                "break_even_bps": Metric(value=-0.3 if net < 0 else 18.0),
                "brier": interval(0.253, 0.251, 0.255),
            },
        ),
        ModelResult(
            name="XGBoost",
            folds=3,
            metrics={"balanced_accuracy": interval(0.544, 0.526, 0.563), "net_return": Metric(value=-0.97)},
        ),
    )
    baselines = (
        ModelResult(
            name="Persistence",
            metrics={"balanced_accuracy": interval(0.471, 0.455, 0.484), "net_return": Metric(value=-0.997)},
        ),
        ModelResult(
            name="Buy and hold",
            metrics={"net_return": Metric(value=-0.101), "max_drawdown": Metric(value=-0.171)},
        ),
    )
    fields: dict[str, Any] = {
        "run": "R-142",
        "made_at": END + timedelta(minutes=12),
        "goal": "Will BTC close higher in the next hour? last 90 days",
        "kind": "direction",
        "spec": Spec(
            coins=("btc",),
            task="classification",
            target="direction",
            horizon="1h",
            interval="5m",
            horizons=("1h", "4h"),
            start=START,
            end=END,
            period_days=90,
            models=("LogReg", "XGBoost"),
            indicators=("RSI_14",),
            costs_bps=12.0,
            metric="balanced_accuracy",
        ),
        "data": Data(
            series="binance:usdt",
            venue="Binance",
            currency="USDT",
            rows=25_920,
            start=START,
            end=END,
            newest=END,
            hash="3f9a1c0b77aa4e21",
            effective_cost_bps=12.6,
            stated_cost_bps=12.0,
            coins=(
                CoinData(
                    coin="btc",
                    rows=25_920,
                    start=START,
                    end=END,
                    missing_bars=3,
                    largest_move=-0.042,
                    largest_move_at=END,
                ),
            ),
        ),
        "models": models,
        "baselines": baselines,
        "verdict": verdict,
        "validation": Validation(
            train_days=36,
            judged_days=36,
            sealed_days=18,
            purge_bars=12,
            embargo_bars=12,
            refits=3,
            features=19,
            leak_cuts=24,
        ),
        "usage": Usage(tokens=0, seconds=41),
        "seed": 7,
        "versions": {"omc": "0.1.0"},
        "stage_notes": (StageNote(stage="data_retrieval", text="All bars are there.", by="offline planner"),),
        "warnings": (Note(code="period_clipped", text="The period was shortened by two days."),),
    }
    return Result(**fields | changes)


def volatility(decision: str = "edge", skill: float = 0.098, **changes: Any) -> Result:
    """A question on BTC's volatility, judged by its skill against the moving-average forecast."""
    base = direction(decision)
    assert base.verdict is not None
    models = (
        ModelResult(
            name="Ridge",
            folds=3,
            metrics={
                "skill": interval(skill, skill - 0.051, skill + 0.057),
                "skill_sealed": Metric(value=0.099),
                "correlation": Metric(value=0.52),
                "mae_bps": Metric(value=4.1),
                "rmse_bps": Metric(value=6.6),
            },
        ),
    )
    verdict = base.verdict.model_copy(
        update={"best_model": "Ridge", "reference": "the moving-average forecast", "sealed_return": None}
    )
    fields: dict[str, Any] = {name: getattr(base, name) for name in Result.model_fields}
    fields |= {
        "kind": "volatility",
        "goal": "How volatile will BTC be in the next hour?",
        "models": models,
        "baselines": (
            ModelResult(name="EWMA", metrics={"skill": Metric(value=0.0), "mae_bps": Metric(value=4.6)}),
        ),
        "verdict": verdict,
    }
    return Result(**fields | changes)


def eda(**changes: Any) -> Result:
    """What the prices look like; no verdict."""
    base = direction()
    table = Table(
        columns=(Column(label="Hour"), Column(label="Volatility", unit="bp")),
        rows=(("Wed 14:00", 14.1), ("Sun 07:00", 2.0)),
    )
    fields: dict[str, Any] = {name: getattr(base, name) for name in Result.model_fields}
    fields |= {
        "kind": "eda",
        "goal": "What does BTC look like?",
        "models": (),
        "baselines": (),
        "verdict": None,
        "validation": None,
        "findings": (
            Finding(
                title="Wednesday afternoons move 7 times as much as Sunday mornings",
                text="Median five-minute move.",
                table=table,
            ),
            Finding(title="Returns hardly follow each other"),
        ),
    }
    return Result(**fields | changes)


def two_coins() -> Result:
    """BTC without an edge, ETH with one; the headline speaks of ETH."""
    btc, eth = direction("no_edge"), direction("edge")
    assert btc.verdict is not None
    assert eth.verdict is not None
    by_coin = tuple(
        CoinResult(coin=coin, verdict=r.verdict, models=r.models, baselines=r.baselines)
        for coin, r in (("btc", btc), ("eth", eth))
        if r.verdict
    )
    spec = eth.spec.model_copy(update={"coins": ("btc", "eth")})
    return eth.model_copy(update={"by_coin": by_coin, "coin": "eth", "spec": spec})
