"""goals that are asked again at set times, and the run that each of those times made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column(
            "preferences",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("minute_of_day", sa.Integer(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "unit in ('hours','days','weeks') and every > 0", name=op.f("ck_schedules_rhythm_known")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_schedules_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_schedules")),
    )
    op.create_index(op.f("ix_schedules_owner_id"), "schedules", ["owner_id"], unique=False)
    op.create_index(
        "ix_schedules_due", "schedules", ["next_at"], postgresql_where=sa.text("stopped_at is null")
    )
    op.add_column("agent_sessions", sa.Column("schedule_number", sa.BigInteger(), nullable=True))
    op.add_column("agent_sessions", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_agent_sessions_schedule_number_schedules"),
        "agent_sessions",
        "schedules",
        ["schedule_number"],
        ["number"],
        ondelete="SET NULL",
    )
    op.create_unique_constraint(
        op.f("uq_agent_sessions_schedule_number_due_at"), "agent_sessions", ["schedule_number", "due_at"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("uq_agent_sessions_schedule_number_due_at"), "agent_sessions", type_="unique")
    op.drop_constraint(
        op.f("fk_agent_sessions_schedule_number_schedules"), "agent_sessions", type_="foreignkey"
    )
    op.drop_column("agent_sessions", "due_at")
    op.drop_column("agent_sessions", "schedule_number")
    op.drop_table("schedules")
