"""What language models cost: reserved before a call, settled after it, summed by session, person and day.

A day is a day in UTC by the database's clock. A call whose process died stays as it was reserved, at the most
it can have cost.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import Session

from storage import sessions
from storage.database import USAGE_LOCK
from storage.models import AnalysisSession, Usage, User
from storage.sessions import Lease

Scope = Literal["session", "user_day", "day"]
Grouping = Literal["day", "user", "model", "agent", "session"]


@dataclass(frozen=True)
class Spent:
    """Tokens read and written, dollars, and calls."""

    tokens: int = 0
    usd: float = 0.0
    calls: int = 0


@dataclass(frozen=True)
class Cap:
    """The most that may be spent in one scope; None for no limit."""

    scope: Scope
    tokens: int | None
    usd: float | None


@dataclass(frozen=True)
class Call:
    """A call that somebody wants to make: what it reads, the longest and the shortest answer of use, dollars a token."""

    agent: str
    model: str
    input_tokens: int
    most_output_tokens: int
    least_output_tokens: int
    usd_a_token_read: float
    usd_a_token_written: float

    def cost_usd(self, output_tokens: int) -> float:
        """What it costs with an answer of that length."""
        return self.input_tokens * self.usd_a_token_read + output_tokens * self.usd_a_token_written

    def longest_answer(self, cap: Cap, spent: Spent) -> int:
        """The longest answer that a cap leaves room for; less than nothing where what is read is too much already."""
        longest = self.most_output_tokens
        if cap.tokens is not None:
            longest = min(longest, cap.tokens - spent.tokens - self.input_tokens)
        if cap.usd is not None:
            left = cap.usd - spent.usd - self.cost_usd(0)
            if left < 0:
                return -1
            if self.usd_a_token_written > 0:
                longest = min(longest, int(left / self.usd_a_token_written))
        return longest


@dataclass(frozen=True)
class Reserved:
    """A call that may be made, with an answer of so many tokens at most."""

    usage_id: int
    output_tokens: int


@dataclass(frozen=True)
class Refused:
    """A call for which a cap leaves too little; `spent` is what was spent before it."""

    cap: Cap
    spent: Spent


def reserve(db: Session, lease: Lease, caps: Sequence[Cap], call: Call) -> Reserved | Refused:
    """Write down a call before it is made, at the most that it can come to within every cap. Raises LeaseLost.

    One at a time in the whole installation, so that runs that ask at once cannot pass a cap together.
    """
    row = sessions.held(db, lease)
    db.execute(select(func.pg_advisory_xact_lock(USAGE_LOCK)))
    longest = call.most_output_tokens
    by_scope = spent_by_scope(db, session_id=row.id, owner_id=row.owner_id)
    for cap in caps:
        spent = by_scope[cap.scope]
        longest = min(longest, call.longest_answer(cap, spent))
        if longest < call.least_output_tokens:
            return Refused(cap, spent)
    usage = Usage(
        session_id=row.id,
        owner_id=row.owner_id,
        agent=call.agent,
        model=call.model,
        input_tokens=call.input_tokens,
        output_tokens=longest,
        cost_usd=call.cost_usd(longest),
        settled=False,
    )
    db.add(usage)
    db.flush()
    return Reserved(usage.id, longest)


def settle(db: Session, usage_id: int, *, input_tokens: int, output_tokens: int, cost_usd: float) -> None:
    """Replace what was reserved by what it came to."""
    usage = db.get(Usage, usage_id)
    if usage is not None:
        usage.input_tokens, usage.output_tokens = input_tokens, output_tokens
        usage.cost_usd, usage.settled = cost_usd, True


def spent_by_scope(db: Session, *, session_id: uuid.UUID, owner_id: uuid.UUID) -> dict[Scope, Spent]:
    """What was spent so far in every scope, read at once."""
    today = Usage.created_at >= text("date_trunc('day', now() at time zone 'utc') at time zone 'utc'")
    scopes: dict[Scope, ColumnElement[bool]] = {
        "session": Usage.session_id == session_id,
        "user_day": and_(Usage.owner_id == owner_id, today),
        "day": today,
    }
    columns = [part.filter(scope) for scope in scopes.values() for part in _SUMS]
    row: Any = db.execute(select(*columns).where(or_(*scopes.values()))).one()
    parts = [row[at : at + 3] for at in range(0, len(row), 3)]
    return {scope: _spent(*part) for scope, part in zip(scopes, parts, strict=True)}


def of_session(db: Session, session_id: uuid.UUID) -> Spent:
    """What one session has spent."""
    row: Any = db.execute(select(*_SUMS).where(Usage.session_id == session_id)).one()
    return _spent(*row)


def typical(db: Session, model: str, *, sessions_least: int = 3) -> tuple[int, int] | None:
    """Median tokens read and written by finished sessions that used `model`; None for too few of them."""
    each = (
        select(func.sum(Usage.input_tokens).label("read"), func.sum(Usage.output_tokens).label("written"))
        .join(AnalysisSession, AnalysisSession.id == Usage.session_id)
        .where(Usage.model == model, AnalysisSession.status == "completed")
        .group_by(Usage.session_id)
        .subquery()
    )
    middle = [func.percentile_cont(0.5).within_group(column) for column in (each.c.read, each.c.written)]
    count, read, written = db.execute(select(func.count(), *middle).select_from(each)).one()
    return (int(read), int(written)) if count >= sessions_least else None


@dataclass(frozen=True)
class Line:
    """One line of a usage report."""

    name: str
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float


def report(
    db: Session, grouping: Grouping, since: datetime, *, owner_id: uuid.UUID | None = None
) -> list[Line]:
    """Usage since a moment, summed by day, user, model, agent or session; of one person or of all."""
    named: dict[Grouping, Any] = {
        "day": func.to_char(func.timezone("utc", Usage.created_at), "YYYY-MM-DD"),
        "user": func.coalesce(User.display_name, "(deleted)"),
        "model": Usage.model,
        "agent": Usage.agent,
        "session": func.coalesce(func.concat("R-", AnalysisSession.number), "(deleted)"),
    }
    name = named[grouping].label("name")
    query = (
        select(
            name,
            func.count(),
            func.sum(Usage.input_tokens),
            func.sum(Usage.output_tokens),
            func.sum(Usage.cost_usd),
        )
        .select_from(Usage)
        .outerjoin(User, User.id == Usage.owner_id)
        .outerjoin(AnalysisSession, AnalysisSession.id == Usage.session_id)
        .where(Usage.created_at >= since)
        .group_by(name)
        .order_by(name if grouping == "day" else func.sum(Usage.cost_usd).desc(), name)
    )
    if owner_id is not None:
        query = query.where(Usage.owner_id == owner_id)
    return [Line(str(n), c, int(i), int(o), float(u)) for n, c, i, o, u in db.execute(query)]


# Tokens, dollars, calls.
_SUMS = (
    func.sum(Usage.input_tokens + Usage.output_tokens),
    func.sum(Usage.cost_usd),
    func.count(Usage.id),
)


def _spent(tokens: int | None, usd: float | None, calls: int) -> Spent:
    return Spent(int(tokens or 0), float(usd or 0), int(calls))
