"""One name, one number: the row of a kind is that kind's, also where a procedure chose it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rubricator.cli.table import show_result


def figures(value: float) -> dict[str, Any]:
    estimate = {"value": value, "low": value - 0.1, "high": value + 0.1}
    names = ("macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")
    facts = {"part": "golden", "texts": 120, "about": "invented", "confidence": 0.95, "categories": []}
    return facts | dict.fromkeys(names, estimate)


def shown(headline: float, folder: Path, capsys) -> str:
    metrics = {
        "model": "heads",
        "headline": "golden",
        "parts": {"golden": figures(headline)},
        "models": {"linear": figures(0.7), "heads": figures(0.8)},
    }
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    show_result(folder, config=folder / "rubricator.yaml")
    return capsys.readouterr().out


def test_the_procedure_and_the_kind_that_it_chose_are_told_apart(tmp_path: Path, capsys) -> None:
    rows = [line.split() for line in shown(0.75, tmp_path, capsys).splitlines()]
    assert next(row for row in rows if row[:2] == ["whole", "procedure"])[2] == "0.750"
    assert next(row for row in rows if row[:2] == ["heads", "(chosen)"])[2] == "0.800"


def test_where_they_are_the_same_there_is_one_row(tmp_path: Path, capsys) -> None:
    out = shown(0.8, tmp_path, capsys)
    assert "whole procedure" not in out
    assert out.count("(chosen)") == 1
