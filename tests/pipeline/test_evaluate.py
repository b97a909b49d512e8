"""The folder `plots` holds the pictures of this run, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from small_project import project

from rubricator.config import read_config
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy


def test_pictures_of_what_is_gone_go_and_no_picture_is_drawn_where_none_is_asked_for(tmp_path: Path) -> None:
    config = read_config(project(tmp_path, single=False), ["evaluate.plots=true"])
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    run = Run(config, taxonomy, tmp_path / "run")
    run_stages(run, STAGES, until="evaluate")
    plots = tmp_path / "run/plots"
    assert [path.name for path in sorted(plots.glob("*-histogram.png"))] == [
        "01-weather-histogram.png",
        "02-sport-histogram.png",
        "03-food-histogram.png",
    ]
    assert "<img" in (tmp_path / "run/report.html").read_text(encoding="utf-8")

    fewer = taxonomy.model_copy(update={"categories": taxonomy.categories[:2]})
    run_stages(replace(run, taxonomy=fewer), STAGES, until="evaluate")
    assert [path.name for path in sorted(plots.glob("*-histogram.png"))] == [
        "01-weather-histogram.png",
        "02-sport-histogram.png",
    ]

    plain = read_config(tmp_path / "rubricator.yaml", ["evaluate.plots=false"])
    run_stages(replace(run, config=plain, taxonomy=fewer), STAGES, until="evaluate")
    assert not list(plots.glob("*"))
    assert "<img" not in (tmp_path / "run/report.html").read_text(encoding="utf-8")
