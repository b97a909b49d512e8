"""`rubricator audit`: the labels that are worth a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides
from rubricator.pages.formatting import excerpt

if TYPE_CHECKING:
    from rubricator.pipeline.audit import Finding

_EXCERPT = 100


def audit_labels(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    top: Annotated[int, typer.Option(min=0, help="How many to show here; the file holds all.")] = 20,
) -> None:
    """List labels that are probably wrong, the most doubtful first.

    A label is suspected if models that never saw it disagree (confident learning), if a near-duplicate is
    labelled otherwise, or if the teachers are sure of different things. Texts are labelled first where
    something changed.

    Example: `rubricator audit -c examples/news/rubricator.yaml --top 10`
    """
    from rubricator.cli.stages import go
    from rubricator.pipeline.audit import AUDIT, write_audit

    run = go(config, overrides, out_folder, until="label")
    findings = write_audit(run)
    if findings and top:
        out.print(_table(findings[:top]))
    reasons = Counter(reason for finding in findings for reason in finding.suspect.reasons)
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    out.print(f"{len(findings):,} labels to look at{f' ({counts})' if counts else ''}: {run.folder / AUDIT}")


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("#", "score"):
        table.add_column(heading, justify="right")
    for heading in ("label → suggestion", "text"):
        table.add_column(heading, overflow="fold")
    for rank, finding in enumerate(findings, start=1):
        text, label, suspect = finding.text, finding.label, finding.suspect
        current, suggestion = ",".join(label.categories) or "–", ",".join(suspect.suggestion) or "–"
        change = current if current == suggestion else f"{current} → {suggestion}"
        table.add_row(
            str(rank),
            f"{suspect.score:.2f}",
            f"{escape(change)}\n[dim]{', '.join(suspect.reasons)} ({label.origin})[/]",
            f"[dim]{escape(text.id)}[/] {escape(excerpt(' '.join(text.content.split()), _EXCERPT))}",
        )
    return table
