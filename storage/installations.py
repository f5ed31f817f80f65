"""The workspaces in which the bot is installed, with the tokens it was given there."""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.models import Installation
from storage.sealing import Seal


@dataclass(frozen=True)
class Installed:
    """What the bot needs to speak in one workspace."""

    workspace: str
    name: str
    token: str
    bot_id: str
    bot_user_id: str
    scopes: str
    installed_by: str


def save(db: Session, seal: Seal, platform: str, installed: Installed) -> None:
    """Keep an installation; a newer one of the same workspace replaces it."""
    values = {
        "name": installed.name,
        "sealed": seal.close(json.dumps(asdict(installed))),
        "installed_by": installed.installed_by,
    }
    statement = insert(Installation).values(platform=platform, workspace=installed.workspace, **values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["platform", "workspace"],
            set_={**values, "installed_at": func.clock_timestamp()},
        )
    )


def find(db: Session, seal: Seal, platform: str, workspace: str) -> Installed | None:
    """The installation in a workspace. Raises SealError when its tokens cannot be opened."""
    row = db.get(Installation, (platform, workspace))
    return Installed(**json.loads(seal.open(row.sealed))) if row else None


def workspaces(db: Session, platform: str) -> list[str]:
    """Where the bot is installed."""
    return list(db.scalars(select(Installation.workspace).where(Installation.platform == platform)))


def forget(db: Session, platform: str, workspace: str) -> None:
    """Forget an installation: the app was removed, or its tokens were revoked."""
    db.execute(
        delete(Installation).where(Installation.platform == platform, Installation.workspace == workspace)
    )
