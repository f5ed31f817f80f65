"""What people can ask for, free of any platform: check it, write the rows, wake a worker, say what happens."""

import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from bots import access, lookups, replies
from bots.access import AccessSettings
from bots.errors import BotError, Refusal
from bots.platform import Answer, Command, Heard, OpenThread, Reply, Speaker
from bots.progress import Fact
from bots.text import clean
from jobs.errors import JobsError
from storage import events, sessions, users
from storage.database import Database
from storage.errors import StorageError
from storage.models import AnalysisSession, User
from storage.redaction import redact

LONGEST_GOAL = 4_000
LONGEST_ANSWER = 2_000
LONGEST_OPTION = 200
PREFERENCES = ("coins", "horizon", "period", "budget")

logger = logging.getLogger(__name__)


class Enqueue(Protocol):
    """Wakes a worker for a session, as `jobs.queue.enqueue` does. Raises JobsError."""

    def __call__(
        self, session_id: uuid.UUID, owner_id: uuid.UUID, epoch: int, *, first: bool = False
    ) -> None: ...


@dataclass(frozen=True)
class Backend:
    """What commands work with."""

    database: Database
    enqueue: Enqueue
    access: AccessSettings


def handle(backend: Backend, said: Heard) -> Reply:
    """Do what was said; a refusal or an expected failure is a reply too."""
    try:
        if isinstance(said, Answer):
            return answer(backend, said)
        if not isinstance(said, Command):
            raise Refusal("That is not understood here.")
        commands = {"analyze": analyze, "status": status, "list": list_runs, "cancel": cancel}
        command = commands.get(said.name)
        if command is None:
            raise Refusal(f"There is no command {said.name!r}. There are: {', '.join(commands)}.")
        return command(backend, said)
    except (BotError, StorageError) as error:
        return Reply(str(error), ok=False)


def analyze(backend: Backend, command: Command) -> Reply:
    """Start a run. Raises Refusal."""
    goal = check_goal(command.text)
    preferences = check_preferences(command.options)
    with backend.database.begin() as db:
        user = _identify(db, command.speaker)
        access.check_room(db, user, backend.access)
        row = sessions.create(
            db,
            workspace=command.place.workspace,
            owner_id=user.id,
            platform=command.speaker.platform,
            channel=command.place.channel,
            thread=command.place.thread,
            goal=goal,
            preferences=dict(preferences),
        )
    _wake(backend, row)
    return Reply(replies.begun(row.number), run=f"R-{row.number}")


def answer(backend: Backend, given: Answer) -> Reply:
    """Answer a run's question with one of its choices (by number or words) or freely. The first answer counts."""
    text = check_answer(given.text)
    with backend.database.begin() as db:
        user = _identify(db, given.speaker)
        row = access.find_run(db, given.run, given.speaker, user)
        question = sessions.open_question(db, row.id)
        chosen = _choose(text, question.choices) if question else text
        outcome = sessions.answer(
            db,
            row.id,
            chosen,
            user_id=None if given.by_default else user.id,
            interrupt_id=given.interrupt_id,
            by="default" if given.by_default else "person",
        )
        db.refresh(row)
    if outcome.accepted:
        _wake(backend, row, first=True)
    return Reply(replies.answered(row.number, outcome), ok=outcome.accepted, run=f"R-{row.number}")


def cancel(backend: Backend, command: Command) -> Reply:
    """Stop a run. Raises NotAllowed when it has already ended."""
    with backend.database.begin() as db:
        user = _identify(db, command.speaker)
        found = access.find_run(db, command.text, command.speaker, user)
        row = sessions.request_cancel(db, found.id)
        stopping = row.status not in sessions.TERMINAL
        if stopping:
            by = {"by": user.display_name}
            events.append(db, row.id, f"stopping:{row.lease_epoch}", "stopping", by)
    return Reply(replies.cancelled(row.number, stopping=stopping), run=f"R-{row.number}")


def status(backend: Backend, command: Command) -> Reply:
    """How one run stands, or what is going on when none is named."""
    with backend.database.begin() as db:
        user = _identify(db, command.speaker)
        if not command.text.strip():
            rows = [
                row
                for row in lookups.visible(db, command.speaker, user)
                if row.status not in sessions.TERMINAL
            ]
            return Reply(replies.unfinished(rows))
        row = access.find_run(db, command.text, command.speaker, user)
        return Reply(replies.standing(facts_of(db, row.id), f"R-{row.number}"), run=f"R-{row.number}")


def list_runs(backend: Backend, command: Command) -> Reply:
    """The newest runs."""
    with backend.database.begin() as db:
        user = _identify(db, command.speaker)
        return Reply(replies.recent(lookups.visible(db, command.speaker, user)))


def suggest(backend: Backend, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
    """Completions of an option while it is typed."""
    with backend.database.begin() as db:
        return lookups.suggest(db, speaker, _identify(db, speaker), option, typed)


def open_threads(backend: Backend, platform: str) -> Sequence[OpenThread]:
    """The threads that a bot which was away reads back."""
    with backend.database.begin() as db:
        return lookups.open_threads(db, platform)


def facts_of(db: Session, session_id: uuid.UUID) -> tuple[Fact, ...]:
    """Everything that has happened to a session."""
    return tuple(Fact(row.seq, row.kind, row.payload, row.created_at) for row in events.since(db, session_id))


def check_goal(text: str) -> str:
    """A goal as it is kept: cleaned, not empty, not over the limit. Raises Refusal."""
    goal = redact(clean(text)).strip()
    if not goal:
        raise Refusal(
            "Say what to analyse, for example: will btc close higher in the next hour? last 90 days"
        )
    if len(goal) > LONGEST_GOAL:
        raise Refusal(
            f"The goal has {len(goal):,} characters; at most {LONGEST_GOAL:,} are read. "
            "Shorten it to the question itself."
        )
    return goal


def check_answer(text: str) -> str:
    """An answer as it is kept: cleaned, not empty, not over the limit. Raises Refusal."""
    answer = redact(clean(text)).strip()
    if not answer:
        raise Refusal("An answer needs some words, or the number of a choice.")
    if len(answer) > LONGEST_ANSWER:
        raise Refusal(f"The answer has {len(answer):,} characters; at most {LONGEST_ANSWER:,} are read.")
    return answer


def check_preferences(options: Mapping[str, str]) -> dict[str, str]:
    """The options that travel with a goal. Raises Refusal for one that is too long."""
    kept = {name: clean(options[name]).strip() for name in PREFERENCES if options.get(name)}
    for name, value in kept.items():
        if len(value) > LONGEST_OPTION:
            raise Refusal(f"{name} has {len(value):,} characters; at most {LONGEST_OPTION} are read.")
    if "budget" in kept and not re.fullmatch(r"\$?\s?\d{1,6}(\.\d{1,6})?", kept["budget"]):
        raise Refusal(
            f"{kept['budget'][:40]!r} is no budget. Write dollars for the run's model, such as 0.50."
        )
    return {name: value for name, value in kept.items() if value}


def _identify(db: Session, speaker: Speaker) -> User:
    return users.identify(db, speaker.platform, speaker.workspace, speaker.external_id, speaker.display_name)


def _choose(text: str, choices: list[str]) -> str:
    """The choice that `text` names by its number or in other letters; else `text` itself."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)


def _wake(backend: Backend, row: AnalysisSession, *, first: bool = False) -> None:
    """Wake a worker. A queue that does not answer delays the run and fails nothing: the sweeper wakes again."""
    try:
        backend.enqueue(row.id, row.owner_id, row.lease_epoch + 1, first=first)
    except JobsError as error:
        logger.warning("R-%s waits for the sweeper: %s", row.number, error)
