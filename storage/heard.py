"""What was heard in chats: each act of a person is done once, however often the platform delivers it."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.models import HeardAct

KEPT = timedelta(days=14)


def first(db: Session, platform: str, workspace: str, key: str) -> bool:
    """Whether this act was not heard before. A rival that does the same act at once is waited for."""
    made = db.execute(
        insert(HeardAct)
        .values(platform=platform, workspace=workspace, key=key)
        .on_conflict_do_nothing()
        .returning(HeardAct.key)
    ).scalar()
    return made is not None


def find(db: Session, platform: str, workspace: str, key: str) -> HeardAct | None:
    """What became of an act that was heard."""
    return db.get(HeardAct, (platform, workspace, key))


def record(
    db: Session, platform: str, workspace: str, key: str, session_id: uuid.UUID | None, reply: dict[str, Any]
) -> None:
    """Record what became of an act, for when it is delivered again."""
    db.execute(
        update(HeardAct)
        .where(HeardAct.platform == platform, HeardAct.workspace == workspace, HeardAct.key == key)
        .values(session_id=session_id, reply=reply)
    )


def forget_old(db: Session) -> None:
    """Forget acts that no platform will deliver again."""
    db.execute(delete(HeardAct).where(HeardAct.heard_at < func.clock_timestamp() - KEPT))
