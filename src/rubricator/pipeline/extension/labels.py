"""Labels under the list of today, in a run beside the run: its texts, its parts and its stored answers."""

from __future__ import annotations

import shutil

from rubricator.dataset import files
from rubricator.errors import RubricatorError
from rubricator.pipeline import label, read
from rubricator.pipeline.kept_parts import KEPT_PARTS, kept_parts
from rubricator.pipeline.stage import Run, Stage, beside, run_stages
from rubricator.records import file_digest


def label_beside(run: Run) -> Run:
    """Label the texts of a run under the list of today, its parts being those of its artifact.

    Raises:
        RubricatorError: The texts have changed since, or there is no label to go on with.
    """
    sub = beside(run)
    parts = run.folder / KEPT_PARTS

    def keep_split(inside: Run) -> list[str]:
        split = kept_parts(run, files.read_dataset(inside.folder))
        if split is None:
            why = "The texts have changed since the artifact was made: its parts no longer hold."
            if not parts.is_file():
                why = f"Which texts taught the artifact is not known: {parts} is missing."
            raise RubricatorError(why, fix="Run `rubricator run`.")
        files.write_split(inside.file("stages/split.json"), split)
        return ["the parts are those of the artifact"]

    kept = Stage(
        name="split",
        about="Keep the parts of the artifact.",
        depends=lambda inside: {
            "config": inside.config.model_dump_json(include={"split", "golden", "seed"}),
            "parts": file_digest(parts) if parts.is_file() else "absent",
        },
        after=("read",),
        writes=("stages/split.json",),
        work=keep_split,
    )
    _bring_along(run, sub)
    run_stages(sub, (read.STAGE, kept, label.STAGE))
    return sub


def _bring_along(run: Run, sub: Run) -> None:
    """Lay the texts that the run has read where the stage looks for those that it need not read again."""
    if files.layout_of(sub.folder) != files.LAYOUT:  # left by another version: all is done anew
        return
    files.mark_layout(sub.folder)
    for name in read.KEPT:
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, sub.file(name))
