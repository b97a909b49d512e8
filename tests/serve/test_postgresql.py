"""From a served prediction to an alert, with a real PostgreSQL between."""

from __future__ import annotations

import json

import httpx
import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.pipeline.reference import reference_of_table
from rubricator.serve import LogSettings, create_app
from rubricator.store import Store
from rubricator.store.predictions import PredictionLog

WINDOW = 60


@pytest.fixture
def folder(linear_artifact, tmp_path):
    """A reference, and settings with small windows."""
    rows = [f"{n},Заголовок {n},{('Хоккеисты забили', 'Банк снизил ставку')[n % 2]} {n}" for n in range(240)]
    table = tmp_path / "texts.csv"
    table.write_text("id,title,text\n" + "\n".join(rows), encoding="utf-8")
    reference_of_table(linear_artifact, table, tmp_path / "reference.safetensors")
    settings = {
        "data": {"files": ["texts.csv"], "columns": {"body": "text"}},
        "monitor": {"window": WINDOW},
    }
    (tmp_path / "rubricator.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return tmp_path


def ask(client, start):
    texts = [{"id": f"n{n}", "body": f"Театр открыл сезон {n}"} for n in range(start, start + WINDOW)]
    assert client.post("/v1/classify", json={"texts": texts}).status_code == 200


def kick_out(url):
    """End every connection to the database, as a server that is started again does."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


@pytest.mark.slow
def test_what_is_served_is_logged_in_postgresql_and_monitored(predictor, run_app, postgresql, folder):
    settings = LogSettings(place=postgresql, keep_days=30)
    with run_app(create_app(predictor, log=settings)) as address, httpx.Client(base_url=address) as client:
        ask(client, 0)
        kick_out(postgresql)
        ask(client, WINDOW)
    with Store.open(postgresql) as store:
        ids = [row.text_id for _, row in PredictionLog(store).read()]
    assert sorted(ids) == sorted(f"n{n}" for n in range(2 * WINDOW))
    files = {
        "--reference": "reference.safetensors",
        "-c": "rubricator.yaml",
        "--out": "out",
        "--json": "m.json",
    }
    words = [str(part) for name, file in files.items() for part in (name, folder / file)]
    done = CliRunner().invoke(app, ["monitor", "run", postgresql, *words])
    assert done.exit_code == 0, done.output
    assert "Alert 1" in done.output
    windows = json.loads((folder / "m.json").read_text(encoding="utf-8"))["windows"]
    assert [(one["rows"], one["state"]) for one in windows] == [(WINDOW, "alarm"), (WINDOW, "alarm")]
    again = CliRunner().invoke(app, ["monitor", "run", postgresql, *words])
    assert "No window is over that was not judged before" in again.output
    assert "Alert" not in again.output
