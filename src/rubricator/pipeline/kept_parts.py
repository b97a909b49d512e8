"""The parts that an artifact was trained and measured on: they hold until a run makes another artifact.

Other commands read the texts again and draw parts anew where golden labels or settings have changed. A model
that was trained before knows nothing of that: measured on parts drawn since, it would be asked about texts
that taught it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.pipeline.split import with_golden
from rubricator.pipeline.stage import Run
from rubricator.records import Text, content_hash

KEPT_PARTS = "stages/artifact.split.json"


def keep_parts(run: Run, dataset: Dataset, split: DatasetSplit) -> None:
    """Write down which parts the artifact of a run knows, and of which texts."""
    parts = TypeAdapter(DatasetSplit).dump_python(split)
    files.write_json(run.file(KEPT_PARTS), {"texts": _digest(dataset.texts), "split": parts})


def kept_parts(run: Run, dataset: Dataset) -> DatasetSplit | None:
    """The parts that the artifact of a run knows, with the golden labels of `dataset`.

    None where the run has made no artifact, or made it of other texts: nobody knows the parts of these then.
    """
    try:
        kept = files.read_json(run.folder / KEPT_PARTS)
    except FileNotFoundError:
        return None
    if kept["texts"] != _digest(dataset.texts):
        return None
    split = TypeAdapter(DatasetSplit).validate_python(kept["split"])
    return with_golden(split, dataset, run.taxonomy, run.config)


def run_parts(run: Run, dataset: Dataset) -> DatasetSplit:
    """The parts that the artifact of a run knows; where it has none of these texts, those drawn last."""
    return kept_parts(run, dataset) or files.read_split(run.folder)


def _digest(texts: Sequence[Text]) -> str:
    return content_hash("parts:1", *(piece for text in texts for piece in (text.id, text.content)))
