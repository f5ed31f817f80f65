"""What people and channels want unless they say otherwise, and what they are allowed."""

import uuid
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.models import AnalysisSession, Grant, SavedDefaults, Usage

EVERYBODY = ""


def saved_for(
    db: Session, user_id: uuid.UUID, platform: str, workspace: str, channel: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The saved defaults of a person, and of the channel they speak in."""
    person, room = ("person", str(user_id)), ("channel", f"{platform}:{workspace}:{channel}")
    wanted = tuple_(SavedDefaults.scope, SavedDefaults.owner).in_([person, room])
    found = {row.scope: dict(row.options) for row in db.scalars(select(SavedDefaults).where(wanted))}
    return found.get("person", {}), found.get("channel", {})


def of_channel(db: Session, platform: str, workspace: str, channel: str) -> dict[str, Any]:
    """A channel's saved defaults."""
    return _options(db, "channel", f"{platform}:{workspace}:{channel}")


def save_for_person(db: Session, user_id: uuid.UUID, options: dict[str, Any]) -> None:
    """Replace a person's defaults."""
    _save(db, "person", str(user_id), options)


def save_for_channel(
    db: Session, platform: str, workspace: str, channel: str, options: dict[str, Any]
) -> None:
    """Replace a channel's defaults."""
    _save(db, "channel", f"{platform}:{workspace}:{channel}", options)


def grant_of(db: Session, platform: str, workspace: str, external_id: str) -> Grant | None:
    """What somebody was granted by name; `EVERYBODY` for what the others may."""
    return db.get(Grant, (platform, workspace, external_id))


def grants_for(db: Session, platform: str, workspace: str, external_id: str) -> list[Grant]:
    """What somebody was granted by name, then what everybody was."""
    mine = select(Grant).where(Grant.platform == platform, Grant.workspace == workspace)
    rows = db.scalars(mine.where(Grant.external_id.in_([external_id, EVERYBODY])))
    return sorted(rows, key=lambda row: row.external_id == EVERYBODY)


def grants(db: Session, platform: str, workspace: str) -> list[Grant]:
    """All grants of a workspace, that for everybody first."""
    mine = select(Grant).where(Grant.platform == platform, Grant.workspace == workspace)
    return list(db.scalars(mine.order_by(Grant.external_id)))


def grant(db: Session, platform: str, workspace: str, external_id: str, **changes: Any) -> None:
    """Change what somebody may do: `role`, `runs_a_day`, `usd_a_month`; what is not named stays."""
    where = {"platform": platform, "workspace": workspace, "external_id": external_id}
    statement = insert(Grant).values(**where, **changes)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=list(where), set_={**changes, "updated_at": func.clock_timestamp()}
        )
    )


def runs_today(db: Session, user_id: uuid.UUID) -> int:
    """How many runs a person has started since midnight UTC."""
    today = func.date_trunc("day", func.clock_timestamp(), "UTC")
    counted = select(func.count()).where(
        AnalysisSession.owner_id == user_id, AnalysisSession.created_at >= today
    )
    return db.scalar(counted) or 0


def spent_this_month(db: Session, user_id: uuid.UUID) -> tuple[int, float]:
    """Tokens and US dollars that a person's runs have cost since the first of the month UTC."""
    month = func.date_trunc("month", func.clock_timestamp(), "UTC")
    tokens, cost = db.execute(
        select(
            func.coalesce(func.sum(Usage.input_tokens + Usage.output_tokens), 0),
            func.coalesce(func.sum(Usage.cost_usd), 0.0),
        ).where(Usage.owner_id == user_id, Usage.created_at >= month)
    ).one()
    return int(tokens), float(cost)


def _options(db: Session, scope: str, owner: str) -> dict[str, Any]:
    row = db.get(SavedDefaults, (scope, owner))
    return dict(row.options) if row else {}


def _save(db: Session, scope: str, owner: str, options: dict[str, Any]) -> None:
    statement = insert(SavedDefaults).values(scope=scope, owner=owner, options=options)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "owner"],
            set_={"options": options, "updated_at": func.clock_timestamp()},
        )
    )
