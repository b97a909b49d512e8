"""The promises of stages: skipped when nothing changed, whole or absent, one process at a time."""

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from small_stages import CONFIG, TAXONOMY, hold_run

from rubricator.dataset.files import read_dataset
from rubricator.errors import ConfigError, DataError, RubricatorError
from rubricator.pipeline.stage import Run, Stage, run_stages


class TwoStages:
    """Two stages over one number: `first` writes it, `second` doubles it."""

    def __init__(self, folder: Path, number: int = 1) -> None:
        self.number, self.done, self.said = number, [], []
        self.run = Run(CONFIG, TAXONOMY, folder, say=self.said.append)
        self.fail_in = ""
        self.stages = (
            self.stage("first", (), lambda run: str(self.number)),
            self.stage("second", ("first",), lambda run: str(2 * int((run.folder / "first").read_text()))),
        )

    def stage(self, name: str, after: tuple[str, ...], make: Callable[[Run], str]) -> Stage:
        def work(run: Run) -> list[str]:
            self.done.append(name)
            run.file(name).write_text("half")
            if self.fail_in == name:
                raise KeyboardInterrupt
            run.file(name).write_text(make(run))
            return [f"{name} did"]

        return Stage(
            name=name,
            about="test",
            depends=(lambda run: {"number": str(self.number)}) if name == "first" else (lambda run: {}),
            after=after,
            writes=(name,),
            work=work,
        )

    def go(self, **options: object) -> list[str]:
        self.done.clear()
        run_stages(self.run, self.stages, **options)  # type: ignore[arg-type]
        return list(self.done)


def test_nothing_is_done_twice_and_change_reaches_only_what_depends_on_it(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    assert trained.go() == ["first", "second"]
    assert trained.go() == []
    assert "unchanged" in trained.said[-1]
    trained.number = 5
    assert trained.go() == ["first", "second"]
    assert (tmp_path / "second").read_text() == "10"
    assert trained.go(force=["first"]) == ["first"], "the same outputs do not wake the stages after"


def test_a_lost_or_altered_output_is_made_again(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    trained.go()
    (tmp_path / "second").unlink()
    assert trained.go() == ["second"]
    (tmp_path / "first").write_text("7")
    assert trained.go()[0] == "first"
    assert (tmp_path / "first").read_text() == "1"


def test_a_stage_stopped_half_way_runs_again_even_if_the_config_goes_back(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    trained.go()
    trained.number, trained.fail_in = 2, "first"
    with pytest.raises(KeyboardInterrupt):
        trained.go()
    trained.number, trained.fail_in = 1, ""
    assert trained.go() == ["first"], "its old record must not vouch for a half-written file"
    assert (tmp_path / "first").read_text() == "1"


def test_until_and_unknown_stages(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    assert trained.go(until="first") == ["first"]
    with pytest.raises(ConfigError, match=r"no stage 'third'.*\n.*first, second"):
        trained.go(until="third")
    with pytest.raises(ConfigError, match="no stage 'thrd'"):
        trained.go(force=["thrd"])


def test_a_damaged_record_means_again(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    trained.go()
    (tmp_path / "stages/first.done").write_text('{"key": ')
    assert trained.go() == ["first"]
    assert json.loads((tmp_path / "stages/first.done").read_text())["lines"] == ["first did"]


@pytest.mark.slow
def test_two_processes_cannot_work_in_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=hold_run, args=(tmp_path, ready, leave))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(RubricatorError, match="Another process"):
            TwoStages(tmp_path).go()
    finally:
        leave.set()
        other.join(30)
    assert TwoStages(tmp_path).go() == ["first", "second"]


def test_an_unwritable_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RubricatorError, match="cannot be written"):
        TwoStages(tmp_path / "file" / "run").go()


def test_an_unsettled_stage_runs_again_and_what_follows_does_not(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    settled = []
    first = replace(trained.stages[0], settled=lambda _: bool(settled))
    trained.stages = (first, trained.stages[1])
    assert trained.go() == ["first", "second"]
    assert trained.go() == ["first"]
    settled.append(True)
    assert trained.go() == ["first"]
    assert trained.go() == []


def test_a_folder_of_an_older_layout_is_told_and_done_anew(tmp_path: Path) -> None:
    trained = TwoStages(tmp_path)
    trained.go()
    assert trained.go() == []
    (tmp_path / "stages/layout").unlink()
    trained.said.clear()
    assert trained.go() == ["first", "second"], "a folder with stages and no number is of the first layout"
    assert [line for line in trained.said if "another version of Rubricator" in line] == [trained.said[0]]
    assert trained.go() == []
    (tmp_path / "stages/layout").write_text("99")
    assert trained.go() == ["first", "second"]


def test_commands_that_only_read_refuse_another_layout(tmp_path: Path) -> None:
    TwoStages(tmp_path).go()
    (tmp_path / "stages/layout").write_text("1")
    with pytest.raises(DataError, match="another version of Rubricator"):
        read_dataset(tmp_path)
