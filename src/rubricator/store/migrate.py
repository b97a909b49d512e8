"""Brings a database from whatever version it has to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from rubricator.errors import StoreError
from rubricator.store.faults import OWN

VERSION_TABLE = "rubricator_version"  # not Alembic's default: a PostgreSQL database may be shared
_MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x52554252  # any number, the same for every Rubricator


def migrate(connection: Connection, to: str = "head", *, named: str = OWN) -> None:
    """Run the missing steps, up to a number, inside the connection's open transaction; none is a no-op.

    `named` is the option or the setting that names the database.

    Raises:
        StoreError: The database has a version that this Rubricator does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
    config = Config()
    # Alembic reads % in its settings as interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    present = set(version(connection))
    unknown = present - {step.revision for step in script.walk_revisions()}
    if unknown:
        raise StoreError(
            f"The database has version {', '.join(sorted(unknown))}; this Rubricator knows versions up to "
            f"{script.get_current_head()}. It was written by a newer Rubricator.",
            fix=f"Upgrade Rubricator, or name another database ({named}).",
        )
    if present != set(script.get_heads()):
        config.attributes["connection"] = connection
        config.attributes["version_table"] = VERSION_TABLE
        command.upgrade(config, to)


def version(connection: Connection) -> tuple[str, ...]:
    """Numbers of the steps the database stands at; empty for a blank one."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_heads()
