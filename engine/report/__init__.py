"""The report of a run: one `Result` in; Markdown, PDF, metrics.json and the finish message's parts out."""

from engine.report.finish import finish
from engine.report.markdown import write_markdown
from engine.report.metrics import metrics_json
from engine.report.pdf import write_pdf
from engine.report.result import (
    CoinData,
    CoinResult,
    Column,
    Data,
    Finding,
    Highlight,
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
    Written,
)

__all__ = [
    "CoinData",
    "CoinResult",
    "Column",
    "Data",
    "Finding",
    "Highlight",
    "Metric",
    "ModelResult",
    "Note",
    "Result",
    "Spec",
    "StageNote",
    "Table",
    "Usage",
    "Validation",
    "Verdict",
    "Written",
    "finish",
    "metrics_json",
    "write_markdown",
    "write_pdf",
]
