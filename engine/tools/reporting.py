"""The reporting agent's tools: everything a person receives, written from one result."""

import json
from datetime import UTC, datetime
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import model_files, notebook
from engine.report import (
    CoinData,
    Data,
    Note,
    Result,
    Spec,
    StageNote,
    Usage,
    finish,
    metrics_json,
    pictures,
    write_markdown,
    write_pdf,
)
from engine.report import judged as judgements
from engine.tools.evaluation import Judged, conclude
from engine.tools.retrieval import coin_bars
from engine.work import Work

WARNINGS = {
    "leakage": "What was asked for would have looked into the future; that part was left out.",
    "unavailable": "Part of what was asked for is not available here and was left out.",
    "missing_coin": "A coin that was asked for is not held and was left out.",
    "period_clipped": "The prices do not cover the whole period asked for; what is held was used.",
}


@tool
def generate_summary(judgement: str, indicators: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Write the report: report.md, report.pdf, metrics.json, charts, the data and a notebook that rebuilds it.

    Args:
        judgement: the handle from compare_models.
        indicators: the handle from calculate_technical_indicators, for the price chart.

    Returns one sentence, the finish message's parts and the list of files. All figures come from the judgement.
    """
    work = runtime.context
    _, record = work.find(judgement, "judgement")
    judged = conclude(work, record.details["forecasts"])
    told = judgements.headline(judged.judgements)
    state = runtime.state
    _, features = work.find(_features_of(work, record.details["forecasts"][0]), "features")
    prices = work.frame(features.details["prices"], "prices")
    coins = list(dict.fromkeys(map(str, prices["coin"])))
    data = notebook.write_data({coin: coin_bars(prices, coin) for coin in coins})
    result = _result(work, state, judged, features.details, data, len(prices))
    marks = coin_bars(work.frame(indicators, "indicators"), told.study.coin)
    drawn = pictures.of_judgement(result.source(), told, indicators=marks)
    result = result.with_charts(drawn)
    metrics = metrics_json(result)
    recipe = notebook.Recipe(
        series=told.study.series,
        coins=tuple(j.study.coin for j in judged.judgements),
        question=told.study.question,
        models=tuple(dict.fromkeys(c.model for c in judged.candidates)),
        seed=work.assignment.seed,
        has_earlier_trials=bool(judged.earlier),
    )
    files = [
        work.deliver("report", "report.pdf", write_pdf(result, drawn), media_type="application/pdf", summary="Report"),
        work.deliver(
            "report", "report.md", write_markdown(result).encode(), media_type="text/markdown", summary="Report"
        ),
        work.deliver(
            "metrics", "metrics.json", json.dumps(metrics, indent=2).encode(),
            media_type="application/json", summary="All figures",
        ),
        work.deliver(
            "notebook", "notebook.ipynb", notebook.write_notebook(result, recipe),
            media_type="application/x-ipynb+json", summary="Rebuilds the result",
        ),
        work.deliver(
            "data", "data.parquet", data, media_type="application/vnd.apache.parquet", summary="Prices used"
        ),
    ]  # fmt: skip
    if judged.earlier:
        files.append(
            work.deliver(
                "data", "trials.parquet", notebook.write_trials(judged.earlier),
                media_type="application/vnd.apache.parquet", summary="Earlier rules that count",
            )
        )  # fmt: skip
    for name, chart in drawn.items():
        files.append(
            work.deliver("chart", f"charts/{name}.png", chart.png, media_type="image/png", summary=chart.alt)
        )
    ending = finish(result)
    return {
        "summary": ending["verdict_line"],
        "metrics": judgement,
        "result": metrics,
        "payload": {"finish": ending, "files": files},
    }


def _features_of(work: Work, forecasts: str) -> str:
    _, record = work.find(forecasts, "forecasts")
    return str(record.details["features"])


def _result(
    work: Work, state: Any, judged: Judged, details: dict[str, Any], data: bytes, rows: int
) -> Result:
    told = judgements.headline(judged.judgements)
    spec = dict(state["spec"])
    by_coin = tuple(
        judgements.coin_result(j, sealed_openings=judged.openings[j.study.coin]) for j in judged.judgements
    )
    head = next(coin for coin in by_coin if coin.coin == told.study.coin)
    study = told.study
    whole_start, whole_end = study.span(slice(0, len(study.prices)))
    return Result(
        run=work.run_name,
        made_at=datetime.now(UTC),
        goal=work.assignment.goal,
        kind=study.question.target,
        spec=Spec(**spec),
        data=Data(
            series=details["series"],
            venue=details["venue"],
            currency=details["currency"],
            interval_minutes=study.bar_minutes,
            rows=rows,
            start=whole_start,
            end=whole_end,
            newest=datetime.fromisoformat(details["newest"]),
            hash=notebook.data_hash(data),
            simulated=details["simulated"],
            effective_cost_bps=study.cost.bps,
            stated_cost_bps=study.question.stated_cost_bps,
            coins=tuple(
                CoinData(
                    coin=coin,
                    **{
                        name: value
                        for name, value in counts.items()
                        if name in CoinData.model_fields and name != "coin"
                    },
                )
                for coin, counts in details["health"].items()
            ),
        ),
        models=head.models,
        baselines=head.baselines,
        verdict=head.verdict,
        validation=judgements.validation(told, leak_cuts=details["leak_cuts"]),
        coin=told.study.coin,
        by_coin=by_coin if len(by_coin) > 1 else (),
        usage=Usage(seconds=work.elapsed_seconds()),
        seed=work.assignment.seed,
        versions=model_files.versions(),
        stage_notes=tuple(
            StageNote(stage=stage, text=found["summary"], by="offline planner")
            for stage, found in (state.get("findings") or {}).items()
        ),
        warnings=tuple(Note(code=code, text=WARNINGS.get(code, code)) for code in spec.get("warnings", ())),
    )
