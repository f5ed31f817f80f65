"""What people are told when they ask about runs: how one stands, which there are, what came out."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bots import lookups, messages, runs
from bots.asking import Asked, facts_of, is_over
from bots.errors import Refusal
from bots.platform import Message, Reply, Table
from bots.progress import Fact, fold
from bots.text import one_line
from bots.words import Words, words_of
from storage.models import AnalysisSession


def status(asked: Asked, text: str) -> Reply:
    """How one run stands, or what is going on when none is named."""
    if not text.strip() and asked.newest_here() is None:
        rows = lookups.visible(asked.db, asked.speaker, asked.user, limit=100)
        unfinished = [row for row in rows if not is_over(row)][:20]
        return (
            Reply(_table(asked, unfinished), fixed=True)
            if unfinished
            else Reply(asked.words("nothing_unfinished"))
        )
    return details(asked, text)


def details(asked: Asked, reference: str) -> Reply:
    """How one run stands: its card, its open question, its end."""
    row = asked.find(reference)
    name = f"R-{row.number}"
    return Reply(standing(facts_of(asked.db, row.id), name, asked.words, row.spec), run=name)


def list_runs(asked: Asked) -> Reply:
    """The newest runs."""
    rows = lookups.visible(asked.db, asked.speaker, asked.user)
    return Reply(_table(asked, rows), fixed=True) if rows else Reply(asked.words("nothing_yet"))


def results(asked: Asked, text: str) -> Reply:
    """The verdict of a run again; its files go into its thread once more. Raises Refusal."""
    row = asked.find(text, "results")
    name = f"R-{row.number}"
    told = finish_message(facts_of(asked.db, row.id), name, asked.words, row.spec)
    if told is None:
        raise Refusal(asked.words("no_results", run=name, state=asked.state(row)))
    return Reply(message=told, run=name)


def send_files(asked: Asked, reference: str) -> Reply:
    """Put the files of a run into its thread once more. Raises Refusal."""
    row = asked.find(reference)
    ending = fold(facts_of(asked.db, row.id)).ending
    files = list((ending.payload.get("files") or ()) if ending else ())
    if not files:
        raise Refusal(asked.words("no_files", run=f"R-{row.number}"))
    return runs.send_files(asked, row, files)


def compare(asked: Asked, text: str) -> Reply:
    """Two results side by side, figure by figure. Raises Refusal."""
    named = re.findall(r"(?i)(?:r-?)?\d+", text)
    if len(named) != 2:
        raise Refusal(asked.words("two_runs"))
    pair = [asked.find(reference) for reference in named]
    for row in pair:
        if row.status != "completed" or not row.result:
            run = f"R-{row.number}"
            raise Refusal(asked.words("compare.needs_results", run=run, state=asked.state(row)))
    names = [f"R-{row.number}" for row in pair]
    columns = [dict(_figures(row.result or {}, asked.words)) for row in pair]
    rows = tuple(
        (label, *(column.get(label, "") for column in columns))
        for label in dict.fromkeys(label for column in columns for label in column)
    )
    table = Table(("", *names), (False, False, False), rows)
    return Reply(f"{asked.words('compare.title', a=names[0], b=names[1])}\n\n{table.text()}", fixed=True)


def standing(facts: Sequence[Fact], run: str, words: Words | None = None, spec: Any = None) -> str:
    """How one run stands, as plain text."""
    words = words or words_of("en")
    progress = fold(facts)
    now = datetime.now(UTC)
    parts = [messages.root(progress, run, words).text(), messages.card(progress, run, now, words).text(now)]
    for fact in (progress.question, progress.ending):
        if fact is not None:
            parts.append(messages.posted(fact, run, None, words, spec).text())
    if progress.question is not None:
        parts.append(words("answer_it", run=run))
    return "\n\n".join(parts)


def finish(facts: Sequence[Fact], run: str, words: Words | None = None) -> str | None:
    """The finish of a run as plain text, if it has one."""
    told = finish_message(facts, run, words or words_of("en"))
    return told.text() if told else None


def finish_message(facts: Sequence[Fact], run: str, words: Words, spec: Any = None) -> Message | None:
    """The finish of a run, calling nobody, if it has one."""
    ending = fold(facts).ending
    if ending is None or ending.kind != "completed":
        return None
    return messages.posted(ending, run, None, words, spec)


def state_of(row: AnalysisSession, words: Words) -> str:
    """How a run stands, in a word or two: its verdict, its stage, its state."""
    verdict = ((row.result or {}).get("verdict") or {}).get("decision")
    if row.status == "completed" and verdict:
        key = f"decision.{verdict}"
        return words(key) if words.knows(key) else one_line(str(verdict).replace("_", " "), 40)
    state = words("status.awaiting_user") if row.status == "awaiting_user" else words(f"state.{row.status}")
    if row.status == "running" and row.stage:
        return f"{state}: {words.named('stage', row.stage)}"
    return state


def _table(asked: Asked, rows: Sequence[AnalysisSession]) -> str:
    words = asked.words
    zone = asked.zone.key
    return Table(
        columns=(
            words("column.run"), f"{words('column.asked')} ({zone})", words("column.state"), words("column.goal"),
        ),
        right=(False, False, False, False),
        rows=tuple(
            (f"R-{row.number}", asked.time(row.created_at), state_of(row, words), one_line(row.goal, 60))
            for row in rows
        ),
    ).text()  # fmt: skip


def _figures(result: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    """What two results are compared by, ready to be read."""
    spec, verdict = result.get("spec") or {}, result.get("verdict") or {}
    decision = str(verdict.get("decision") or "")
    p_value = verdict.get("p_value")
    data = result.get("data") or {}
    figures = [
        (
            words("row.verdict"),
            words(f"decision.{decision}") if words.knows(f"decision.{decision}") else decision,
        ),
        (words("row.coins"), ", ".join(map(str, spec.get("coins", ()))).upper()),
        (words("row.horizon"), str(spec.get("horizon") or "")),
        (words("row.period"), f"{str(spec.get('start'))[:10]} – {str(spec.get('end'))[:10]}"),
        (words("row.costs"), f"{spec['costs_bps']:g}" if spec.get("costs_bps") is not None else ""),
        (words("row.data"), f"{data.get('series', '')} {str(data.get('hash') or '')[:12]}".strip()),
        (words("row.best"), one_line(str(verdict.get("best_model") or ""), 24)),
        (words("row.p"), f"{p_value:.3f}" if isinstance(p_value, int | float) else ""),
    ]
    best = next(
        (model for model in result.get("models") or () if model.get("name") == verdict.get("best_model")),
        None,
    )
    for name, value in ((best or {}).get("metrics") or {}).items():
        number = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(number, int | float) and not isinstance(number, bool):
            figures.append((name.replace("_", " "), f"{number:.4g}"))
    return [(label, value) for label, value in figures if value][:20]
