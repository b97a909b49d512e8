"""`rubricator label --plan`: what labelling would take."""

from __future__ import annotations

from rubricator.dataset import files
from rubricator.label.asking.plan import TeacherPlan, plan_teacher
from rubricator.label.teachers.factory import open_teachers
from rubricator.pipeline.label import in_order_of_asking, open_store
from rubricator.pipeline.stage import Run


def plan(run: Run) -> list[TeacherPlan]:
    """Find out what the teachers of the config have left to do; the run's texts are read and split.

    Raises:
        EngineError: A language model is out of reach.
        StoreError: The database refused.
    """
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    texts = in_order_of_asking(dataset)
    with (
        open_store(run) as store,
        open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers,
    ):
        return [
            plan_teacher(teacher, texts, store, again=run.again, progress=run.progress)
            for teacher in teachers
        ]
