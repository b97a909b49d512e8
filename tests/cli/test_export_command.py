from __future__ import annotations

from pathlib import Path

import pytest
from small_project import project
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.cli.export import _show
from rubricator.dataset.precision_table import PrecisionRow, PrecisionTable, read_table, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a model without an encoder; its settings lie above it."""
    folder = tmp_path_factory.mktemp("export")
    project(folder, single=True)
    done = export("--out", str(folder / "run"), folder=folder)
    assert done.exit_code == 0, done.output
    return folder / "run"


def export(*arguments: str, folder: Path):
    return CliRunner().invoke(app, ["export", "-c", str(folder / "rubricator.yaml"), *arguments])


def test_a_run_is_exported_by_its_folder(run: Path) -> None:
    done = export(str(run), "--precision", "int8", folder=run.parent)
    assert done.exit_code == 0
    assert "there is nothing to quantise" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--precision", "int4"), "export.precision"),
        (("--runtime", "torch"), "export.runtime"),
        (("--max-accuracy-drop", "2"), "export.max_accuracy_drop"),
        (("--max-flips", "-1"), "export.max_flips"),
        (("--for", "ever"), "export.serves"),
        (("--out", "elsewhere"), "two folders"),
    ],
)
def test_wrong_options_are_named(run: Path, arguments: tuple[str, ...], said: str) -> None:
    done = export(str(run), *arguments, folder=run.parent)
    assert done.exit_code == 2
    assert said in done.output


def test_what_is_no_run_is_not_made_one(run: Path, tmp_path: Path) -> None:
    done = export(str(tmp_path / "nowhere"), folder=run.parent)
    assert done.exit_code == 2
    assert "is not the folder of a run" in " ".join(done.output.split())
    assert not (tmp_path / "nowhere").exists()


def test_the_table_is_kept_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"figure": 0.9, "drop": -0.001, "flips": 0.004, "worst": 0.02, "texts_per_second": 90.5}
    speed = {"tokens_per_second": 2000.0, "p50": 0.0123, "p95": 0.02, "bytes": 2**27, "memory": None}
    row = PrecisionRow(
        name="OpenVINO int8", variants={"base": "OpenVINO int8"}, kept=True, **figures, **speed
    )
    table = PrecisionTable(
        metric="macro_f1",
        about="many texts",
        texts=250,
        reference=0.899,
        processor="a processor",
        cores=2,
        rounds=5,
        max_accuracy_drop=0.005,
        max_flips=0.01,
        serves="both",
        chosen=row.name,
        fastest=dict.fromkeys(("bulk", "single", "both"), row.name),
        rows=(row,),
        left_out={"OpenVINO bf16": "this processor does not compute in bf16"},
        vocabulary={"base": (250_002, 50_580)},
    )
    write_table(tmp_path, table)
    assert read_table(tmp_path) == table
    assert table.to_frame()["chosen"].to_list() == [True]
    _show(table)
    shown = capsys.readouterr().out
    for said in ("OpenVINO int8", "0.40%", "12 ms", "128 MiB", "chosen", "not tried", "a processor"):
        assert said in shown
