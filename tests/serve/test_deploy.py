"""What `deploy/` says fits the service: figures that exist, commands that work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.monitor.prometheus import FIGURES
from rubricator.serve.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_dashboard_asks_for_figures_that_exist():
    board = json.loads((DEPLOY / "grafana/rubricator.json").read_text(encoding="utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"rubricator_\w+", target["expr"])
    }
    known = {
        name
        for family in Metrics().registry.collect()
        for name in (family.name, *(f"{family.name}_{end}" for end in ("total", "bucket", "sum", "count")))
    }
    assert len(asked) > 12
    assert asked <= known | FIGURES.keys()


def test_every_file_that_compose_mounts_is_there():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounted = [volume.split(":")[0] for one in services.values() for volume in one["volumes"]]
    assert all((DEPLOY / path).is_file() for path in mounted if path != "../models")
    assert {"rubricator", "prometheus", "grafana"} == set(services)
    scraped = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text(encoding="utf-8"))
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == ["rubricator:8000"]


def test_the_image_starts_a_command_that_exists():
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.search(r"^CMD (\[.*\])$", dockerfile, re.M)[1])
    said = CliRunner().invoke(app, [command[1], "--help"]).output
    assert command[0] == "rubricator"
    assert all(option in said for option in command if option.startswith("--"))
    assert "\nUSER rubricator\n" in dockerfile
