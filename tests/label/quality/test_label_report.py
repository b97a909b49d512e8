"""The teachers' report and the audit of a real small run, labelled by its own teachers."""

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rubricator.cli.label_table import show_label_report
from rubricator.config import read_config
from rubricator.errors import DataError
from rubricator.label.quality.label_errors import Reason
from rubricator.label.quality.report import report_page
from rubricator.pipeline.audit import write_audit
from rubricator.pipeline.label_outputs import write_label_report
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.records import Origin, Status
from rubricator.taxonomy import Taxonomy

NEWS = Path(__file__).parents[3] / "examples" / "news"


def labelled(folder, *overrides, until="label"):
    config = read_config(NEWS / "rubricator.yaml", list(overrides))
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder)
    run_stages(run, STAGES, until=until)
    return run


@pytest.fixture(scope="module")
def run(news_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "run"
    shutil.copytree(news_run / "runs/news", folder, ignore=shutil.ignore_patterns("artifact"))
    config = read_config(news_run / "examples/news/rubricator.yaml", [])
    return Run(config, Taxonomy.read(config.path(config.taxonomy)), folder)


@pytest.fixture(scope="module")
def report(run):
    return write_label_report(run)


def test_the_report_knows_every_teacher(run, report):
    names = [teacher.name for teacher in run.config.label.teachers]
    assert [asked.teacher for asked in report.usage] == names
    assert [exam.report.teacher for exam in report.examinations] == [*names, "agreement"]
    assert [weight.teacher for weight in report.weights] == names
    assert len(report.pairs) == len(names) * (len(names) - 1) // 2
    assert all(asked.statuses == {Status.OK: report.texts} for asked in report.usage)
    assert all(0.05 <= weight.figure <= 1 for weight in report.weights)


def test_what_it_says_is_what_labelling_measured(run, report):
    from rubricator.dataset.files import read_dataset
    from rubricator.dataset.labels import read_labels

    found = read_labels(run.folder, read_dataset(run.folder), run.taxonomy)
    assert [exam.report for exam in report.examinations] == list(found.reports)
    assert sum(report.labels.values()) == len(found.labels)
    assert report.labels[Origin.GOLDEN] > 0
    assert 0.5 < report.expected <= 1
    assert 0.5 < report.measured <= 1


def test_the_page_stands_alone_and_names_all(run, report):
    page = (run.folder / "label-report.html").read_text(encoding="utf-8")
    for title in (*report.titles.values(), *(asked.teacher for asked in report.usage)):
        assert title in page
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    assert "Whom the agreement believes" in page
    assert "{{" not in page


def test_the_terminal_shows_it(report, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    show_label_report(report)
    shown = capsys.readouterr().out
    assert "Expected share of texts where all agreed labels are right" in shown
    assert "kappa" in shown


@pytest.mark.slow
@pytest.mark.parametrize("method", ["majority", "dawid-skene"])
def test_without_any_golden_text(tmp_path, method):
    folder = tmp_path / "run"
    twins = "label.teachers=[rules, {kind: rules, name: twin}]"
    overrides = ["golden.file=null", "golden.use=test", f"label.agreement={method}", twins]
    report = write_label_report(labelled(folder, *overrides))
    assert (report.golden, report.examinations, report.measured) == (0, [], None)
    assert report.expected is not None
    assert any("No text is golden or was reviewed blind" in caution for caution in report.cautions)
    assert "No text is golden or was reviewed blind" in (folder / "label-report.html").read_text(
        encoding="utf-8"
    )
    assert any("rules and twin say the same on 100%" in caution for caution in report.cautions)
    show_label_report(report)


def test_nothing_labelled(tmp_path):
    run = labelled(tmp_path, until="split")
    with pytest.raises(DataError, match="not been labelled"):
        write_label_report(run)


def test_names_cannot_break_out_of_the_page(report):
    page = report_page(replace(report, name="<b>x</b>"))
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_the_audit_is_one_ranked_list(run):
    findings = write_audit(run)
    with (run.folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "rank", "id", "text", "label", "origin", "suggestion", "probability", "reasons", "score",
    ]  # fmt: skip
    assert [int(row["rank"]) for row in rows] == list(range(1, len(findings) + 1))
    scores = [finding.suspect.score for finding in findings]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len({found.text.id for found in findings}) == len(findings)
    assert {Reason.MODEL, Reason.SPLIT} <= {reason for one in findings for reason in one.suspect.reasons}
    golden = [found for found in findings if found.label.origin is Origin.GOLDEN]
    assert not any(Reason.SPLIT in found.suspect.reasons for found in golden)
