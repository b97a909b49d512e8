"""What can never work is refused before the service starts."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.errors import ConfigError, StoreError
from rubricator.serve import LogSettings, ServeOptions, serve
from rubricator.store import Store


def started(**options):
    serve(ServeOptions(port=0, **options), announce=lambda _: pytest.fail("it serves"))


@pytest.mark.parametrize("option", ["--log", "--feedback"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file/log.sqlite", "cannot be made"),
        ("folder", "is a folder"),
        ("file", "is not a SQLite database"),
        ("mysql://host/log", "not supported"),
        ("postgresql+psycopg://127.0.0.1:9/log", "refused"),
    ],
)
def test_a_database_that_can_never_work_is_refused(tmp_path, monkeypatch, option, place, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("nothing of the kind, and longer than a header" * 9, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    options = {"log": LogSettings(place=place)} if option == "--log" else {"feedback": place}
    with pytest.raises(StoreError, match=said) as error:
        started(artifact=tmp_path / "artifact", **options)
    assert option in error.value.fix or "Use SQLite" in error.value.fix


def test_one_that_is_locked_is_waited_for_while_it_serves(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("rubricator.serve.processes.BUSY_SECONDS", 0.05)
    place = tmp_path / "log.sqlite"
    Store.open(place).close()
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigError, match="either an artifact or a registry"):
            started(log=LogSettings(place=str(place)))
    assert "It is written to when it is free." in caplog.text


def test_a_port_that_is_taken_is_said():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["serve", "artifact", "--port", str(port)])
    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in done.output
    assert "--port" in done.output


def test_a_host_of_another_machine_is_said():
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1") as error:
        serve(ServeOptions(host="192.0.2.1", port=0), announce=lambda _: None)
    assert "--host" in error.value.fix
