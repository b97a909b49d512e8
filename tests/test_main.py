"""`python -m rubricator` is the command line."""

import subprocess
import sys


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "rubricator", "goals", "--templates"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "name: editors" in shown
