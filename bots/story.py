"""A run as it is told at one moment: its thread, all that has happened, and the messages that say it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bots import cards, messages
from bots.platform import Message, Place
from bots.progress import Fact, Progress, fold
from bots.words import Words, words_of
from storage import events, threads
from storage.threads import Thread


@dataclass(frozen=True)
class Story:
    """A session as the delivery sees it: its thread and all its facts."""

    thread: Thread
    facts: tuple[Fact, ...]

    @property
    def progress(self) -> Progress:
        return fold(self.facts)

    @property
    def run(self) -> str:
        return f"R-{self.thread.number}"

    @property
    def place(self) -> Place:
        return Place(self.thread.workspace, self.thread.channel, self.thread.thread)

    @property
    def words(self) -> Words:
        return words_of(self.thread.language)

    @property
    def root(self) -> Message:
        return cards.root(self.progress, self.run, self.words)

    @property
    def card(self) -> Message:
        now, usual = datetime.now(UTC), self.thread.usual_seconds
        return cards.card(self.progress, self.run, now, self.words, usual)

    def message(self, fact: Fact) -> Message:
        """The message that tells one of its facts."""
        return messages.posted(fact, self.run, self.thread.asker, self.words, self.thread.spec)

    def last(self, kinds: Collection[str], before: int) -> Fact | None:
        """The newest fact of some kinds before a number."""
        found = (fact for fact in reversed(self.facts) if fact.kind in kinds and fact.seq < before)
        return next(found, None)


def read(db: Session, session_id: uuid.UUID) -> Story | None:
    """The story of a session; None when the session is gone."""
    thread = threads.load(db, session_id)
    if thread is None:
        return None
    rows = events.since(db, session_id)
    return Story(thread, tuple(Fact(row.seq, row.kind, row.payload, row.created_at) for row in rows))
