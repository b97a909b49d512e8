"""The teachers' report of a labelled run, from what the label stage kept."""

from __future__ import annotations

from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.labels import read_labels
from rubricator.label.quality.report import LabelReport, label_report, report_page
from rubricator.pages.page import write_page
from rubricator.pipeline.stage import Run

REPORT = "label-report.html"


def write_label_report(run: Run) -> LabelReport:
    """Gather the facts of a labelled run and write them as `label-report.html` into its folder.

    Raises:
        DataError: The texts have not been labelled, or the page cannot be written.
    """
    dataset = files.read_dataset(run.folder)
    annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    report = label_report(annotations, dataset, label_set, run.taxonomy, run.config)
    write_page(run.file(REPORT), report_page(report))
    return report
