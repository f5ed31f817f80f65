"""Who may do what, how often, and for how much."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.errors import Refusal
from bots.platform import Speaker
from bots.words import Words
from storage import preferences, sessions, users
from storage.errors import UnknownSession
from storage.models import AnalysisSession, User

Role = Literal["admin", "editor", "analyst", "viewer"]
ROLES: tuple[Role, ...] = ("admin", "editor", "analyst", "viewer")


class AccessSettings(BaseSettings):
    """Limits for one person."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    max_concurrent_sessions: int = Field(
        10, ge=1, description="How many unfinished runs one person may have at once."
    )


@dataclass(frozen=True)
class Rights:
    """What somebody may do in a workspace. None stands for no limit."""

    role: Role
    runs_a_day: int | None = None
    usd_a_month: float | None = None

    @property
    def may_edit(self) -> bool:
        """Whether they may answer, stop and continue the runs of others."""
        return self.role in ("admin", "editor")


def rights_of(db: Session, speaker: Speaker) -> Rights:
    """What was granted to somebody by name, else to everybody; workspace admins may do everything.

    Whoever sits at a terminal holds the database itself.
    """
    granted = preferences.grants_for(db, speaker.platform, speaker.workspace, speaker.external_id)
    role, runs, usd = (
        next((value for row in granted if (value := getattr(row, name)) is not None), None)
        for name in ("role", "runs_a_day", "usd_a_month")
    )
    if speaker.is_admin or speaker.platform == "terminal":
        role = "admin"
    return Rights(role or "analyst", runs, usd)


def find_run(db: Session, reference: str, speaker: Speaker, user: User) -> AnalysisSession:
    """The run that somebody names, if they may see it. Raises UnknownSession, also for the others'.

    A run belongs to its owner and to the workspace it was asked for in, unless it was asked for in private.
    """
    row = sessions.find(db, reference)
    if speaker.platform == "terminal" or row.owner_id == user.id or in_workspace(row, speaker):
        return row
    raise UnknownSession(f"There is no run {reference.strip()[:60]}.")


def in_workspace(row: AnalysisSession, speaker: Speaker) -> bool:
    """Whether a run was asked for openly in the speaker's workspace."""
    here = (row.platform, row.workspace) == (speaker.platform, speaker.workspace)
    return here and not row.preferences.get("private")


def may_steer(row: AnalysisSession, user: User, rights: Rights) -> bool:
    """Whether somebody may answer, stop, continue and delete a run."""
    return row.owner_id == user.id or rights.may_edit


def require_steering(db: Session, row: AnalysisSession, user: User, rights: Rights, words: Words) -> None:
    """Raises Refusal, which names the owner."""
    if not may_steer(row, user, rights):
        who = users.name_of(db, row.owner_id)
        raise Refusal(words("not_yours", run=f"R-{row.number}", who=who))


def check_room(db: Session, user: User, rights: Rights, settings: AccessSettings, words: Words) -> None:
    """Refuse one more run to somebody who has had enough of them, or of the money. Raises Refusal.

    The person's row is locked until the transaction ends, so two commands at once are counted one by one.
    """
    if rights.role == "viewer":
        raise Refusal(words("viewer"))
    db.get_one(User, user.id, with_for_update=True)
    if rights.runs_a_day is not None:
        started = preferences.runs_today(db, user.id)
        if started >= rights.runs_a_day:
            raise Refusal(words("runs_used_up", n=started, most=rights.runs_a_day))
    if rights.usd_a_month is not None:
        _, spent = preferences.spent_this_month(db, user.id)
        if spent >= rights.usd_a_month:
            raise Refusal(
                words("money_used_up", spent=words.money(spent), most=words.money(rights.usd_a_month))
            )
    unfinished = (
        select(AnalysisSession.number)
        .where(AnalysisSession.owner_id == user.id, AnalysisSession.status.not_in(sessions.TERMINAL))
        .order_by(AnalysisSession.number)
    )
    numbers = db.scalars(unfinished).all()
    most = settings.max_concurrent_sessions
    if len(numbers) >= most:
        named = ", ".join(f"R-{number}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
        raise Refusal(words("too_many_runs", n=len(numbers), runs=named, most=most, first=f"R-{numbers[0]}"))
