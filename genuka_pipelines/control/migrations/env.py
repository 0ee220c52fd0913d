"""Tells Alembic to use the connection it is handed: it opens none, reads no file and sets no logging."""

from __future__ import annotations

from alembic import context

from genuka_pipelines.control.schema import VERSION_TABLE
from genuka_pipelines.control.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
