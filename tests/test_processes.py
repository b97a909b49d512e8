"""How tests are shared out among processes."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("of-one")
def test_the_scheduler_sees_groups(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process has every test")
    assert request.node.nodeid.endswith("@of-one")
