"""One name, one number: the row of a kind is that kind's, also where a procedure chose it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from invented_parts import KEYS, random_part

from rubricator.cli.table import show_result
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.stats.bootstrap import Estimate


def figures(value: float, **options: Any) -> dict[str, Any]:
    part, rule = random_part(part="golden", **options)
    names = ("macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")
    estimate = Estimate(value, value - 0.1, value + 0.1)
    metrics = measure(part, KEYS, rule=rule, bootstrap=100)
    return replace(metrics, **dict.fromkeys(names, estimate)).as_dict()


def shown(headline: float, folder: Path, capsys, **options: Any) -> str:
    metrics = {
        "model": "heads",
        "headline": "golden",
        "parts": {"golden": figures(headline, **options)},
        "models": {"linear": figures(0.7, **options), "heads": figures(0.8, **options)},
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


def test_categories_that_macro_f1_leaves_out_are_named(tmp_path: Path, capsys) -> None:
    assert "leaves out what no text has: space." in shown(0.8, tmp_path, capsys, shares=(0.4, 0.3, 0.0))
    assert "leaves out" not in shown(0.8, tmp_path, capsys)
