"""Alembic's entry point: migrates on the connection it is handed and leaves other tables alone."""

from typing import Any

from alembic import context

from storage.database import VERSION_TABLE
from storage.models import Base


def include_ours(obj: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """The graph's checkpoint tables live in the same database and are not ours to drop."""
    return not (kind == "table" and reflected and compare_to is None)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_object=include_ours,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
