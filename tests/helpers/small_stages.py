"""A stage that holds its run; a module of its own, because spawned processes import it by name."""

from __future__ import annotations

from multiprocessing.synchronize import Event
from pathlib import Path

from rubricator.config import Config, Data
from rubricator.pipeline.stage import Run, Stage, run_stages
from rubricator.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy(categories=(Category(key="a"), Category(key="b")))
CONFIG = Config(data=Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}}))


def hold_run(folder: Path, ready: Event, leave: Event) -> None:
    """Work in a run's folder from `ready` until `leave`."""

    def work(run: Run) -> list[str]:
        ready.set()
        leave.wait(20)
        return []

    stage = Stage(name="s", about="", depends=lambda run: {}, after=(), writes=(), work=work)
    run_stages(Run(CONFIG, TAXONOMY, folder), (stage,))
