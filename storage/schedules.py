"""Goals asked again at set times: kept, listed, stopped, and the run that falls due."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import sessions
from storage.models import AnalysisSession, Schedule
from storage.sessions import TERMINAL

Unit = Literal["hours", "days", "weeks"]


@dataclass(frozen=True)
class Rhythm:
    """How often: every so many hours from now, or every so many days or weeks at a minute of the day in a zone.

    `weekday` (Monday is 0) is the day of the first time of a weekly one; None for today's.
    """

    unit: Unit
    every: int
    minute_of_day: int | None = None
    weekday: int | None = None

    def first(self, now: datetime, zone: str) -> datetime:
        """The first time after `now`."""
        if self.unit == "hours" or self.minute_of_day is None:
            return now + _step(self.unit, self.every)
        day = now.astimezone(ZoneInfo(zone)).date()
        if self.weekday is not None:
            day += timedelta(days=(self.weekday - day.weekday()) % 7)
        at = _at(day, self.minute_of_day, zone)
        return at if at > now else _at(day + _step(self.unit, self.every), self.minute_of_day, zone)


def following(row: Schedule, now: datetime) -> datetime:
    """The first time of a schedule after `now`, in step with the one that is due."""
    step = _step(row.unit, row.every)
    if row.minute_of_day is None:
        missed = max(0, (now - row.next_at) // step)
        return row.next_at + step * (missed + 1)
    day = row.next_at.astimezone(ZoneInfo(row.zone)).date()
    day += step * max(0, (now - row.next_at) // step)
    while (at := _at(day, row.minute_of_day, row.zone)) <= now or at <= row.next_at:
        day += step
    return at


def of_owner(db: Session, owner_id: uuid.UUID) -> Sequence[Schedule]:
    """A person's schedules that are not stopped, the oldest first."""
    mine = select(Schedule).where(Schedule.owner_id == owner_id, Schedule.stopped_at.is_(None))
    return db.scalars(mine.order_by(Schedule.number)).all()


def find(db: Session, number: int) -> Schedule | None:
    """A schedule that is not stopped, locked."""
    row = select(Schedule).where(Schedule.number == number, Schedule.stopped_at.is_(None))
    return db.scalar(row.with_for_update())


def stop(db: Session, row: Schedule) -> None:
    """Ask no more."""
    row.stopped_at = func.clock_timestamp()


def due(db: Session) -> Sequence[int]:
    """The numbers of the schedules whose time has come."""
    now = func.clock_timestamp()
    fallen = select(Schedule.number).where(Schedule.stopped_at.is_(None), Schedule.next_at <= now)
    return db.scalars(fallen.order_by(Schedule.next_at)).all()


def start(db: Session, number: int) -> AnalysisSession | None:
    """The run of a schedule's due time; None where somebody else makes it, or its last run is not done yet.

    The schedule moves on in the same transaction, past all times that were missed: they make this one run together.
    """
    row = db.scalar(
        select(Schedule)
        .where(Schedule.number == number, Schedule.stopped_at.is_(None))
        .where(Schedule.next_at <= func.clock_timestamp())
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    now = db.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    due_at, row.next_at = row.next_at, following(row, now)
    last = db.scalar(
        select(AnalysisSession.status)
        .where(AnalysisSession.schedule_number == number)
        .order_by(AnalysisSession.number.desc())
        .limit(1)
    )
    if last is not None and last not in TERMINAL:
        row.skipped += 1
        return None
    return sessions.create(
        db,
        workspace=row.workspace,
        owner_id=row.owner_id,
        platform=row.platform,
        channel=row.channel,
        thread=row.thread,
        goal=row.goal,
        preferences=dict(row.preferences),
        scheduled=(number, due_at),
    )


def _step(unit: str, every: int) -> timedelta:
    return timedelta(**{unit: every})


def _at(day: date, minute_of_day: int, zone: str) -> datetime:
    """A minute of a day on the wall clock of a zone; where the clock skips it, the hour after."""
    return datetime.combine(day, time(*divmod(minute_of_day, 60)), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
