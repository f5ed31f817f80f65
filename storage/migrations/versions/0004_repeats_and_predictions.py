"""runs that repeat others, the ledger position a run keeps to, and predictions of what has not happened yet."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agent_sessions", sa.Column("repeats_id", sa.Uuid(), nullable=True))
    op.add_column("agent_sessions", sa.Column("ledger_position", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_agent_sessions_repeats_id_agent_sessions"),
        "agent_sessions",
        "agent_sessions",
        ["repeats_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_table(
        "forward_predictions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("coin", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bar_minutes", sa.Integer(), nullable=False),
        sa.Column("said", sa.Float(precision=53), nullable=False),
        sa.Column("side", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actual", sa.Float(precision=53), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["agent_sessions.id"],
            name=op.f("fk_forward_predictions_session_id_agent_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_predictions")),
        sa.UniqueConstraint(
            "session_id", "coin", "known_at", name=op.f("uq_forward_predictions_session_id_coin_known_at")
        ),
    )
    op.create_index(
        "ix_forward_predictions_due",
        "forward_predictions",
        ["series", "due_at"],
        unique=False,
        postgresql_where=sa.text("scored_at is null"),
    )


def downgrade() -> None:
    op.drop_table("forward_predictions")
    op.drop_constraint(
        op.f("fk_agent_sessions_repeats_id_agent_sessions"), "agent_sessions", type_="foreignkey"
    )
    op.drop_column("agent_sessions", "ledger_position")
    op.drop_column("agent_sessions", "repeats_id")
