"""How Alembic runs the steps: on the connection and in the transaction that `migrate` holds."""

from alembic import context

from rubricator.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
    # SQLite can roll table changes back too; Alembic only assumes that it cannot.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
