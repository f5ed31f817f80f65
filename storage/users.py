"""People: who is speaking, whichever platform they speak from."""

import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.models import PlatformIdentity, User

# Platforms that call one person the same in all their workspaces: who speaks there is known from any of them.
SAME_EVERYWHERE = frozenset({"discord"})


def identify(db: Session, platform: str, workspace: str, external_id: str, display_name: str) -> User:
    """The person behind an identity, made on first sight. Safe when two messages arrive at once."""
    known = _lookup(db, platform, workspace, external_id)
    if known is not None:
        return known
    elsewhere = _elsewhere(db, platform, external_id) if platform in SAME_EVERYWHERE else None
    user = elsewhere or User(id=uuid.uuid4(), display_name=display_name)
    with db.begin_nested() as attempt:
        db.add(user)
        db.flush()
        made = db.execute(
            insert(PlatformIdentity)
            .values(
                id=uuid.uuid4(),
                user_id=user.id,
                platform=platform,
                workspace=workspace,
                external_id=external_id,
            )
            .on_conflict_do_nothing()
            .returning(PlatformIdentity.id)
        ).scalar()
        if made is not None:
            return user
        attempt.rollback()
    winner = _lookup(db, platform, workspace, external_id)
    assert winner is not None, "an identity in conflict exists"
    return winner


def name_of(db: Session, user_id: uuid.UUID | None) -> str:
    """How to call a person in a message; somebody who was deleted is "someone"."""
    user = db.get(User, user_id) if user_id else None
    return user.display_name if user else "someone"


def called(db: Session, platform: str, workspace: str, external_id: str) -> str | None:
    """The name of a person who has spoken here before."""
    known = _lookup(db, platform, workspace, external_id)
    return known.display_name if known else None


def _lookup(db: Session, platform: str, workspace: str, external_id: str) -> User | None:
    return db.scalar(
        select(User)
        .join(PlatformIdentity, PlatformIdentity.user_id == User.id)
        .where(
            PlatformIdentity.platform == platform,
            PlatformIdentity.workspace == workspace,
            PlatformIdentity.external_id == external_id,
        )
    )


def _elsewhere(db: Session, platform: str, external_id: str) -> User | None:
    return db.scalar(
        select(User)
        .join(PlatformIdentity, PlatformIdentity.user_id == User.id)
        .where(PlatformIdentity.platform == platform, PlatformIdentity.external_id == external_id)
        .order_by(PlatformIdentity.created_at)
        .limit(1)
    )
