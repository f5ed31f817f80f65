"""What threads show, held against the rows: each event of each run once, in the order in which it became true."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.chat.chats import FILES, Chat
from bots.messages import POSTED
from bots.telling import key_text
from storage.database import Database
from storage.models import AnalysisSession, Event

# Events that close the message of an earlier one, where that still stands.
CLOSING = {"answered": ("question",), "continued": ("completed", "failed", "cancelled", "expired")}


@dataclass
class Judged:
    """What was found in all threads."""

    runs: int = 0
    completed: int = 0
    resumed: int = 0
    told: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    wrong: tuple[str, ...] = ()


def judge(chat: Chat, database: Database, channels: int) -> Judged:
    """Compare every thread with the rows of its runs."""
    judged = Judged()
    wrong: list[str] = []
    for channel in range(channels):
        with database.begin() as db:
            runs = _runs(db, chat, channel)
            expected = [key for run in runs for key in _expected(db, run)]
            judged.resumed += sum(event.kind == "resumed" for run in runs for event in _events(db, run))
            given_up = [
                f"R-{run.number} {event.kind} was given up: {event.error}"
                for run in runs
                for event in _events(db, run)
                if event.delivered_at is not None and event.error
            ]
        seen = [said.key for said in chat.thread(channel)]
        missing, more = Counter(expected) - Counter(seen), Counter(seen) - Counter(expected)
        judged.runs += len(runs)
        judged.completed += sum(run.status == "completed" for run in runs)
        judged.told += len(seen)
        judged.lost += missing.total() + len(given_up)
        judged.twice += more.total()
        judged.out_of_order += not missing and not more and seen != expected
        states = " ".join(f"R-{run.number} {run.status}" for run in runs)
        wrong += given_up
        wrong += [f"R-{run.number} {run.status}: {run.error}" for run in runs if run.status != "completed"]
        if missing or more:
            wrong.append(f"channel {channel} ({states}): {missing.total()} lost, {more.total()} twice")
        elif seen != expected:
            wrong.append(f"channel {channel} ({states}): out of order")
    judged.wrong = tuple(wrong)
    return judged


def runs_of(database: Database, chat: Chat, channel: int) -> Sequence[AnalysisSession]:
    """The runs of a channel, oldest first."""
    with database.begin() as db:
        return _runs(db, chat, channel)


def _runs(db: Session, chat: Chat, channel: int) -> Sequence[AnalysisSession]:
    mine = select(AnalysisSession).where(AnalysisSession.platform == chat.platform)
    mine = mine.where(AnalysisSession.channel == chat.channel_id(channel))
    return db.scalars(mine.order_by(AnalysisSession.number)).all()


def _expected(db: Session, run: AnalysisSession) -> Iterator[str]:
    """The keys of a run's messages, in order."""
    events = [event for event in _events(db, run) if event.kind in POSTED]
    for event in events:
        if event.kind == "opened":
            yield key_text(run.id, event.seq, "root")
            yield key_text(run.id, event.seq, "card")
            continue
        closed = CLOSING.get(event.kind, ())
        if any(other.kind in closed and other.message_id == event.message_id for other in events):
            continue
        if event.payload.get("files"):
            yield FILES
        yield key_text(run.id, event.seq, "message")


def _events(db: Session, run: AnalysisSession) -> Sequence[Event]:
    return db.scalars(select(Event).where(Event.session_id == run.id).order_by(Event.seq)).all()
