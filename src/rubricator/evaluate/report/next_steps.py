"""What to do after reading a report, as commands that can be typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from rubricator.dataset.labels import LabelSet
from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.report.report_data import NextStep
from rubricator.models.training_result import TrainingResult

_PRECISION = 0.95


def next_steps(
    trained: TrainingResult, label_set: LabelSet, head: PartMetrics, folder: Path, *, options: str
) -> Iterator[NextStep]:
    """Steps that suit this run; without `options`, in a notebook, only those that need the artifact alone."""
    artifact = shlex.quote(str(folder / "artifact"))
    if options and not label_set.sources.human.any():
        yield NextStep(
            "Nobody has labelled a text yet: answer for texts drawn at random, so that figures say how "
            "often the model is right.",
            f"rubricator review {options} --order random",
        )
    elif options and label_set.sources.agreed.any():
        gain = "" if trained.curve is None else f": {trained.curve.promise}"
        yield NextStep(f"Correct the labels that are worth it{gain}.", f"rubricator review {options}")
    if options and label_set.sources.agreed.any():
        yield NextStep(
            "See what every teacher is worth and where they differ.", f"rubricator label {options} --report"
        )
    reached = [
        any(one.precision == _PRECISION and one.confidence is not None for one in points)
        for points in (trained.coverage, head.coverage)
    ]
    sure = all(reached)
    marked = f" --precision {_PRECISION}" if sure else ""
    about = "; texts that it is not sure enough of are marked for a person" if sure else ""
    yield NextStep(
        f"Classify a file{about}.", f"rubricator predict {artifact} YOUR.csv -o predictions.csv{marked}"
    )
    yield NextStep("Serve it.", f"rubricator serve {artifact} --port 8000")
