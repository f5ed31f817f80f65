"""What can be looked up while people type, and what a bot that was away has to read back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bots.platform import OpenThread, Place, Speaker, Typed
from bots.text import one_line
from storage import sessions
from storage.models import AnalysisSession, PriceCoverage, User

MOST = 25
# A thread is read back for so long after its run has ended: replies there go on from it.
LISTENED_AFTER_THE_END = timedelta(days=7)
USUAL = {
    "horizon": ("15m", "30m", "1h", "2h", "4h", "12h", "1d"),
    "period": ("7d", "30d", "60d", "90d", "180d", "1y"),
    "budget": ("0.10", "0.50", "1.00", "5.00"),
    "search": ("30s", "1m", "2m", "5m", "10m"),
}


def visible(db: Session, speaker: Speaker, user: User, *, limit: int = 20) -> list[AnalysisSession]:
    """The newest runs that somebody may see: their own, their workspace's, at a terminal all."""
    query = select(AnalysisSession).order_by(AnalysisSession.number.desc()).limit(limit)
    if speaker.platform != "terminal":
        here = (AnalysisSession.platform == speaker.platform) & (
            AnalysisSession.workspace == speaker.workspace
        )
        openly = here & AnalysisSession.preferences["private"].as_boolean().is_not(True)
        query = query.where((AnalysisSession.owner_id == user.id) | openly)
    return list(db.scalars(query))


def may_mean_us(db: Session, said: Typed) -> bool:
    """Whether a message is for us: to the bot, in private, or in a thread of ours. Of all others nothing is kept."""
    if said.to_bot or said.place.direct:
        return True
    place = said.place
    known = select(AnalysisSession.id).where(
        AnalysisSession.platform == said.speaker.platform,
        AnalysisSession.workspace == place.workspace,
        AnalysisSession.channel == place.channel,
        AnalysisSession.thread == place.thread,
    )
    return bool(place.thread) and db.scalar(known.limit(1)) is not None


def suggest(db: Session, speaker: Speaker, user: User, option: str, typed: str) -> Sequence[str]:
    """Completions of an option, the likeliest first: a run as "R-142 will btc ..."."""
    start = typed.strip().casefold()
    if option == "run":
        rows = visible(db, speaker, user, limit=100)
        named = [f"R-{row.number} {one_line(row.goal, 80)}" for row in rows]
        return [name for name in named if start in name.casefold()][:MOST]
    if option == "coins":
        *before, current = start.split(",")
        held = db.scalars(select(PriceCoverage.coin_type).distinct().order_by(PriceCoverage.coin_type))
        chosen = [coin.strip() for coin in before]
        found = [coin for coin in held if coin.startswith(current.strip()) and coin not in chosen]
        return [",".join((*chosen, coin)) for coin in found][:MOST]
    return [value for value in USUAL.get(option, ()) if value.startswith(start)][:MOST]


def open_threads(db: Session, platform: str) -> list[OpenThread]:
    """Threads of unfinished and recently finished runs, each with the moment since when to read it back."""
    now = db.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    rows = db.execute(
        select(
            AnalysisSession.workspace,
            AnalysisSession.channel,
            AnalysisSession.thread,
            func.min(AnalysisSession.created_at),
        )
        .where(AnalysisSession.platform == platform, AnalysisSession.thread != "")
        .where(
            or_(
                AnalysisSession.status.not_in(sessions.TERMINAL),
                AnalysisSession.finished_at > now - LISTENED_AFTER_THE_END,
            )
        )
        .group_by(AnalysisSession.workspace, AnalysisSession.channel, AnalysisSession.thread)
    )
    return [
        OpenThread(Place(workspace, channel, thread), since) for workspace, channel, thread, since in rows
    ]
