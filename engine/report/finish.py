"""The finish of a run as plain data: what the chat message says, for bots that do not load the engine."""

from typing import Any, Final

from engine.report import wording
from engine.report.result import Finding, Metric, ModelResult, Result
from engine.report.vocabulary import write_cell
from engine.science.charts import numbers
from engine.science.charts.numbers import count, number, signed
from engine.speech import say

NAME_WIDTH: Final = 18
SHORT_NAMES: Final = {
    "LogisticRegression": "Logistic",
    "GradientBoosting": "GradBoost",
    "LinearRegression": "Linear",
    "RandomForest": "Forest",
}
ROWS: Final = 12  # of a table in a chat message
WIDTH: Final = 60  # columns of a chat's code block on a phone


def finish(result: Result) -> dict[str, Any]:
    """The payload of the completed event: verdict line, bullets, table, footer, order of charts."""
    return {
        "run": result.run,
        "kind": result.kind,
        "decision": result.verdict.decision if result.verdict else "result",
        "verdict_word": wording.verdict_word(result),
        "verdict_line": wording.verdict_line(result),
        "bullets": [text for text in wording.bullets(result) if text != wording.data_age(result)],
        "table": _table(result),
        "footer": _footer(result),
        "data_age": wording.data_age(result),
        "advice": say(wording.ADVICE),
        "simulated": say(wording.SIMULATED) if result.data.simulated else "",
        "warnings": [say(note.text) for note in result.warnings],
        "charts": _chart_order(result),
        "alt": {c.name: c.alt for c in result.charts},
        "titles": {c.name: c.title for c in result.charts},
    }


def _table(result: Result) -> dict[str, Any] | None:
    """At most 60 columns wide with a two-column mark in front and one blank between columns."""
    if (result.answered or result.verdict is None) and result.findings:
        return _of_finding(result.findings[0])
    if not result.models:
        return None
    if result.kind == "direction":
        columns = [("Model", NAME_WIDTH), ("Right %", 10), ("AUC", 5), ("Net %", 8), ("Worst %", 8)]
    elif result.kind == "return":
        columns = [("Model", NAME_WIDTH), ("Skill %", 12), ("Sealed %", 8), ("Net %", 8)]
    else:
        columns = [("Model", NAME_WIDTH), ("Skill %", 12), ("Sealed %", 8), ("R²", 6)]
    decides = {"Net %": "net"} if result.kind in ("direction", "return") else {"Skill %": "skill"}
    rows = [_row(result.kind, model) for model in result.models]
    beside = [_row(result.kind, model) for model in result.baselines]
    rows += [row for row in beside if any(cell != numbers.MISSING for cell in row[1:])]
    best = result.best
    return {
        "columns": [
            {
                "label": say(label),
                "align": "right" if at else "left",
                "width": width,
                "decides": decides.get(label, ""),
            }
            for at, (label, width) in enumerate(columns)
        ],
        "rows": rows,
        "marked": next((at for at, model in enumerate(result.models) if model is best), None),
        "models": len(result.models),
        "note": say("> strongest evidence, not largest return. Right: both directions counted alike, ± 95 %")
        if result.kind == "direction"
        else say("Skill: smaller error than the reference, ± 95 %"),
    }


def _of_finding(finding: Finding) -> dict[str, Any] | None:
    """The table of what was asked, where it is short and narrow enough for a chat."""
    table = finding.table
    if table is None or len(table.rows) > ROWS:
        return None
    cells = [
        [say(write_cell(cell, column.unit)) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    labels = [say(column.label) for column in table.columns]
    widths = [max(len(label), *(len(row[at]) for row in cells)) for at, label in enumerate(labels)]
    while sum(widths) + len(widths) + 1 > WIDTH:  # the last columns explain most and are missed least
        widths.pop()
    shown = len(widths)
    return {
        "columns": [
            {
                "label": labels[at],
                "align": "left" if table.columns[at].unit in ("text", "time") else "right",
                "width": w,
            }
            for at, w in enumerate(widths)
        ],
        "rows": [row[:shown] for row in cells],
        "marked": None,
        "models": 0,
        "note": table.caption,
    }


def _short(name: str) -> str:
    """A model's name within the column: whole where it fits, its type shortened where not."""
    name = say(name)
    for long, short in SHORT_NAMES.items():
        if len(name) > NAME_WIDTH:
            name = name.replace(long, short)
    return name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"


def _row(kind: str, model: ModelResult) -> list[str]:
    name = _short(model.name)
    if kind == "direction":
        return [
            name,
            _with_margin(model.metrics.get("balanced_accuracy")),
            number(model.value("auc")),
            _percent(model.value("net_return")),
            _percent(model.value("max_drawdown")),
        ]
    return [
        name,
        _with_margin(model.metrics.get("skill"), plus=True),
        _percent(model.value("skill_sealed")),
        _percent(model.value("net_return")) if kind == "return" else number(model.value("r2")),
    ]


def _with_margin(metric: Metric | None, *, plus: bool = False) -> str:
    if metric is None or metric.value is None:
        return numbers.MISSING
    text = signed(metric.value * 100, 1, plus=plus)
    if metric.low is None or metric.high is None:
        return text
    return f"{text} ±{signed((metric.high - metric.low) * 50, 1)}"


def _percent(fraction: float | None) -> str:
    if fraction is None:
        return numbers.MISSING
    return (
        numbers.multiple(1 + fraction).replace(numbers.THIN, "")
        if fraction >= 10
        else signed(fraction * 100, 1, plus=True)
    )


def _footer(result: Result) -> str:
    usage = result.usage
    parts = [
        result.run,
        f"{count(usage.seconds)} s" if usage.seconds is not None else "",
        say("{n} tokens", n=count(usage.tokens))
        + (f", {signed(usage.cost_usd, 2)} USD" if usage.cost_usd else ""),
        say("data {hash}", hash=result.data.hash[:12]) if result.data.hash else "",
        say("seed {seed}", seed=str(result.seed)) if result.seed is not None else "",
        say("not financial advice"),
    ]
    return " · ".join(part for part in parts if part)


def _chart_order(result: Result) -> list[str]:
    """Drawn charts, the ones worth posting first: equity or skill, then what explains this verdict best."""
    decision = result.verdict.decision if result.verdict else "result"
    second = {
        "edge": ("skill", "calibration", "residuals"),
        "no_edge": ("grid", "skill", "periods"),
        "not_enough_data": ("target", "grid"),
        "result": ("price", "seasonality", "correlation"),
    }[decision]
    answer = tuple(
        f.chart for f in result.findings[:1] if f.chart and (result.answered or not result.verdict)
    )
    lead = ("equity",) if result.kind in ("direction", "return") else ("skill",) if result.verdict else ()
    drawn = [c.name for c in result.charts]
    first = [name for name in (*answer, *lead, *second) if name in drawn]
    return [*dict.fromkeys(first), *(name for name in drawn if name not in first)]
