"""One act of one person while it is worked on: who, where, in which language, with which rights."""

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bots import access
from bots.access import AccessSettings, Rights
from bots.errors import Refusal
from bots.platform import Place, Speaker
from bots.progress import Fact
from bots.words import Words
from storage import events, sessions
from storage.artifacts import ArtifactStore
from storage.database import Database
from storage.errors import UnknownSession
from storage.models import AnalysisSession, Event, User

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
    store: ArtifactStore | None = None  # without one, files stay when their run is deleted


@dataclass(frozen=True)
class Wake:
    """A worker to be woken once the rows are written."""

    session_id: uuid.UUID
    owner_id: uuid.UUID
    epoch: int
    first: bool


@dataclass
class Asked:
    """Everything a command needs: the transaction it works in, and whom it answers."""

    db: Session
    speaker: Speaker
    place: Place
    user: User
    rights: Rights
    words: Words
    zone: ZoneInfo
    limits: AccessSettings
    saved: dict[str, str]  # the person's defaults
    of_channel: dict[str, str]  # those of the channel they speak in
    key: str = ""
    wakes: list[Wake] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)  # hashes of files whose run is deleted
    session_id: uuid.UUID | None = None  # the run that the act was about, for the record

    def find(self, reference: str, command: str = "status") -> AnalysisSession:
        """The run somebody names, or the one in whose thread they speak. Raises Refusal."""
        wanted = reference.strip()
        if not wanted:
            row = self.newest_here()
            if row is None:
                raise Refusal(self.words("which_run", command=command))
            return row
        try:
            row = access.find_run(self.db, wanted.split()[0], self.speaker, self.user)
        except UnknownSession:
            raise Refusal(self.words("no_such_run", run=wanted.split()[0][:60])) from None
        self.session_id = row.id
        return row

    def steer(self, reference: str, command: str) -> AnalysisSession:
        """The same for a run that is to be changed. Raises Refusal."""
        row = self.find(reference, command)
        access.require_steering(self.db, row, self.user, self.rights, self.words)
        return row

    def newest_here(self) -> AnalysisSession | None:
        """The newest run of the thread that the person speaks in."""
        if not self.place.thread:
            return None
        row = self.db.scalar(
            select(AnalysisSession)
            .where(
                AnalysisSession.platform == self.speaker.platform,
                AnalysisSession.workspace == self.place.workspace,
                AnalysisSession.channel == self.place.channel,
                AnalysisSession.thread == self.place.thread,
            )
            .order_by(AnalysisSession.number.desc())
            .limit(1)
        )
        if row is not None:
            self.session_id = row.id
        return row

    def run_told_in(self, message_id: str) -> str:
        """The run whose result a message of this place tells; nothing for other messages."""
        number = self.db.scalar(
            select(AnalysisSession.number)
            .join(Event, Event.session_id == AnalysisSession.id)
            .where(Event.kind == "completed", Event.message_id == message_id)
            .where(
                AnalysisSession.platform == self.speaker.platform,
                AnalysisSession.workspace == self.place.workspace,
                AnalysisSession.channel == self.place.channel,
            )
        )
        return f"R-{number}" if number else ""

    def wake(self, row: AnalysisSession, *, first: bool = False) -> None:
        """Wake a worker for a run once this transaction is committed."""
        self.wakes.append(Wake(row.id, row.owner_id, row.lease_epoch + 1, first))

    def place_in_line(self, row: AnalysisSession) -> int:
        """How many runs stand in the queue up to this one."""
        waiting = select(func.count()).where(
            AnalysisSession.status == "queued", AnalysisSession.number <= row.number
        )
        return self.db.scalar(waiting) or 1

    def state(self, row: AnalysisSession) -> str:
        """How a run stands, in words."""
        if row.status == "awaiting_user":
            return self.words("status.awaiting_user")
        return self.words(f"state.{row.status}")

    def time(self, moment: datetime) -> str:
        """A moment in the reader's zone."""
        return self.words.minute(moment.astimezone(self.zone))


def facts_of(db: Session, session_id: uuid.UUID) -> tuple[Fact, ...]:
    """Everything that has happened to a session."""
    return tuple(Fact(row.seq, row.kind, row.payload, row.created_at) for row in events.since(db, session_id))


def is_over(row: AnalysisSession) -> bool:
    """Whether a run has ended."""
    return row.status in sessions.TERMINAL
