"""A run to which there can be no answer ends with one all the same: not enough data, and why."""

import json
from typing import Any

from engine.outcome import Completed
from engine.report import finish, metrics_json, write_markdown, write_pdf
from engine.speech import Said
from engine.tools import results
from engine.work import Work


def complete(work: Work, state: Any, reason: Said, code: str) -> Completed | None:
    """Write the report of a run that stopped for `reason`; None where there is nothing to report on.

    `code` is that of the `Unanswerable` it stopped with.
    """
    told = results.unanswered(work, state, str(reason), code)
    if told is None:
        return None
    result, data = told
    with work.speaking():
        worded = results.unanswered(work, state, str(reason), code)
        ending = finish(worded[0] if worded else result)
    metrics = metrics_json(result)
    files = [
        ("report", "report.pdf", write_pdf(result, {}), "application/pdf", "Report"),
        ("report", "report.md", write_markdown(result).encode(), "text/markdown", "Report"),
        (
            "metrics",
            "metrics.json",
            json.dumps(metrics, indent=2).encode(),
            "application/json",
            "All figures",
        ),
        ("data", "data.parquet", data, "application/vnd.apache.parquet", "Prices used"),
    ]
    delivered = [
        work.deliver(kind, name, content, media_type=media_type, summary=summary)
        for kind, name, content, media_type, summary in files
    ]
    return Completed(metrics, {"finish": ending, "files": delivered})
