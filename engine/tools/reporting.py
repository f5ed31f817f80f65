"""The reporting agent's tools: everything a person receives, written from one result."""

import json
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import notebook
from engine.report import Result, advice, finish, metrics_json, wording, write_markdown, write_pdf
from engine.science import comparing, eda
from engine.tools import contrast, figures
from engine.tools.evaluation import read_walk
from engine.tools.results import Told, tell
from engine.untrusted import clean
from engine.work import Work

PDF, MARKDOWN, JSON = "application/pdf", "text/markdown", "application/json"
NOTEBOOK, PARQUET, PNG = "application/x-ipynb+json", "application/vnd.apache.parquet", "image/png"


@tool
def generate_recommendations(results: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Say what to do next: what would change the answer, what to ask instead, what not to conclude.

    Follows from the figures alone. Recommends no trade: this is research, not financial advice.

    Args:
        results: the handle from compare_models or perform_eda.

    Returns the handle `recommendations`, to pass to generate_summary as one of its `parts`, the sentences, and the
    `figures` that the result rests on: shares as fractions, costs in bp a side.
    """
    work = runtime.context
    told = tell(work, runtime.state, results, draw=False)
    steps = advice.recommendations(told.result)
    handle = work.keep(
        "recommendations", json.dumps(steps).encode(), media_type=JSON, summary=f"{len(steps)} next steps"
    )
    rests_on = (
        {j.study.coin: figures.of_judgement(j) for j in told.judged.judgements}
        if told.judged
        else figures.of_look(eda.from_json(work.find(results, "exploration")[0]))
    )
    return {"recommendations": handle, "next_steps": list(steps), "figures": rests_on}


@tool
def create_comparison_report(
    forecasts: list[str], by: str, runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Say which is better, by how much and whether luck explains it: coins, models, or feature sets.

    Each item has the mean figure of all its forecasts (AUC for a direction, skill for a number), so that none is picked
    by luck; the same blocks of time are drawn for all. Only forecasts at the horizon asked for are compared.

    Args:
        forecasts: forecast handles of everything to be compared, from cross_validate_model.
        by: "coins", "models", or "features" where create_features was called with and without `leave_out`.

    Returns the handle `comparison` for generate_summary, the standings (best first) as [figure, low, high], the
    difference between the best and the second as [value, low, high], and whether that is beyond chance.
    """
    work = runtime.context
    found = contrast.of_forecasts(
        [(handle, *read_walk(work, handle)) for handle in forecasts], by, work.assignment.seed
    )
    handle = work.keep(
        "comparison", comparing.to_json(found), media_type=JSON, summary=f"A comparison of {found.by}"
    )
    first, second = found.standings[0], found.standings[1]
    behind = second.behind
    return {
        "comparison": handle,
        "figure": found.comparison.figure,
        "standings": {
            one.name: [round(x, 4) for x in (one.value.value, one.value.low, one.value.high)]
            for one in found.standings
        },
        "best": first.name,
        "ahead_of_second": [round(x, 4) for x in (behind.value, behind.low, behind.high)] if behind else [],
        "beyond_chance": found.comparison.is_clear,
    }


@tool
def generate_summary(
    results: str,
    indicators: str | None,
    parts: list[str],
    runtime: ToolRuntime[Work, Any],
    explanation: str | None = None,
) -> dict[str, Any]:
    """Write the report: report.md, report.pdf, metrics.json, charts, the data and a notebook that rebuilds it.

    All figures come from the results. Call it last and once: what it writes is what people receive.

    Args:
        results: the handle from compare_models, or from perform_eda where nothing is forecast.
        indicators: the handle from calculate_technical_indicators, for the price chart; null for none.
        parts: handles of what stands beside the results: from generate_recommendations, create_comparison_report and
            feature_importance; [] for none.
        explanation: what the result means to the person who asked, in a few sentences; null for none.

    Returns one sentence, the finish message's parts and the list of files.
    """
    work = runtime.context
    told = tell(work, runtime.state, results, indicators=indicators, parts=parts)
    result = told.result.model_copy(update={"explanation": clean(explanation or "", 2_000)})
    metrics = metrics_json(result)
    files = [
        work.deliver(
            "report", "report.pdf", write_pdf(result, told.charts), media_type=PDF, summary="Report"
        ),
        work.deliver(
            "report", "report.md", write_markdown(result).encode(), media_type=MARKDOWN, summary="Report"
        ),
        work.deliver(
            "metrics",
            "metrics.json",
            json.dumps(metrics, indent=2).encode(),
            media_type=JSON,
            summary="All figures",
        ),
        work.deliver(
            "notebook",
            "notebook.ipynb",
            _notebook(work, told),
            media_type=NOTEBOOK,
            summary="Rebuilds the result",
        ),
        work.deliver("data", "data.parquet", told.data, media_type=PARQUET, summary="Prices used"),
    ]
    if told.judged and told.judged.earlier:
        trials = notebook.write_trials(told.judged.earlier)
        files.append(
            work.deliver(
                "data", "trials.parquet", trials, media_type=PARQUET, summary="Earlier rules that count"
            )
        )
    if told.written:
        values = notebook.write_written(told.written)
        files.append(
            work.deliver(
                "data",
                notebook.WRITTEN_FILE,
                values,
                media_type=PARQUET,
                summary="Features of the agent's code",
            )
        )
    for name, chart in told.charts.items():
        files.append(
            work.deliver("chart", f"charts/{name}.png", chart.png, media_type=PNG, summary=chart.alt)
        )
    with work.speaking():
        ending = _ending(work, runtime.state, results, parts, told)
    return {
        "summary": wording.verdict_line(result),
        "metrics": results,
        "result": metrics,
        "payload": {"finish": ending, "files": files},
    }


def _ending(work: Work, state: Any, results: str, parts: list[str], told: Told) -> dict[str, Any]:
    """The finish in the words of the thread: its sentences are written anew, its pictures are those of the report."""
    if not work.speaks_another_language:
        return finish(told.result)
    worded = tell(work, state, results, parts=parts, draw=told.judged is None).result
    return finish(worded.model_copy(update={"charts": told.result.charts}))


def _notebook(work: Work, told: Told) -> bytes:
    result: Result = told.result
    if told.judged is None:
        topic = str((result.exploration or {})["topic"])
        look = notebook.Look(coins=tuple(told.looked_at), topic=topic, seed=work.assignment.seed)
        return notebook.write_look(result, look)
    rules = told.judged.candidates
    questions = tuple(dict.fromkeys(rule.study.question for rule in rules))
    walks = (
        notebook.Walk(rule.coin, questions.index(rule.study.question), rule.model, rule.horizon_bars)
        for rule in rules
    )
    recipe = notebook.Recipe(
        series=rules[0].study.series,
        coins=tuple(j.study.coin for j in told.judged.judgements),
        questions=questions,
        walks=tuple(dict.fromkeys(walks)),
        seed=work.assignment.seed,
        has_earlier_trials=bool(told.judged.earlier),
        has_written=bool(told.written),
    )
    return notebook.write_notebook(result, recipe)
