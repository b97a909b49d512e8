"""Where answers are kept: one database file by default, PostgreSQL by URL."""

from rubricator.store.database import Store

__all__ = ["Store"]
