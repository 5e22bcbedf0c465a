"""Alembic runs this file; `dogwatch.store.migrate` hands it an open transaction."""

from alembic import context

from dogwatch.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
