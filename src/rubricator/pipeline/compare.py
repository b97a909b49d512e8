"""Compare: runs side by side on the texts that all of them were measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rubricator.evaluate.comparison.compare import Comparison, compare_runs
from rubricator.evaluate.comparison.page import write_comparison, write_comparison_json
from rubricator.evaluate.comparison.runs import read_runs


def compare(folders: Sequence[Path], *, page: Path | None = None, json: Path | None = None) -> Comparison:
    """Compare runs with the first; write a page, and every figure and changed text as JSON, if asked to.

    Raises:
        DataError: Fewer than two folders, one that holds no measured run, nothing in common, or a file that
            cannot be written.
    """
    comparison = compare_runs(read_runs(folders))
    if page:
        write_comparison(page, comparison)
    if json:
        write_comparison_json(json, comparison)
    return comparison
