"""What people are told when they ask about runs: how one stands, which there are, what came out."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bots import cards, differences, lookups, messages, predicting, runs
from bots.asking import Asked, facts_of, is_over
from bots.errors import Refusal
from bots.platform import Message, Reply, Table
from bots.progress import Fact, fold
from bots.text import one_line
from bots.words import Words, words_of
from storage import events
from storage.models import AnalysisSession
from storage.presence import code_is_off


def status(asked: Asked, text: str) -> Reply:
    """How one run stands, or what is going on when none is named."""
    if not text.strip() and asked.newest_here() is None:
        rows = lookups.visible(asked.db, asked.speaker, asked.user, limit=100)
        unfinished = [row for row in rows if not is_over(row)][:20]
        said = _table(asked, unfinished) if unfinished else asked.words("nothing_unfinished")
        if code_is_off(asked.db):
            said += "\n" + asked.words("code_is_off")
        return Reply(said, fixed=bool(unfinished))
    return details(asked, text)


def details(asked: Asked, reference: str) -> Reply:
    """How one run stands: its card, its open question, its end."""
    row = asked.find(reference)
    name = f"R-{row.number}"
    said = standing(facts_of(asked.db, row.id), name, asked.words, row.spec)
    why = events.untold(asked.db, [row.id]).get(row.id)
    if why is not None:
        said += "\n\n" + asked.words("untold", why=one_line(why, 300))
    return Reply(said, run=name)


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


def predict(asked: Asked, text: str) -> Reply:
    """What the model of a finished run says now; that takes a while. Raises Refusal."""
    row = _finished(asked, text, "predict")
    run, words = f"R-{row.number}", asked.words
    return Reply(words("predict.begun", run=run), run=run, later=lambda: predicting.predict(run, words))


def compare(asked: Asked, text: str) -> Reply:
    """Which inputs of two results differ, and which of them moved which figures. Raises Refusal."""
    named = re.findall(r"(?i)(?:r-?)?\d+", text)
    if len(named) != 2:
        raise Refusal(asked.words("two_runs"))
    first, second = (_finished(asked, reference, "compare") for reference in named)
    found = differences.compare(first.result or {}, second.result or {})
    return Reply(differences.tell(found, f"R-{first.number}", f"R-{second.number}", asked.words), fixed=True)


def _finished(asked: Asked, text: str, command: str) -> AnalysisSession:
    row = asked.find(text, command)
    if row.status != "completed" or not row.result:
        raise Refusal(asked.words("no_results", run=f"R-{row.number}", state=asked.state(row)))
    return row


def standing(facts: Sequence[Fact], run: str, words: Words | None = None, spec: Any = None) -> str:
    """How one run stands, as plain text."""
    words = words or words_of("en")
    progress = fold(facts)
    now = datetime.now(UTC)
    parts = [cards.root(progress, run, words).text(), cards.card(progress, run, now, words).text(now)]
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
    untold = events.untold(asked.db, [row.id for row in rows])

    def state(row: AnalysisSession) -> str:
        mark = f" ({words('untold.mark')})" if row.id in untold else ""
        return state_of(row, words) + mark

    return Table(
        columns=(
            words("column.run"), f"{words('column.asked')} ({zone})", words("column.state"), words("column.goal"),
        ),
        right=(False, False, False, False),
        rows=tuple(
            (f"R-{row.number}", asked.time(row.created_at), state(row), one_line(row.goal, 60))
            for row in rows
        ),
    ).text()  # fmt: skip
