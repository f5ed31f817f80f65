"""What a thread is told in messages of their own: a question, an answer, a failure, what people did to a run.

How a run stands is worded in `bots.cards`, how it finished in `bots.finishes`; all wording is `bots.words`', and
nothing here knows a platform's markup.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bots.finishes import completed
from bots.phrases import by, fit, stage_name
from bots.platform import Action, Choice, Message
from bots.progress import Fact
from bots.text import one_line
from bots.words import Words

# Events that are told in messages of their own (`answered`, `continued`, `discarded` close earlier ones).
POSTED = frozenset(
    {
        "opened", "question", "answered", "reminder", "note", "completed", "failed", "cancelled", "expired",
        "continued", "discarded", "remark", "shared", "files_again",
    }
)  # fmt: skip
# Events after which the root says something else.
CHANGE_ROOT = frozenset(
    {"planned", "goal_changed", "question", "answered", "completed", "failed", "cancelled", "expired", "continued"}
)  # fmt: skip


def posted(
    fact: Fact, run: str, asker: str | None, words: Words, spec: Mapping[str, Any] | None = None
) -> Message:
    """The message that tells an event of POSTED, all but `opened`. `spec` is what the run worked on."""
    told: dict[str, Callable[[], Message]] = {
        "question": lambda: _question(fact.payload, run, asker, words),
        "reminder": lambda: _reminder(fact.payload, run, asker, words),
        "answered": lambda: _notice(run, answer_line(fact.payload, words)),
        "note": lambda: _notice(run, words("note", text=one_line(str(fact.payload.get("text", "")), 1200))),
        "completed": lambda: completed(fact.payload, run, asker, words, spec or {}),
        "failed": lambda: _failed(fact.payload, run, asker, words),
        "cancelled": lambda: _cancelled(fact.payload, run, asker, words),
        "expired": lambda: _expired(run, asker, words),
        "remark": lambda: _notice(run, _remark(fact.payload, words)),
        "continued": lambda: _notice(run, _continued(fact.payload, words)),
        "discarded": lambda: _notice(run, words("discarded", who=by(fact.payload, words), run=run)),
        "shared": lambda: _notice(run, words("shared", who=by(fact.payload, words), run=run, verdict="")),
        "files_again": lambda: _notice(run, words("files_again", run=run)),
    }
    return fit(told[fact.kind]())


def told_alone(message: Message, why: str, words: Words) -> Message:
    """A message for the asker alone, because its thread cannot be reached: the same, and why it comes here."""
    said = words("told_alone", run=message.run, why=one_line(why, 200))
    return fit(replace(message, lines=(said, *message.lines), mention=None))


def never_opened(run: str, why: str, words: Words) -> Message:
    """A run was stopped because its thread could not be opened."""
    said = words("never_opened", run=run, why=one_line(why, 200))
    return Message(kind="failure", run=run, headline=said, strong=words("cancelled.strong", run=run))


def answered_question(question: Fact, answered: Fact, run: str, words: Words) -> Message:
    """A question's message once it has been answered: no choices any more, and who chose what."""
    return fit(
        Message(
            kind="question",
            run=run,
            headline=one_line(str(question.payload.get("question", "")), 500),
            lines=(answer_line(answered.payload, words),),
            interrupt_id=str(question.payload.get("interrupt_id", "")),
        )
    )


def closed_ending(ending: Message, after: Fact, run: str, words: Words) -> Message:
    """The message of an end that was not the end: no buttons, and what became of the run."""
    return fit(replace(ending, lines=(posted(after, run, None, words).headline,), mention=None, actions=()))


def answer_line(said: Mapping[str, Any], words: Words) -> str:
    """Who answered what."""
    answer = one_line(str(said.get("answer", "")), 300)
    if said.get("by") in ("expiry", "default"):
        return words(f"answered.{said['by']}", answer=answer)
    who = one_line(str(said.get("answered_by") or words("someone")), 60)
    return words("answered.changed" if said.get("changed") else "answered", who=who, answer=answer)


def _notice(run: str, text: str) -> Message:
    return Message(kind="notice", run=run, headline=text)


def _question(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    recommended = str(said.get("recommended", ""))
    choices = [str(choice) for choice in said.get("choices", ())]
    expires_at = said.get("expires_at")
    interrupt_id = str(said.get("interrupt_id", ""))
    goes_on = words("question.goes_on", answer=one_line(recommended, 80))
    who = words("question.everyone")
    return Message(
        kind="question",
        run=run,
        headline=one_line(str(said.get("question", "")), 500),
        lines=(words("question.choose" if choices else "question.free", who=who),),
        choices=tuple(Choice(one_line(choice, 60), choice == recommended) for choice in choices[:25]),
        recommended_word=words("recommended"),
        deadline_words=goes_on if recommended else words("question.waits"),
        deadline=datetime.fromisoformat(expires_at) if expires_at else None,
        minute=words("format.minute"),
        mention=asker,
        interrupt_id=interrupt_id,
        actions=(Action("type", words("button.type"), interrupt_id),),
        state="waiting",
    )


def _reminder(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    question = one_line(str(said.get("question", "")), 400)
    recommended = one_line(str(said.get("recommended", "")), 80)
    return Message(
        kind="question",
        run=run,
        headline=words("question.reminder", question=question),
        deadline_words=words("question.goes_on", answer=recommended)
        if recommended
        else words("question.waits"),
        deadline=datetime.fromisoformat(said["expires_at"]) if said.get("expires_at") else None,
        minute=words("format.minute"),
        mention=asker,
    )


def _failed(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    name = str(said.get("stage") or "")
    stage = words.named("stage", name) if name else ""
    reference = str(said.get("reference") or "")
    message = one_line(str(said.get("message", "")), 1000)
    if (
        name == "planning" and not reference
    ):  # a goal that was refused: to be asked anew, not to be tried again
        strong = words("refused.strong", run=run)
        return Message(kind="failure", run=run, headline=f"{strong}: {message}", strong=strong, mention=asker)
    where = words("failed.where", stage=stage) if stage else ""
    retry = words("button.retry", stage=stage or words("stage.beginning"))
    return Message(
        kind="failure",
        run=run,
        headline=words("failed", run=run, where=where, message=message),
        strong=words("failed.strong", run=run),
        lines=(words("failed.kept"),) if stage and name != "planning" else (),
        footer=words("failed.reference", reference=reference) if reference else "",
        mention=asker,
        actions=(Action("retry", retry, style="primary"), Action("details", words("button.details"))),
    )


def _cancelled(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    name = str(said.get("stage") or "")
    where = words("cancelled.where", stage=words.named("stage", name)) if name else ""
    return Message(
        kind="failure",
        run=run,
        headline=words("cancelled", run=run, where=where),
        strong=words("cancelled.strong", run=run),
        mention=asker,
        actions=(
            Action("resume", words("button.resume"), style="primary"),
            Action("discard", words("button.discard"), style="danger", confirm=words("confirm.discard")),
        ),
    )


def _expired(run: str, asker: str | None, words: Words) -> Message:
    return Message(
        kind="failure",
        run=run,
        headline=words("expired", run=run),
        strong=words("expired.strong", run=run),
        mention=asker,
        actions=(Action("resume", words("button.resume"), style="primary"),),
    )


def _remark(said: Mapping[str, Any], words: Words) -> str:
    text = one_line(str(said.get("text", "")), 300)
    return words("remark.applied" if said.get("applied") else "remark.late", text=text)


def _continued(said: Mapping[str, Any], words: Words) -> str:
    return words("continued", who=by(said, words), stage=stage_name(said, words))
