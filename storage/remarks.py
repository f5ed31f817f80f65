"""What people say beside a run's questions: kept for its next stage, changed or taken back until it is used."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import events, sessions, users
from storage.models import AnalysisSession, Clarification, SessionMessage

KEPT = SessionMessage.details["kept"].as_boolean()
MESSAGE = SessionMessage.details["message"].as_string()
# Of a run's preferences, what one that goes on from it has as well.
CARRIED = ("language", "private", "budget")
USED = SessionMessage.details["used"].as_string()


def keep(db: Session, session_id: uuid.UUID, text: str, *, message_id: str, said_by: str) -> None:
    """Keep a remark for the next stage of a run."""
    details = {"kept": True, "message": message_id, "by": said_by}
    sessions.say(db, session_id, "user", text, details=details)


def kept(db: Session, session_id: uuid.UUID) -> Sequence[SessionMessage]:
    """Remarks that no stage has used yet, oldest first."""
    return db.scalars(
        select(SessionMessage)
        .where(SessionMessage.session_id == session_id, KEPT, USED.is_(None))
        .order_by(SessionMessage.id)
    ).all()


def use(remark: SessionMessage, stage: str) -> None:
    """Mark a remark as used by a stage."""
    remark.details = {**remark.details, "used": stage}


def follow_up(db: Session, row: AnalysisSession) -> AnalysisSession | None:
    """A run that goes on from a finished one with what was said too late for it; None when nothing was."""
    waiting = kept(db, row.id)
    if not waiting:
        return None
    for remark in waiting:
        use(remark, "follow_up")
        payload = {"text": remark.content, "applied": False}
        events.append(db, row.id, f"remark:{remark.id}", "remark", payload)
    return sessions.create(
        db,
        workspace=row.workspace,
        owner_id=row.owner_id,
        platform=row.platform,
        channel=row.channel,
        thread=row.thread,
        goal=". ".join(remark.content.rstrip(". ") for remark in waiting)[:4000],
        preferences={name: row.preferences[name] for name in CARRIED if name in row.preferences},
        follows_id=row.id,
    )


def rewrite(db: Session, session_id: uuid.UUID, message_id: str, text: str | None) -> str:
    """Change what was said in a message, or take it back (`text` is None), if nothing has used it yet.

    Returns what it was: "remark", "answer", "goal", "used" (too late) or "" (nothing of ours).
    """
    row = db.scalar(select(AnalysisSession).where(AnalysisSession.id == session_id).with_for_update())
    said = db.scalar(
        select(SessionMessage)
        .where(SessionMessage.session_id == session_id, message_id == MESSAGE)
        .order_by(SessionMessage.id.desc())
        .limit(1)
    )
    if row is None or said is None:
        return ""
    if said.details.get("goal"):
        return _rewrite_goal(db, row, said, text)
    if said.details.get("answers"):
        return _rewrite_answer(db, row, said, text)
    if said.details.get("used"):
        return "used"
    if text is None:
        db.delete(said)
    else:
        said.content = text
    return "remark"


def _rewrite_goal(db: Session, row: AnalysisSession, said: SessionMessage, text: str | None) -> str:
    if row.status != "queued" or row.lease_epoch > 0:
        return "used"
    if text is None:
        sessions.request_cancel(db, row.id)
    else:
        row.goal = said.content = text
        events.append(db, row.id, f"goal:{row.next_seq}", "goal_changed", {"goal": text[:2000]})
    return "goal"


def _rewrite_answer(db: Session, row: AnalysisSession, said: SessionMessage, text: str | None) -> str:
    question = db.get(Clarification, (row.id, str(said.details["answers"])))
    if row.status != "queued" or question is None or question.answer is None:
        return "used"
    payload = {
        "interrupt_id": question.interrupt_id,
        "stage": question.stage,
        "about": question.about,
        "question": question.question,
        "choices": question.choices,
        "recommended": question.recommended,
        "expires_at": question.expires_at.isoformat(),
    }
    if text is None:
        question.answer = question.answered_by = question.answered_at = None
        sessions.move(row, "awaiting_user")
        key = f"question:{question.interrupt_id}:{row.next_seq}"
        events.append(db, row.id, key, "question", payload)
        db.delete(said)
        return "answer"
    question.answer = said.content = text
    question.answered_at = func.clock_timestamp()
    who = users.name_of(db, question.answered_by)
    changed = {**payload, "answer": text, "by": "person", "answered_by": who, "changed": True}
    events.append(db, row.id, f"answered:{question.interrupt_id}:{row.next_seq}", "answered", changed)
    return "answer"
