"""The tables: one class a row, in the order a session meets them.

Times are aware and in UTC. Identifiers are UUIDs except where a row's place in a log is its identity.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in time. Naive values are refused; what comes back is always aware and in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value.isoformat()}")
        return value

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        str: Text,
    }


def _created() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


class User(Base):
    """A person, whichever platform they speak from."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    display_name: Mapped[str]
    created_at: Mapped[datetime] = _created()


class PlatformIdentity(Base):
    """How one platform's workspace calls a person."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("platform", "workspace", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str]
    workspace: Mapped[str]
    external_id: Mapped[str]
    created_at: Mapped[datetime] = _created()


class Schedule(Base):
    """A goal that is asked again at set times: every so many hours, or on days at a time of its owner's zone."""

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("unit in ('hours','days','weeks') and every > 0", name="rhythm_known"),
        Index("ix_schedules_due", "next_at", postgresql_where=text("stopped_at is null")),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1), primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    workspace: Mapped[str]
    platform: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]
    goal: Mapped[str]
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    unit: Mapped[str] = mapped_column(String(8))
    every: Mapped[int]
    minute_of_day: Mapped[int | None]  # in its zone; None where hours are counted
    zone: Mapped[str]
    next_at: Mapped[datetime]
    skipped: Mapped[int] = mapped_column(server_default=text("0"))
    stopped_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _created()


class AnalysisSession(Base):
    """One goal on its way from a sentence to a report. The row decides; the queue only wakes a worker."""

    __tablename__ = "agent_sessions"
    __table_args__ = (
        CheckConstraint(
            "status in ('queued','running','awaiting_user','completed','failed','cancelled','expired')",
            name="status_known",
        ),
        # Each time of a schedule makes one run, whoever sweeps.
        UniqueConstraint("schedule_number", "due_at"),
        Index("ix_agent_sessions_unfinished", "status", "lease_until"),
        Index("ix_agent_sessions_thread", "platform", "workspace", "channel", "thread"),
        Index(
            "ix_agent_sessions_card_behind", "platform", postgresql_where=text("card_shown_seq < next_seq")
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)  # from RunNumbers
    workspace: Mapped[str]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]
    root_message_id: Mapped[str | None]
    card_message_id: Mapped[str | None]
    card_shown_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    card_due_at: Mapped[datetime | None]
    goal: Mapped[str]
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    follows_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agent_sessions.id", ondelete="SET NULL"))
    repeats_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agent_sessions.id", ondelete="SET NULL"))
    schedule_number: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("schedules.number", ondelete="SET NULL")
    )
    due_at: Mapped[datetime | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    # The newest trial of the workspace that counts against this session: noted when it first judges, then kept.
    ledger_position: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(16), server_default="queued")
    stage: Mapped[str | None]
    spec: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    next_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_epoch: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = _created()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunNumbers(Base):
    """The last number given to a run, in one row: counted in the run's own transaction, it leaves no gaps."""

    __tablename__ = "run_numbers"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)


class SessionMessage(Base):
    """What was said to and by a session: history for people, audit for operators."""

    __tablename__ = "agent_session_messages"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    agent: Mapped[str | None]
    content: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = _created()


class Event(Base):
    """One thing a thread must hear, written in the transaction that made it true (the outbox)."""

    __tablename__ = "agent_session_events"
    __table_args__ = (
        UniqueConstraint("session_id", "key"),
        Index(
            "ix_agent_session_events_pending",
            "session_id",
            "seq",
            postgresql_where=text("delivered_at is null"),
        ),
    )

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str]
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = _created()
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    attempted_at: Mapped[datetime | None]
    in_doubt: Mapped[bool] = mapped_column(server_default=text("false"))
    receipts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    delivered_at: Mapped[datetime | None]
    message_id: Mapped[str | None]
    error: Mapped[str | None]


class Clarification(Base):
    """A question a session asked; the first valid answer wins."""

    __tablename__ = "clarifications"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    interrupt_id: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str]
    about: Mapped[str]
    question: Mapped[str]
    choices: Mapped[list[str]]
    recommended: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    answered_at: Mapped[datetime | None]


class HeardAct(Base):
    """One thing a person did in a chat, under the platform's own name for it: the same act is done once."""

    __tablename__ = "heard_acts"

    platform: Mapped[str] = mapped_column(primary_key=True)
    workspace: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agent_sessions.id", ondelete="SET NULL"))
    reply: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    heard_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class SavedDefaults(Base):
    """What a person, or a channel, wants unless they say otherwise."""

    __tablename__ = "saved_defaults"

    scope: Mapped[str] = mapped_column(String(16), primary_key=True)  # person | channel
    owner: Mapped[str] = mapped_column(primary_key=True)  # the person's id, or platform:workspace:channel
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Grant(Base):
    """What one person of a workspace may do, and how much; the one with no name is for everybody else."""

    __tablename__ = "grants"

    platform: Mapped[str] = mapped_column(primary_key=True)
    workspace: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str | None] = mapped_column(String(16))
    runs_a_day: Mapped[int | None]
    usd_a_month: Mapped[float | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Feedback(Base):
    """Whether a person found a result useful; the last word counts."""

    __tablename__ = "feedback"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    useful: Mapped[bool]
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Installation(Base):
    """The bot's place in one workspace of a chat platform; its tokens are sealed."""

    __tablename__ = "installations"

    platform: Mapped[str] = mapped_column(primary_key=True)
    workspace: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    installed_by: Mapped[str]
    installed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Artifact(Base):
    """A file a session made or used; its bytes lie in the artifact store under their hash."""

    __tablename__ = "agent_artifacts"
    __table_args__ = (UniqueConstraint("session_id", "kind", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    uri: Mapped[str]
    summary: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = _created()


class Usage(Base):
    """One call to a language model: tokens and money (US dollars). It stays when its session is deleted.

    The row is written before the call, with the most it can come to; `settled` once the true figures are in.
    """

    __tablename__ = "usage"
    __table_args__ = (Index("ix_usage_owner", "owner_id", "created_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("agent_sessions.id", ondelete="SET NULL"), index=True
    )
    owner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    agent: Mapped[str]
    model: Mapped[str]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cost_usd: Mapped[float]
    settled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Trial(Base):
    """One candidate rule that was tried; later verdicts on the same prices must count it.

    `sums` holds the block sums of each test in `tests`, one after the other, as little-endian float64.
    """

    __tablename__ = "trial_ledger"
    __table_args__ = (
        UniqueConstraint("workspace", "key"),
        Index("ix_trial_ledger_span", "workspace", "series", "coin", "target", "start", "end"),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    workspace: Mapped[str]
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agent_sessions.id", ondelete="SET NULL"))
    key: Mapped[str]
    coin: Mapped[str]
    series: Mapped[str]
    target: Mapped[str]
    horizon_minutes: Mapped[int]
    start: Mapped[datetime]
    end: Mapped[datetime]
    block_minutes: Mapped[int]
    first_block: Mapped[int] = mapped_column(BigInteger)
    tests: Mapped[list[str]]
    sums: Mapped[bytes] = mapped_column(LargeBinary)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = _created()


class SealedOpening(Base):
    """One look at a sealed final span: counted, because each look spends some of its worth."""

    __tablename__ = "sealed_openings"
    __table_args__ = (
        UniqueConstraint("session_id", "coin", "target", "start", "end"),
        Index("ix_sealed_openings_span", "workspace", "series", "coin", "target"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    workspace: Mapped[str]
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agent_sessions.id", ondelete="SET NULL"))
    coin: Mapped[str]
    series: Mapped[str]
    target: Mapped[str]
    start: Mapped[datetime]
    end: Mapped[datetime]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ForwardPrediction(Base):
    """What a finished run's model said of the future, and what came.

    `known_at` is the end of the newest bar it knew, `due_at` when the outcome is known. `said` is P(up), a return or
    the log of a volatility; `side` what the rule would hold (-1, 0, 1), None for a volatility.
    """

    __tablename__ = "forward_predictions"
    __table_args__ = (
        UniqueConstraint("session_id", "coin", "known_at"),
        Index("ix_forward_predictions_due", "series", "due_at", postgresql_where=text("scored_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agent_sessions.id", ondelete="CASCADE"))
    series: Mapped[str]
    coin: Mapped[str]
    target: Mapped[str]
    known_at: Mapped[datetime]
    due_at: Mapped[datetime]
    bar_minutes: Mapped[int] = mapped_column(Integer)
    said: Mapped[float] = mapped_column(Float(53))
    side: Mapped[int | None] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actual: Mapped[float | None] = mapped_column(Float(53))
    scored_at: Mapped[datetime | None]


class PriceSeries(Base):
    """One venue's quotes in one currency at one cadence; prices of different series never mix."""

    __tablename__ = "price_series"

    name: Mapped[str] = mapped_column(primary_key=True)
    venue: Mapped[str]
    currency: Mapped[str]
    interval_seconds: Mapped[int] = mapped_column(Integer)
    simulated: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = _created()


class PriceBar(Base):
    """One bar of one coin. `timestamp` is its start; the bar is known at start plus interval."""

    __tablename__ = "price_data_5min"

    # No foreign key to the series: checking it row by row doubled the time of an import (`prices.upsert`,
    # the one writer, makes and holds the series' row first).
    series: Mapped[str] = mapped_column(primary_key=True)
    coin_type: Mapped[str] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    open: Mapped[float | None] = mapped_column(Float(53))
    high: Mapped[float | None] = mapped_column(Float(53))
    low: Mapped[float | None] = mapped_column(Float(53))
    close: Mapped[float] = mapped_column(Float(53))
    volume: Mapped[float | None] = mapped_column(Float(53))
    bid: Mapped[float | None] = mapped_column(Float(53))
    ask: Mapped[float | None] = mapped_column(Float(53))


class PriceCoverage(Base):
    """What is held of one coin in one series, kept beside the bars so that listing never scans them."""

    __tablename__ = "price_coverage"

    series: Mapped[str] = mapped_column(ForeignKey("price_series.name", ondelete="CASCADE"), primary_key=True)
    coin_type: Mapped[str] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    rows: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
