"""All wording of a thread, in one file: what happened to a session becomes the messages a person reads.

The root names the run and says how it stands, the card shows the stages and is edited as they go on, and a few
events are messages of their own (POSTED). Nothing here knows a platform's markup.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bots.platform import LONGEST_TEXT, Choice, Message, StageLine, Table
from bots.progress import Fact, Progress, Stage, State
from bots.text import duration, one_line

# Events that are told in messages of their own (`answered` closes its question's message).
POSTED = frozenset({"opened", "question", "answered", "note", "completed", "failed", "cancelled", "expired"})
# Events after which the root says something else.
CHANGE_ROOT = frozenset({"planned", "question", "answered", "completed", "failed", "cancelled", "expired"})
ENDINGS = frozenset({"completed", "failed", "cancelled", "expired"})

STAGE_NAMES = {
    "planning": "Planning",
    "data_retrieval": "Data",
    "data_analysis": "Analysis",
    "feature_engineering": "Features",
    "model_training": "Training",
    "model_evaluation": "Evaluation",
    "hyperparameter_tuning": "Tuning",
    "reporting": "Report",
}
STAGE_MARKS = {"running": "▸", "done": "✓", "waiting": "?", "failed": "✗", "stopped": "■"}
STATES: dict[State, str] = {
    "queued": "in the queue",
    "running": "at work",
    "waiting": "waiting for your answer",
    "stopping": "stopping",
    "completed": "done",
    "failed": "failed",
    "cancelled": "stopped",
    "expired": "ended without an answer",
}
WARNINGS = {
    "leakage": "What was asked for would look into the future; that part is left out.",
    "unavailable": "Part of what was asked for is not available here and is left out.",
    "missing_coin": "A coin that was asked for is not held and is left out.",
    "period_clipped": "The prices do not cover the whole period asked for; what is held is used.",
}


def root(progress: Progress, run: str) -> Message:
    """The message a thread hangs from."""
    what = progress.title or _title(progress.spec) or progress.goal
    verdict = _verdict_word(progress.ending)
    state = verdict or STATES[progress.state]
    asked = f"asked by {one_line(progress.asked_by, 60)}" if progress.asked_by else ""
    lines = [one_line(progress.goal, 400)] if what != progress.goal else []
    return Message(
        kind="root",
        run=run,
        headline=f"{run} {one_line(what, 200)}",
        strong=run,
        lines=tuple(lines),
        footer=" · ".join(part for part in (asked, state) if part),
    )


def card(progress: Progress, run: str, now: datetime) -> Message:
    """How far a session has come: one line a stage, then what a reader should know."""
    lines: list[str] = []
    plan = _plan(progress.spec)
    if plan:
        lines.append(f"Plan: {plan}")
    lines += [f"Note: {one_line(note, 240)}" for note in _notes(progress)[:4]]
    if progress.interruption is not None:
        lines.append(_interruption(progress.interruption))
    steps = max((stage.steps for stage in progress.stages), default=0)
    step = max((stage.step for stage in progress.stages), default=0)
    parts = [f"step {step} of {steps}" if steps and progress.state == "running" else ""]
    if progress.opened_at is not None:
        parts.append(duration(((progress.ended_at or now) - progress.opened_at).total_seconds()))
    parts.append(_meter(progress.usage))
    return Message(
        kind="card",
        run=run,
        headline=f"{run} {STATES[progress.state]}",
        strong=run,
        stages=tuple(_stage_line(stage) for stage in progress.stages),
        lines=tuple(lines),
        footer=" · ".join(part for part in parts if part),
    )


def posted(fact: Fact, run: str, asker: str | None) -> Message:
    """The message that tells an event of POSTED, all but `opened`."""
    told: Callable[[Mapping[str, Any], str, str | None], Message] = {
        "question": _question,
        "answered": _answered,
        "note": _note,
        "completed": _completed,
        "failed": _failed,
        "cancelled": _cancelled,
        "expired": _expired,
    }[fact.kind]
    return _fit(told(fact.payload, run, asker))


def answered_question(question: Fact, answered: Fact, run: str) -> Message:
    """A question's message once it has been answered: no choices any more, and who chose what."""
    asked = one_line(str(question.payload.get("question", "")), 500)
    return _fit(
        Message(
            kind="question",
            run=run,
            headline=asked,
            lines=(_answer_line(answered.payload),),
            interrupt_id=str(question.payload.get("interrupt_id", "")),
        )
    )


def files_missing(message: Message, why: str) -> Message:
    """The finish when its files could not be sent along."""
    return _fit(_with_line(message, f"The files could not be sent: {one_line(why, 300)}"))


def _question(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    recommended = str(said.get("recommended", ""))
    choices = [str(choice) for choice in said.get("choices", ())]
    expires_at = said.get("expires_at")
    shown = one_line(recommended, 80)
    return Message(
        kind="question",
        run=run,
        headline=one_line(str(said.get("question", "")), 500),
        lines=("Choose, or answer in your own words.",) if choices else ("Answer in your own words.",),
        choices=tuple(Choice(one_line(choice, 75), choice == recommended) for choice in choices[:25]),
        deadline_words=f"Unanswered, it goes on with “{shown}” at"
        if shown
        else "It waits for an answer until",
        deadline=datetime.fromisoformat(expires_at) if expires_at else None,
        mention=asker,
        interrupt_id=str(said.get("interrupt_id", "")),
    )


def _answered(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    return Message(kind="notice", run=run, headline=_answer_line(said))


def _answer_line(said: Mapping[str, Any]) -> str:
    answer = one_line(str(said.get("answer", "")), 300)
    if said.get("by") == "expiry":
        return f"Nobody answered in time; going on with “{answer}”."
    if said.get("by") == "default":
        return f"Nobody was there to be asked; going on with “{answer}”."
    return f"{one_line(str(said.get('answered_by') or 'Someone'), 60)} answered “{answer}”."


def _note(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    return Message(kind="notice", run=run, headline=f"Note: {one_line(str(said.get('text', '')), 1200)}")


def _completed(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    finish: Mapping[str, Any] = said.get("finish") or {}
    # What must be read comes first and last: what does not fit is left out from the end of the lines.
    simulated = finish.get("simulated")
    lines = ["These prices are simulated." if simulated is True else str(simulated)] if simulated else []
    told_below = finish.get("data_age")
    lines += [f"• {one_line(str(b), 260)}" for b in finish.get("bullets", ()) if b != told_below]
    lines += [f"Note: {one_line(str(note), 200)}" for note in finish.get("warnings", ())]
    small = (one_line(str(finish.get(part) or ""), 200) for part in ("data_age", "footer"))
    return Message(
        kind="finish",
        run=run,
        headline=one_line(str(finish.get("verdict_line", "The report is ready.")), 500),
        strong=str(finish.get("verdict_word", "")),
        lines=tuple(lines),
        table=_table(finish.get("table")),
        footer=" · ".join(part[:1].upper() + part[1:] for part in small if part),
        mention=asker,
        charts=tuple(map(str, finish.get("charts", ()))),
    )


def _failed(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    stage = STAGE_NAMES.get(str(said.get("stage")), "")
    reference = str(said.get("reference") or "")
    where = f" failed in {stage}" if stage else " failed"
    if said.get("stage") == "planning" and not reference:
        where = " was not begun"
    return Message(
        kind="failure",
        run=run,
        headline=f"{run}{where}: {one_line(str(said.get('message', '')), 1000)}",
        strong=f"{run} failed" if "failed" in where else f"{run}{where}",
        lines=("What was done before is kept.",) if stage and stage != "Planning" else (),
        footer=f"Reference {reference}" if reference else "",
        mention=asker,
    )


def _cancelled(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    stage = STAGE_NAMES.get(str(said.get("stage")), "")
    where = f" in {stage}; what was done before is kept" if stage else ""
    return Message(
        kind="failure",
        run=run,
        headline=f"{run} was stopped{where}.",
        strong=f"{run} was stopped",
        mention=asker,
    )


def _expired(said: Mapping[str, Any], run: str, asker: str | None) -> Message:
    return Message(
        kind="failure",
        run=run,
        headline=f"{run} ended: its question was not answered in time.",
        strong=f"{run} ended",
        mention=asker,
    )


def _stage_line(stage: Stage) -> StageLine:
    detail = stage.summary
    if stage.state == "running" and stage.total:
        detail = f"{stage.label} {stage.unit} {stage.done}/{stage.total}".strip()
    return StageLine(
        mark=STAGE_MARKS[stage.state],
        name=STAGE_NAMES.get(stage.name, stage.name.replace("_", " ").capitalize()),
        word={"waiting": "waiting for your answer"}.get(stage.state, stage.state),
        detail=one_line(detail, 130),
        seconds=stage.seconds,
        since=stage.started_at if stage.state == "running" else None,
    )


def _interruption(fact: Fact) -> str:
    stage = STAGE_NAMES.get(str(fact.payload.get("stage")), "the beginning")
    if fact.kind == "requeued":
        return f"Its worker is being stopped; the run goes on from {stage} on the next one."
    return f"Worker lost, resuming from {stage} (attempt {fact.payload.get('attempt', 2)})."


def _meter(usage: Mapping[str, Any]) -> str:
    """What the language model has cost: tokens and dollars, of the limit, beside the estimate."""
    estimate = usage.get("estimate") or {}
    if not usage.get("calls"):
        return f"about {estimate['tokens']:,} tokens, {_dollars(estimate['usd'])}" if estimate else ""
    cap = f" of {_dollars(usage['cap_usd'])}" if usage.get("cap_usd") is not None else ""
    about = f" (estimate {_dollars(estimate['usd'])})" if estimate else ""
    return f"{usage['tokens']:,} tokens, {_dollars(usage['usd'])}{cap}{about}"


def _dollars(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.4f}"


def _notes(progress: Progress) -> list[str]:
    known = [WARNINGS[code] for code in progress.spec.get("warnings", ()) if code in WARNINGS]
    return [*progress.notes, *known]


def _verdict_word(ending: Fact | None) -> str:
    if ending is None or ending.kind != "completed":
        return ""
    return str((ending.payload.get("finish") or {}).get("verdict_word", ""))


def _title(spec: Mapping[str, Any]) -> str:
    coins = ", ".join(str(coin).upper() for coin in spec.get("coins", ()))
    if not coins:
        return ""
    what = {"direction": "up or down", "return": "return", "volatility": "volatility"}.get(
        str(spec.get("target"))
    )
    if what is None:
        return f"{coins}: a look at the data"
    horizon = _horizon(str(spec.get("horizon") or ""))
    return f"{coins} {what}, {horizon}" if horizon else f"{coins} {what}"


def _horizon(text: str) -> str:
    units = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
    found = re.fullmatch(r"(\d+)(m|min|h|d|w)", text)
    if not found:
        return f"horizon {text}" if text else ""
    number, unit = int(found.group(1)), units[found.group(2)[0]]
    return f"next {unit}" if number == 1 else f"next {number} {unit}s"


def _plan(spec: Mapping[str, Any]) -> str:
    parts = []
    if spec.get("start") and spec.get("end"):
        parts.append(f"{_moment(spec['start'])} to {_moment(spec['end'])} UTC")
    if spec.get("interval"):
        parts.append(f"{spec['interval']} bars")
    if spec.get("driver_coins"):
        parts.append("with " + ", ".join(str(coin).upper() for coin in spec["driver_coins"]) + " as drivers")
    if spec.get("models"):
        parts.append(", ".join(map(str, spec["models"])))
    if spec.get("costs_bps") is not None and spec.get("target"):
        parts.append(f"costs {spec['costs_bps']:g} bp a side")
    return one_line("; ".join(parts), 300)


def _moment(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M}"
    except ValueError:
        return str(text)


def _table(said: Mapping[str, Any] | None) -> Table | None:
    if not said:
        return None
    columns = said["columns"]
    return Table(
        columns=tuple(str(column["label"]) for column in columns),
        right=tuple(column.get("align") == "right" for column in columns),
        rows=tuple(tuple(one_line(str(cell), 40) for cell in row) for row in said["rows"][:12]),
        marked=said.get("marked"),
        note=one_line(str(said.get("note") or ""), 120),
    )


def _fit(message: Message) -> Message:
    """Leave out what does not fit: the last lines first, then the table; the headline always stays."""
    cut = "…"
    while len(message.text()) > LONGEST_TEXT and message.lines:
        kept = message.lines[:-1] if message.lines[-1] != cut else message.lines[:-2]
        message = replace(message, lines=(*kept, cut) if kept else ())
    if len(message.text()) > LONGEST_TEXT:
        message = replace(message, table=None)
    while len(message.text()) > LONGEST_TEXT and message.choices:
        message = replace(message, choices=message.choices[:-1])
    return message


def _with_line(message: Message, line: str) -> Message:
    return replace(message, lines=(line, *message.lines))
