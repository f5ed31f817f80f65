"""Who may do what, and how much at once."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.errors import Refusal
from bots.platform import Speaker
from storage import sessions
from storage.errors import UnknownSession
from storage.models import AnalysisSession, User


class AccessSettings(BaseSettings):
    """Limits for one person."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    max_concurrent_sessions: int = Field(
        10, ge=1, description="How many unfinished runs one person may have at once."
    )


def find_run(db: Session, reference: str, speaker: Speaker, user: User) -> AnalysisSession:
    """The run that somebody names, if they may see and steer it. Raises UnknownSession, also for the others'.

    A run belongs to its owner and to the workspace it was asked for in. Whoever sits at a terminal holds the
    database itself, so nothing is kept from them there.
    """
    row = sessions.find(db, reference)
    if speaker.platform == "terminal" or row.owner_id == user.id or row.workspace == speaker.workspace:
        return row
    raise UnknownSession(f"There is no run {reference.strip()[:60]}.")


def check_room(db: Session, user: User, settings: AccessSettings) -> None:
    """Refuse one more run to somebody who has enough unfinished ones. Raises Refusal.

    The person's row is locked until the transaction ends, so two commands at once are counted one by one.
    """
    db.get_one(User, user.id, with_for_update=True)
    unfinished = (
        select(AnalysisSession.number)
        .where(AnalysisSession.owner_id == user.id, AnalysisSession.status.not_in(sessions.TERMINAL))
        .order_by(AnalysisSession.number)
    )
    numbers = db.scalars(unfinished).all()
    if len(numbers) < settings.max_concurrent_sessions:
        return
    named = ", ".join(f"R-{number}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
    raise Refusal(
        f"You have {len(numbers)} unfinished runs ({named}), and {settings.max_concurrent_sessions} is the most "
        f"one person may have. Wait until one is done, or stop one: cancel R-{numbers[0]}."
    )
