"""usage outlives its session, knows its owner, and is written before a call is made."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("usage", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.add_column("usage", sa.Column("settled", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.execute("update usage set owner_id = s.owner_id from agent_sessions s where s.id = usage.session_id")
    op.create_foreign_key(
        op.f("fk_usage_owner_id_users"), "usage", "users", ["owner_id"], ["id"], ondelete="SET NULL"
    )
    op.alter_column("usage", "session_id", nullable=True)
    op.drop_constraint(op.f("fk_usage_session_id_agent_sessions"), "usage", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_usage_session_id_agent_sessions"),
        "usage",
        "agent_sessions",
        ["session_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_usage_created_at"), "usage", ["created_at"], unique=False)
    op.create_index("ix_usage_owner", "usage", ["owner_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_usage_owner", table_name="usage")
    op.drop_index(op.f("ix_usage_created_at"), table_name="usage")
    op.execute("delete from usage where session_id is null")
    op.drop_constraint(op.f("fk_usage_session_id_agent_sessions"), "usage", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_usage_session_id_agent_sessions"),
        "usage",
        "agent_sessions",
        ["session_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.alter_column("usage", "session_id", nullable=False)
    op.drop_constraint(op.f("fk_usage_owner_id_users"), "usage", type_="foreignkey")
    op.drop_column("usage", "settled")
    op.drop_column("usage", "owner_id")
