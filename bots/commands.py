"""What people can ask for, free of any platform: check who asks, do it in one transaction, wake a worker, reply.

An act that is delivered twice is done once: its key is written in the transaction that does it.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from bots import access, catalog, lookups, pages, people, presses, replies, runs, scheduling, talk
from bots.asking import Asked, Backend, Enqueue, Wake, facts_of
from bots.errors import BotError, Refusal
from bots.platform import (
    Answer,
    Command,
    Dropped,
    Heard,
    HomeOpened,
    OpenThread,
    Place,
    Press,
    Reply,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
)
from bots.runs import check_answer, check_goal, check_preferences
from bots.words import Words, words_of
from jobs.errors import JobsError
from storage import heard, preferences, users
from storage.artifacts import ArtifactStore
from storage.errors import StorageError
from storage.models import Artifact

__all__ = [
    "Backend", "Enqueue", "check_answer", "check_goal", "check_preferences", "facts_of", "handle", "open_threads",
    "suggest",
]  # fmt: skip

COMMANDS: Mapping[str, Callable[[Asked, str, Mapping[str, str]], Reply]] = {
    "analyze": runs.analyze,
    "status": lambda asked, text, _: replies.status(asked, text),
    "list": lambda asked, text, _: replies.list_runs(asked),
    "cancel": lambda asked, text, _: runs.cancel(asked, text),
    "results": lambda asked, text, _: replies.results(asked, text),
    "rerun": lambda asked, text, _: runs.rerun(asked, text),
    "predict": lambda asked, text, _: replies.predict(asked, text),
    "compare": lambda asked, text, _: replies.compare(asked, text),
    "delete": lambda asked, text, _: runs.delete(asked, text),
    "coins": lambda asked, text, _: pages.coins(asked),
    "usage": lambda asked, text, _: people.usage(asked),
    "schedule": scheduling.schedule,
    "defaults": lambda asked, text, _: people.defaults(asked, text),
    "roles": lambda asked, text, _: people.roles(asked, text),
    "help": lambda asked, text, _: pages.help_page(asked),
}

logger = logging.getLogger(__name__)


def handle(
    backend: Backend, said: Heard, wake_later: Callable[[Callable[[], None]], object] | None = None
) -> Reply:
    """Do what was said; a refusal or an expected failure is a reply too, and so is a bug, by its reference.

    With `wake_later`, workers are woken by what is handed to it, and the reply does not wait for the queue.
    """
    try:
        return _handle(backend, said, wake_later)
    except (BotError, StorageError) as error:
        return Reply(str(error), ok=False)
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("what %s said failed, reference %s", said.speaker.external_id, reference)
        words = words_of(said.speaker.language)
        return Reply(words("unexpected", reference=reference), ok=False)


def _handle(
    backend: Backend, said: Heard, wake_later: Callable[[Callable[[], None]], object] | None
) -> Reply:
    speaker, key = said.speaker, getattr(said, "key", "")
    place = getattr(said, "place", None) or Place(speaker.workspace, "")
    with backend.database.begin() as db:
        if isinstance(said, Typed) and not lookups.may_mean_us(db, said):
            return Reply()
        if key and not heard.first(db, speaker.platform, speaker.workspace, key):
            return _earlier(db, speaker, key)
        asked = ask(db, backend, speaker, place, key)
        reply = _dispatch(asked, said)
        if key:
            record = {"text": reply.text, "ok": reply.ok, "run": reply.run, "fixed": reply.fixed}
            heard.record(db, speaker.platform, speaker.workspace, key, asked.session_id, record)
    if backend.store is not None and asked.forgotten:
        _forget_files(backend, backend.store, asked.forgotten)
    if asked.wakes:
        wakes = tuple(asked.wakes)
        if wake_later is None:
            _wake(backend, wakes)
        else:
            wake_later(lambda: _wake(backend, wakes))
    return reply


def _wake(backend: Backend, wakes: Sequence[Wake]) -> None:
    for wake in wakes:
        try:
            backend.enqueue(wake.session_id, wake.owner_id, wake.epoch, first=wake.first)
        except JobsError as error:  # the queue is away: the sweeper wakes the worker
            logger.warning("session %s waits for the sweeper: %s", wake.session_id, error)


def _forget_files(backend: Backend, store: ArtifactStore, hashes: set[str]) -> None:
    """Delete the bytes that no run has any more."""
    with backend.database.begin() as db:
        used = set(db.scalars(select(Artifact.sha256).where(Artifact.sha256.in_(hashes))))
    for sha256 in hashes - used:
        try:
            store.delete(sha256)
        except StorageError as error:
            logger.warning("a file of a deleted run stays: %s", error)


def ask(db: Any, backend: Backend, speaker: Speaker, place: Place, key: str = "") -> Asked:
    """Who asks, with what they may and how they want to be spoken to."""
    user = users.identify(db, speaker.platform, speaker.workspace, speaker.external_id, speaker.display_name)
    saved, of_channel = preferences.saved_for(db, user.id, speaker.platform, place.workspace, place.channel)
    words = words_of(saved.get("language"), speaker.language)
    return Asked(
        db=db,
        speaker=speaker,
        place=place,
        user=user,
        rights=access.rights_of(db, speaker),
        words=words.in_shell() if speaker.platform == "terminal" else words,
        zone=_zone(saved.get("zone"), speaker.zone),
        limits=backend.access,
        saved=saved,
        of_channel=of_channel,
        key=key,
    )


def allow_file(backend: Backend, said: Heard) -> Words | Reply:
    """Whether somebody may bring a file in here: the words to speak to them with, or the reply that ends it.

    A file counts in the thread of a run, in private, and where it is about one that was dropped there; a repeat of
    an act is left alone.
    """
    speaker, key = said.speaker, getattr(said, "key", "")
    place = said.place or Place(speaker.workspace, "")
    with backend.database.begin() as db:
        asked = ask(db, backend, speaker, place, key)
        if isinstance(said, Dropped) and not place.direct and asked.newest_here() is None:
            return Reply()
        if asked.rights.role == "viewer":
            return Reply(asked.words("viewer"), ok=False)
        if key and not heard.first(db, speaker.platform, speaker.workspace, key):
            return Reply()
        return asked.words


def suggest(backend: Backend, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
    """Completions of an option while it is typed."""
    with backend.database.begin() as db:
        asked = ask(db, backend, speaker, Place(speaker.workspace, ""))
        return lookups.suggest(db, speaker, asked.user, option, typed)


def open_threads(backend: Backend, platform: str) -> Sequence[OpenThread]:
    """The threads that a bot which was away reads back."""
    with backend.database.begin() as db:
        return lookups.open_threads(db, platform)


def _dispatch(asked: Asked, said: Heard) -> Reply:
    match said:
        case Command():
            return command(asked, said)
        case Answer():
            return runs.answer(asked, said)
        case Typed():
            return talk.typed(asked, said, command)
        case Rewritten():
            return talk.rewritten(asked, said)
        case Press():
            return presses.press(asked, said)
        case Submitted():
            return presses.submitted(asked, said)
        case HomeOpened():
            return Reply(home=pages.home(asked))
        case Dropped():
            raise Refusal(asked.words("import.gone"))  # files are taken in by `bots.dropping`


def command(asked: Asked, given: Command) -> Reply:
    """Carry out a command. Raises Refusal."""
    name, text, options = given.name, given.text, given.options
    if not name:
        line = catalog.parse(text)
        name, text, options = line.name, line.text, line.options
    if name.casefold() in catalog.ABSENT:
        raise Refusal(asked.words("web.absent"))
    spec = catalog.find(name)
    if spec is None or spec.name not in COMMANDS:
        raise Refusal(asked.words("unknown_command", name=name[:40]))
    if spec.name == "analyze" and catalog.is_greeting(text) and not options:
        return Reply(asked.words("greeting"))
    return COMMANDS[spec.name](asked, text, options)


def _earlier(db: Any, speaker: Speaker, key: str) -> Reply:
    """What was replied when this act was first delivered."""
    known = heard.find(db, speaker.platform, speaker.workspace, key)
    said = known.reply if known else {}
    return Reply(
        str(said.get("text", "")),
        ok=bool(said.get("ok", True)),
        run=said.get("run"),
        fixed=bool(said.get("fixed", False)),
    )


def _zone(*names: str | None) -> ZoneInfo:
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return ZoneInfo("UTC")
