"""The teachers' report as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import figure_table, out
from rubricator.label.quality.inter_annotator import Pair
from rubricator.label.quality.report import LabelReport
from rubricator.label.quality.teacher_metrics import TeacherExamination
from rubricator.pages.formatting import NONE, duration, figure, percent
from rubricator.records import Status
from rubricator.stats.bootstrap import Estimate


def show_label_report(report: LabelReport) -> None:
    """Print what each teacher is worth, where they differ, and what to expect of the labels."""
    out.print()
    out.print(_asking(report))
    if report.examinations:
        out.print(_examined(f"{report.golden:,} golden", report.examinations, single=report.single))
        out.print(_categories(report))
    if report.pairs:
        out.print(_pairs("teachers", report.pairs))
    for view in report.views:
        if view.examinations:
            out.print(_examined(f"views of {view.teacher}", view.examinations, single=report.single))
        elif view.pairs:
            out.print(_pairs(f"views of {view.teacher}", view.pairs))
    out.print(_weights(report))
    out.print(f"[dim]{escape(report.weights_are)}[/]\n")
    out.print(_expectation(report))
    for caution in report.cautions:
        out.print(f"[yellow]![/] {escape(caution)}")


def _asking(report: LabelReport) -> Table:
    statuses = [s for s in Status if s is Status.OK or any(usage.statuses.get(s) for usage in report.usage)]
    table = figure_table("teacher", "texts", *statuses, "opinion", "cost/1,000", "per answer")
    for usage in report.usage:
        table.add_row(
            escape(usage.teacher),
            f"{usage.texts:,}",
            *(percent(usage.statuses.get(status, 0) / max(usage.texts, 1)) for status in statuses),
            percent(usage.opinions),
            f"{usage.cost:,.4g}",
            NONE if usage.seconds is None else duration(usage.seconds),
        )
    return table


def _examined(what: str, examinations: Sequence[TeacherExamination], *, single: bool) -> Table:
    accuracy = ("accuracy", "95%") if single else ()
    table = figure_table(escape(what), *accuracy, "macro-F1", "95%", "kappa", "opinion")
    for exam in examinations:
        teacher = exam.report
        first = (figure(teacher.accuracy, 3), _between(exam.accuracy)) if single else ()
        table.add_row(
            escape(teacher.teacher),
            *first,
            figure(teacher.macro_f1, 3),
            _between(exam.macro_f1),
            figure(teacher.kappa, 3),
            percent(teacher.answered),
        )
    return table


def _categories(report: LabelReport) -> Table:
    names = [escape(exam.report.teacher) for exam in report.examinations]
    table = figure_table("F1", "texts", *names)
    for column, key in enumerate(report.titles):
        cells = [exam.report.categories[column] for exam in report.examinations]
        table.add_row(key, f"{cells[0].support:,}", *(figure(cell.f1) for cell in cells))
    return table


def _pairs(what: str, pairs: Sequence[Pair]) -> Table:
    table = figure_table(escape(what), "texts", "same", "kappa")
    for pair in pairs:
        same = NONE if pair.same is None else percent(pair.same)
        table.add_row(escape(f"{pair.one} – {pair.other}"), f"{pair.texts:,}", same, figure(pair.kappa))
    return table


def _weights(report: LabelReport) -> Table:
    names = (escape(weight.teacher) for weight in report.weights)
    table = figure_table(f"believed by {report.method}", *names)
    table.add_row("overall", *(figure(weight.figure) for weight in report.weights), style="bold")
    for key in report.titles:
        table.add_row(key, *(figure(weight.by_category[key]) for weight in report.weights))
    return table


def _expectation(report: LabelReport) -> str:
    right = "the agreed label is right" if report.single else "all agreed labels are right"
    expected = f"Expected share of texts where {right}: [bold]{figure(report.expected, 3)}[/]"
    if report.measured is None:
        return f"{expected}."
    interval = f" [{_between(report.measured_interval)}]" if report.measured_interval else ""
    return f"{expected}; measured on golden texts: [bold]{figure(report.measured, 3)}[/]{escape(interval)}."


def _between(interval: Estimate | None) -> str:
    return NONE if interval is None or interval.low is None else f"{interval.low:.2f}–{interval.high:.2f}"
