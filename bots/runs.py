"""Runs begun, answered, stopped, continued, repeated and forgotten."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy import text as sql

from bots import access
from bots.asking import Asked, is_over
from bots.catalog import PREFERENCES
from bots.errors import Refusal
from bots.platform import Answer, Field, Form, Reply
from bots.text import clean, one_line
from bots.words import Words, words_of
from storage import events, questions, sessions, users
from storage.models import AnalysisSession, Artifact, Feedback, HeardAct
from storage.questions import Answered
from storage.redaction import redact

LONGEST_GOAL = 4_000
LONGEST_ANSWER = 2_000
LONGEST_OPTION = 200
# Saved defaults that travel with a goal; its own words win over them.
LONGEST_SEARCH_MINUTES = 30
DEFAULTS = (*PREFERENCES, "costs")


def analyze(asked: Asked, text: str, options: Mapping[str, str]) -> Reply:
    """Start a run; without a goal a form opens where there are forms. Raises Refusal."""
    if not text.strip() and asked.speaker.platform != "terminal":
        access.check_room(asked.db, asked.user, asked.rights, asked.limits, asked.words)
        return Reply(form=goal_form(asked, options))
    row = begin(asked, text, options)
    line = asked.place_in_line(row)
    return Reply(asked.words("begun", run=f"R-{row.number}", place=line), run=f"R-{row.number}")


def begin(
    asked: Asked,
    goal: str,
    options: Mapping[str, str],
    *,
    follows: AnalysisSession | None = None,
    extra: Mapping[str, Any] | None = None,
    seed: int | None = None,
    repeats: AnalysisSession | None = None,
) -> AnalysisSession:
    """A new run in the queue, in the thread its asker speaks in. Raises Refusal."""
    goal = check_goal(goal, asked.words)
    if asked.place.unreachable:
        how = f"unreachable.{asked.speaker.platform}"
        raise Refusal(asked.words(how if asked.words.knows(how) else "unreachable", bot="omc"))
    access.check_room(asked.db, asked.user, asked.rights, asked.limits, asked.words)
    place, platform = asked.place, asked.speaker.platform
    wanted = travelling(asked, options) | dict(extra or {})
    if follows is not None:
        wanted.pop("defaults", None)
    row = sessions.create(
        asked.db,
        workspace=place.workspace,
        owner_id=asked.user.id,
        platform=platform,
        channel=place.channel,
        thread=place.thread,
        goal=goal,
        preferences=wanted,
        seed=seed,
        follows_id=follows.id if follows else None,
        message_id=asked.key or None,
        repeats=repeats,
    )
    asked.session_id = row.id
    asked.wake(row)
    return row


def travelling(asked: Asked, options: Mapping[str, str]) -> dict[str, Any]:
    """What travels with a goal: its options, the defaults for what it does not say, the language. Raises Refusal."""
    chosen: dict[str, Any] = dict(check_preferences(options, asked.words))
    saved = {**asked.of_channel, **asked.saved}
    if "budget" in saved and "budget" not in chosen:
        chosen["budget"] = str(saved["budget"])
    defaults = {name: saved[name] for name in DEFAULTS if name in saved and name != "budget"}
    if defaults:
        chosen["defaults"] = defaults
    chosen["language"] = asked.words.language
    if asked.place.direct:
        chosen["private"] = True
    return chosen


def follow(asked: Asked, row: AnalysisSession, goal: str) -> Reply:
    """Go on from a finished run with what was said. Raises Refusal."""
    begun = begin(asked, goal, {}, follows=row)
    name, line = f"R-{begun.number}", asked.place_in_line(begun)
    return Reply(asked.words("begun.follow", run=name, before=f"R-{row.number}", place=line), run=name)


def rerun(asked: Asked, text: str) -> Reply:
    """Do a run again. Raises Refusal.

    A finished one is repeated to the figure: its seed, its prices, its plan, the trials that counted then. One that
    came to no end is asked anew, with its seed, on the prices held now.
    """
    row = asked.find(text, "rerun")
    kept = {name: value for name, value in row.preferences.items() if name in (*PREFERENCES, "defaults")}
    options = {name: str(value) for name, value in kept.items() if name != "defaults"}
    extra = {"defaults": kept["defaults"]} if "defaults" in kept else {}
    before = asked.db.get(AnalysisSession, row.follows_id) if row.follows_id else None
    finished = row if row.status == "completed" and row.result else None
    begun = begin(asked, row.goal, options, follows=before, extra=extra, seed=row.seed, repeats=finished)
    name, line = f"R-{begun.number}", asked.place_in_line(begun)
    said = asked.words("rerun.begun", run=name, before=f"R-{row.number}", place=line)
    return Reply(said, run=name)


def answer(asked: Asked, given: Answer) -> Reply:
    """Answer a run's question with one of its choices (by number or words) or freely. The first answer counts."""
    row = asked.find(given.run, "answer")
    return give_answer(asked, row, given.text, interrupt_id=given.interrupt_id, by_default=given.by_default)


def give_answer(
    asked: Asked,
    row: AnalysisSession,
    text: str,
    *,
    interrupt_id: str | None = None,
    by_default: bool = False,
    choice: int | None = None,
) -> Reply:
    """The same for a run at hand; `choice` is the number of a choice, from 0. Raises Refusal."""
    name = f"R-{row.number}"
    if not access.may_steer(row, asked.user, asked.rights):
        who = users.name_of(asked.db, row.owner_id)
        raise Refusal(asked.words("not_yours_to_answer", run=name, who=who))
    question = questions.open_question(asked.db, row.id)
    if choice is not None:
        text = question.choices[choice] if question and choice < len(question.choices) else "-"
    text = check_answer(text, asked.words)
    outcome = questions.answer(
        asked.db,
        row.id,
        _choose(text, question.choices) if question and choice is None else text,
        user_id=None if by_default else asked.user.id,
        interrupt_id=interrupt_id,
        by="default" if by_default else "person",
        message_id=asked.key or None,
    )
    asked.db.refresh(row)
    if outcome.accepted:
        asked.wake(row, first=True)
    return Reply(_answered(asked.words, name, outcome), ok=outcome.accepted, run=name)


def cancel(asked: Asked, text: str) -> Reply:
    """Stop a run. Raises Refusal when it has already ended."""
    row = asked.steer(text, "cancel")
    name = f"R-{row.number}"
    if is_over(row):
        raise Refusal(asked.words("already_ended", run=name, state=asked.state(row)))
    row = sessions.request_cancel(asked.db, row.id)
    stopping = not is_over(row)
    if stopping:
        by = {"by": asked.user.display_name}
        events.append(asked.db, row.id, f"stopping:{row.lease_epoch}", "stopping", by)
    return Reply(asked.words("stopping" if stopping else "stopped", run=name), run=name)


def go_on(asked: Asked, text: str) -> Reply:
    """Let a run that was stopped, failed or ran out of time go on where it was. Raises Refusal."""
    row = asked.steer(text, "status")
    name = f"R-{row.number}"
    if row.status not in ("failed", "cancelled", "expired"):
        raise Refusal(asked.words("not_resumable", run=name, state=asked.state(row)))
    row = sessions.go_on(asked.db, row.id, by=asked.user.display_name)
    asked.wake(row, first=True)
    stage = asked.words.named("stage", row.stage) if row.stage else asked.words("stage.beginning")
    return Reply(asked.words("resumed", run=name, stage=stage), run=name)


def discard(asked: Asked, text: str) -> Reply:
    """Forget how far a stopped run had come. Raises Refusal."""
    row = asked.steer(text, "status")
    name = f"R-{row.number}"
    if row.status not in ("failed", "cancelled", "expired"):
        raise Refusal(asked.words("not_discardable", run=name, state=asked.state(row)))
    sessions.discard(asked.db, row.id, by=asked.user.display_name)
    return Reply(asked.words("discard_done", run=name), run=name)


def delete(asked: Asked, text: str) -> Reply:
    """Forget a run: its rows, and its files where no other run has them too. Raises Refusal while it is unfinished."""
    if not text.strip():
        raise Refusal(asked.words("which_run", command="delete"))
    row = asked.steer(text, "delete")
    name = f"R-{row.number}"
    if not is_over(row):
        raise Refusal(asked.words("delete_unfinished", run=name, state=asked.state(row)))
    for table in ("checkpoint_writes", "checkpoint_blobs", "checkpoints"):
        asked.db.execute(sql(f"delete from {table} where thread_id = :thread"), {"thread": str(row.id)})
    asked.db.execute(sql_delete(HeardAct).where(HeardAct.session_id == row.id, HeardAct.key != asked.key))
    kept = select(Artifact.sha256).where(Artifact.session_id == row.id)
    asked.forgotten.update(asked.db.scalars(kept))
    asked.session_id = None
    asked.db.delete(row)
    asked.db.flush()
    return Reply(asked.words("deleted", run=name))


def judge(asked: Asked, reference: str, *, useful: bool) -> Reply:
    """Keep whether somebody found a result useful."""
    row = asked.find(reference)
    asked.db.merge(Feedback(session_id=row.id, user_id=asked.user.id, useful=useful))
    return Reply(asked.words("thanks"), run=f"R-{row.number}", reaction="done")


def share(asked: Asked, reference: str) -> Reply:
    """Show a result to everybody in the channel. Raises Refusal."""
    row = asked.find(reference)
    name = f"R-{row.number}"
    if row.status != "completed":
        raise Refusal(asked.words("share_unfinished", run=name))
    by = {"by": asked.user.display_name}
    events.append(asked.db, row.id, f"shared:{asked.key or uuid.uuid4().hex}", "shared", by)
    return Reply(asked.words("share_done", run=name), run=name)


def send_files(asked: Asked, row: AnalysisSession, files: list[Mapping[str, Any]]) -> Reply:
    """Put the files of a run into its thread once more."""
    name = f"R-{row.number}"
    key = f"files_again:{asked.key or uuid.uuid4().hex}"
    events.append(asked.db, row.id, key, "files_again", {"files": files})
    return Reply(asked.words("files_coming", run=name), run=name)


def goal_form(asked: Asked, given: Mapping[str, str]) -> Form:
    """The form for a question, filled in with what is known."""
    words, saved = asked.words, asked.saved

    def known(name: str) -> str:
        return str(given.get(name) or saved.get(name) or "")

    return Form(
        "analyze",
        words("form.analyze"),
        (
            Field("goal", words("field.goal"), "lines", placeholder=words("field.goal.example"), required=True,
                  longest=3000),
            Field("coins", words("field.coins"), value=known("coins"), placeholder="btc, eth"),
            Field("horizon", words("field.horizon"), value=known("horizon"), placeholder="1h"),
            Field("period", words("field.period"), value=known("period"), placeholder="90d"),
            Field("budget", words("field.budget"), value=known("budget"), placeholder="0.50", longest=12),
        ),
        submit=words("form.send"),
        cancel=words("form.cancel"),
        context=f"{asked.place.channel}|{asked.place.thread}",
    )  # fmt: skip


def check_goal(text: str, words: Words | None = None) -> str:
    """A goal as it is kept: cleaned, not empty, not over the limit. Raises Refusal."""
    words = words or words_of("en")
    goal = redact(clean(text)).strip()
    if not goal:
        raise Refusal(words("goal_needed"))
    if len(goal) > LONGEST_GOAL:
        raise Refusal(words("goal_too_long", n=words.count(len(goal)), most=words.count(LONGEST_GOAL)))
    return goal


def check_answer(text: str, words: Words | None = None) -> str:
    """An answer as it is kept: cleaned, not empty, not over the limit. Raises Refusal."""
    words = words or words_of("en")
    answer = redact(clean(text)).strip()
    if not answer:
        raise Refusal(words("answer_needed"))
    if len(answer) > LONGEST_ANSWER:
        raise Refusal(words("answer_too_long", n=words.count(len(answer)), most=words.count(LONGEST_ANSWER)))
    return answer


def check_preferences(options: Mapping[str, str], words: Words | None = None) -> dict[str, str]:
    """The options that travel with a goal. Raises Refusal for one that is too long or no budget."""
    words = words or words_of("en")
    kept = {name: clean(options[name]).strip() for name in PREFERENCES if options.get(name)}
    for name, value in kept.items():
        if len(value) > LONGEST_OPTION:
            raise Refusal(words("option_too_long", name=name, n=words.count(len(value)), most=LONGEST_OPTION))
    if kept.get("budget"):
        kept["budget"] = check_budget(kept["budget"], words)
    if kept.get("search") and not _is_search(kept["search"]):
        raise Refusal(words("search_wrong", text=one_line(kept["search"], 40), most=LONGEST_SEARCH_MINUTES))
    return {name: value for name, value in kept.items() if value}


def _is_search(text: str) -> bool:
    """Whether a text is a time that a search may take, such as 30s or 2m."""
    found = re.fullmatch(r"(\d{1,4})\s*(s|m)", text.lower())
    seconds = int(found[1]) * {"s": 1, "m": 60}[found[2]] if found else 0
    return 5 <= seconds <= LONGEST_SEARCH_MINUTES * 60


def check_budget(text: str, words: Words) -> str:
    """An amount in US dollars as it is kept: digits and a point. Raises Refusal."""
    amount = re.sub(r"(?i)\s*(usd|dollars?|\$)\s*", "", text).replace(",", ".")
    if not re.fullmatch(r"\d{1,6}(\.\d{1,4})?", amount):
        raise Refusal(words("budget_wrong", text=one_line(text, 40)))
    return amount


def _choose(text: str, choices: list[str]) -> str:
    """The choice that `text` names by its number or in other letters; else `text` itself."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)


def _answered(words: Words, run: str, outcome: Answered) -> str:
    """What became of an answer."""
    answer = one_line(outcome.answer or "", 200)
    if outcome.accepted:
        return words("goes_on", run=run, answer=answer)
    if outcome.reason == "already_answered":
        who = one_line(outcome.answered_by or words("someone"), 60)
        return words("already_answered", run=run, who=who, answer=answer)
    return words("no_question", run=run)
