"""The tool for code of an agent's own: held by the sandbox, its results and figures kept as artifacts."""

import json
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine.errors import ToolError
from engine.work import Work
from sandbox import Result, SandboxError

# What one answer may take of an agent's attention; the artifact has all of it.
MOST_TOLD = 6_000
FRAMES = ("prices", "indicators", "features")


@tool
def execute_python(code: str, data: dict[str, str], runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Run Python of your own on this run's data, for what no other tool computes.

    At hand: the frames named in `data`, `pd`, `np` and `plt`; pandas, numpy, scipy, sklearn, xgboost, matplotlib,
    seaborn, ta and plain standard modules can be imported. There is no network, no file and no other program. Leave
    the answer in the variable `result` (numbers, text, lists, dicts, a frame); open matplotlib figures are kept. What
    code computes is a remark, never a result of record: those come from the other tools.

    Args:
        code: the program.
        data: variable name -> handle of prices, indicators or features, e.g. {"prices": "prices-0a1b"}; {} for none.

    Returns the status (ok, error, timeout, memory, killed, rejected, unavailable), `result`, what was printed, the
    error with its line, the handles of what is kept, and what was used.
    """
    work = runtime.context
    work.check()
    if work.sandbox is None:
        return {"status": "unavailable", "error": "This machine cannot hold code. Use the other tools."}
    frames = {name: work.frame(handle, *FRAMES) for name, handle in data.items()}
    try:
        done = work.sandbox.run(code, frames)
    except SandboxError as error:
        raise ToolError(str(error)) from error
    answer: dict[str, Any] = {"status": done.status, "seconds": round(done.usage.seconds, 2)}
    if done.status in ("rejected", "unavailable"):
        return {**answer, "error": done.error}
    answer["kept"] = _keep(work, code, data, done)
    answer["figures"] = [
        work.keep(
            "figure", figure.png, media_type="image/png", summary=f"drawn by an agent's code ({figure.name})"
        )
        for figure in done.figures
    ]
    told = {"result": json.dumps(done.value), "printed": done.stdout}
    for name, text in told.items():
        if len(text) > MOST_TOLD:
            answer[name] = text[:MOST_TOLD]
            answer.setdefault("notes", []).append(
                f"{name}: the first {MOST_TOLD:,} of {len(text):,} characters"
            )
        elif name == "result":
            answer[name] = done.value
        elif text:
            answer[name] = text
    if done.error:
        answer["error"] = done.error
    if done.notes:
        answer["notes"] = [*answer.get("notes", []), *done.notes]
    return answer


def _keep(work: Work, code: str, data: dict[str, str], done: Result) -> str:
    record = {
        "code": code,
        "data": data,
        "status": done.status,
        "result": done.value,
        "printed": done.stdout,
        "error": done.error,
        "notes": list(done.notes),
    }
    summary = f"an agent's code: {done.status}"
    content = json.dumps(record, ensure_ascii=False).encode()
    return work.keep("code", content, media_type="application/json", summary=summary)
