"""Files of any length: nothing is lost when a run is stopped, nothing is done twice."""

from __future__ import annotations

import errno
import signal
import time
from itertools import count
from pathlib import Path

import pytest
from commands import start
from filelock import FileLock
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.config import Columns
from rubricator.errors import DataError
from rubricator.predict import Predictor, files
from rubricator.predict.files import predict_file
from rubricator.predict.once import OncePerText
from rubricator.predict.windows import WindowSize, ahead
from rubricator.records import Text
from rubricator.tables.reading import open_table, open_writer

WORDS = ("кубок", "банк", "театр", "дождь", "ставка", "гол", "роман")


class StoppedError(Exception):
    """Stands for whatever ends a run."""


@pytest.fixture
def predictor(linear_artifact, monkeypatch):
    monkeypatch.setattr(files, "_CHECKPOINT_SECONDS", 0)
    return Predictor.load(linear_artifact)


@pytest.fixture
def source(tmp_path) -> Path:
    """Forty rows, every eighth of which is empty, and every ninth of which says what the one before does."""
    path = tmp_path / "in.csv"
    with open_writer(path, ("id", "title", "text", "likes")) as writer:
        for n in range(40):
            text = "" if n % 8 == 3 else f"{WORDS[n % 7]} {n - (n % 9 == 8)}"
            writer.write([{"id": f"n{n}", "title": "", "text": text, "likes": n}])
    return path


def stop_after(predictor, monkeypatch, calls):
    """Let the model fail after so many windows."""
    predict, number = predictor.predict, count(1)

    def failing(texts):
        if next(number) > calls:
            raise StoppedError
        return predict(texts)

    monkeypatch.setattr(predictor, "predict", failing)


def cells_of(path):
    return [dict(row.cells) for batch in open_table(path).rows() for row in batch]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("windows", [0, 1, 4])
def test_a_stopped_run_goes_on_and_gives_what_an_unbroken_one_does(
    tmp_path, predictor, source, monkeypatch, suffix, windows
):
    options = {"batch": 6, "keep": True, "min_probability": 0.6}
    whole, output = tmp_path / f"whole.{suffix}", tmp_path / f"out.{suffix}"
    expected = predict_file(predictor, source, whole, **options)
    with monkeypatch.context() as patch:
        stop_after(predictor, patch, windows)
        with pytest.raises(StoppedError):
            predict_file(predictor, source, output, **options)
    assert not output.exists()
    report = predict_file(predictor, source, output, **options)
    assert cells_of(output) == cells_of(whole)
    assert report.earlier == 6 * windows
    assert (report.rows, report.rejected, report.unsure) == (35, 5, expected.unsure)
    assert (tmp_path / f"out.{suffix}.rejected.csv").read_bytes() == expected.rejected_file.read_bytes()
    ends = (suffix, f"{suffix}.rejected.csv")
    outputs = [f"{name}.{end}" for name in ("out", "whole") for end in ends]
    assert names_in(tmp_path) == sorted(["in.csv", *outputs])


def test_a_row_that_was_cut_off_by_a_kill_is_written_anew(tmp_path, predictor, source, monkeypatch):
    predict_file(predictor, source, tmp_path / "whole.csv", batch=6)
    with monkeypatch.context() as patch:
        stop_after(predictor, patch, 3)
        with pytest.raises(StoppedError):
            predict_file(predictor, source, tmp_path / "out.csv", batch=6)
    for name in ("out.csv.part", "out.csv.rejected.csv.part"):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write('n17,"sp')
    predict_file(predictor, source, tmp_path / "out.csv", batch=6)
    for end in ("csv", "csv.rejected.csv"):
        assert (tmp_path / f"out.{end}").read_bytes() == (tmp_path / f"whole.{end}").read_bytes()


def test_what_was_begun_is_not_gone_on_with_by_something_else(
    tmp_path, predictor, source, monkeypatch, make_artifact
):
    output = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        stop_after(predictor, patch, 2)
        with pytest.raises(StoppedError):
            predict_file(predictor, source, output, batch=6)
    other = Predictor.load(make_artifact(tmp_path / "other", max_characters=1999))
    with pytest.raises(DataError, match=r"12 rows are done.*because the model changed") as caught:
        predict_file(other, source, output)
    assert "--restart" in caught.value.fix
    with pytest.raises(DataError, match="because an option changed"):
        predict_file(predictor, source, output, keep=True)
    before = source.read_bytes()
    source.write_bytes(before.replace("кубок".encode(), "гонка".encode()))
    with pytest.raises(DataError, match="because the input changed"):
        predict_file(predictor, source, output)
    assert (tmp_path / "out.csv.part").exists()
    assert predict_file(predictor, source, output, restart=True).earlier == 0
    source.write_bytes(before)
    assert len(cells_of(output)) == 35


def test_a_damaged_journal_or_a_part_that_shrank_is_said(tmp_path, predictor, source, monkeypatch):
    output, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    with monkeypatch.context() as patch:
        stop_after(predictor, patch, 2)
        with pytest.raises(StoppedError):
            predict_file(predictor, source, output, batch=6)
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(DataError, match="had been written"):
        predict_file(predictor, source, output)
    part.unlink()
    with pytest.raises(DataError, match=r"out\.csv.* cannot be written"):
        predict_file(predictor, source, output)
    (tmp_path / "out.csv.journal.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        predict_file(predictor, source, output)
    assert predict_file(predictor, source, output, restart=True).rows == 35


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_that_had_not_got_their_names_get_them(tmp_path, predictor, source, monkeypatch, suffix):
    predict_file(predictor, source, tmp_path / f"whole.{suffix}")
    output, replace = tmp_path / f"out.{suffix}", Path.replace

    def failing(self, target):
        if target == output:
            raise OSError(errno.EIO, "input/output error")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        with pytest.raises(DataError, match="input/output error"):
            predict_file(predictor, source, output)
    stop_after(predictor, monkeypatch, 0)  # nothing is classified again
    report = predict_file(predictor, source, output)
    assert (report.rows, report.rejected, report.earlier) == (35, 5, 40)
    assert cells_of(output) == cells_of(tmp_path / f"whole.{suffix}")
    assert not [name for name in names_in(tmp_path) if "part" in name or "journal" in name]


def test_a_full_disk_keeps_what_was_written(tmp_path, predictor, source, monkeypatch):
    predict_file(predictor, source, tmp_path / "whole.csv", batch=6)
    append, number = files._Run._append, count()

    def full(self, output, results, journal):
        if next(number) == 3:
            monkeypatch.setattr(
                output._sink, "write", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space left"))
            )
        return append(self, output, results, journal)

    with monkeypatch.context() as patch:
        patch.setattr(files._Run, "_append", full)
        with pytest.raises(DataError, match="no space left"):
            predict_file(predictor, source, tmp_path / "out.csv", batch=6)
    assert predict_file(predictor, source, tmp_path / "out.csv", batch=6).earlier == 18
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_two_runs_do_not_write_one_output(tmp_path, predictor, source):
    with (
        FileLock(tmp_path / "out.csv.lock"),
        pytest.raises(DataError, match=r"Another process writes .*out\.csv"),
    ):
        predict_file(predictor, source, tmp_path / "out.csv")


def test_texts_that_say_the_same_go_through_the_model_once(tmp_path, predictor, monkeypatch):
    path = tmp_path / "in.csv"
    with open_writer(path, ("id", "title", "text")) as writer:
        writer.write([{"id": str(n), "title": "", "text": WORDS[n % 3]} for n in range(30)])
    passed = []
    predict = predictor.predict
    monkeypatch.setattr(predictor, "predict", lambda texts: passed.extend(texts) or predict(texts))
    report = predict_file(predictor, path, tmp_path / "out.csv", batch=4)
    assert [text.body for text in passed] == list(WORDS[:3])
    assert report.repeats == 27
    rows = cells_of(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == [str(n) for n in range(30)]
    assert rows[3] | {"id": "0"} == rows[0] != rows[1]


def test_features_and_sources_tell_texts_apart():
    texts = [
        Text(id="a", body="гол"),
        Text(id="b", body="гол", features={"desk": "sport", "likes": 1}),
        Text(id="c", body="гол", features={"desk": "sport", "likes": 2}),
        Text(id="d", body="гол", source="луг"),
        Text(id="e", title="гол"),
        Text(id="f", body="гол"),
    ]
    passed = []
    once = OncePerText(lambda some: passed.extend(some) or [text.id for text in some], ("desk",), most=2)
    assert once.results(texts) == ["a", "b", "b", "d", "e", "a"]
    assert once.results(texts[-2:]) == ["e", "f"]  # only two were remembered, the last
    assert once.results(texts[:1] + texts[3:4]) == ["f", "d"]
    assert [text.id for text in passed] == ["a", "b", "d", "e", "f", "d"]


def test_ids_of_several_rows_are_told_also_when_the_run_was_stopped_between(tmp_path, predictor, monkeypatch):
    path = tmp_path / "in.csv"
    ids = ["a", "b", "c", "b", "", "a", "a", "d"]
    with open_writer(path, ("id", "title", "text")) as writer:
        writer.write([{"id": one, "title": "", "text": f"гол {n}"} for n, one in enumerate(ids)])
    with monkeypatch.context() as patch:
        stop_after(predictor, patch, 2)
        with pytest.raises(StoppedError):
            predict_file(predictor, path, tmp_path / "out.csv", batch=2)
    repeated = predict_file(predictor, path, tmp_path / "out.csv", batch=2).repeated_ids
    assert (repeated.ids, repeated.rows) == (2, 5)
    assert sorted(repeated.places) == [(1, 6, 7), (2, 4)]
    assert [row["id"] for row in cells_of(tmp_path / "out.csv")] == [one for one in ids if one]
    no_column = predict_file(predictor, path, tmp_path / "b.csv", columns=Columns(body="text"))
    assert no_column.repeated_ids is None


def test_a_text_that_gets_no_probabilities_is_a_rejected_row(tmp_path, predictor, source, monkeypatch):
    predict = predictor.predict

    def failing(texts):
        if any(text.id == "n12" for text in texts):
            raise DataError("Some texts cannot be classified: text 'n12' gets no finite probabilities.")
        return predict(texts)

    monkeypatch.setattr(predictor, "predict", failing)
    report = predict_file(predictor, source, tmp_path / "out.csv", batch=6)
    assert (report.rows, report.rejected) == (34, 6)
    (row,) = [row for row in cells_of(report.rejected_file) if row["id"] == "n12"]
    assert row["row"] == "13"
    assert "no finite probabilities" in row["reason"]


def test_a_column_names_the_words_that_weigh_most(tmp_path, predictor, source):
    predict_file(predictor, source, tmp_path / "out.csv", explain=1)
    rows = cells_of(tmp_path / "out.csv")
    assert list(rows[0])[:3] == ["id", "labels", "words"]
    sport = rows[0]
    assert sport["words"].startswith(f"{sport['labels'] or ''}")
    (explanation,) = predictor.explain(["кубок 0"], words=1)
    assert sport["words"] == str(explanation) != ""


def test_windows_grow_until_one_takes_long():
    size = WindowSize(1000)
    windows = size.cut([n] for n in range(3000))
    lengths = []
    for seconds, window in zip((1, 1, 20, 1), windows, strict=False):
        lengths.append(len(window))
        size.took(seconds)
    assert lengths == [256, 512, 1000, 1000]
    assert [len(window) for window in windows] == [232]


def test_the_next_is_worked_out_while_one_is_used_and_errors_come_through():
    def items():
        yield 1
        yield 2
        raise StoppedError

    coming = ahead(items())
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(StoppedError):
        next(coming)
    assert list(ahead(iter([]))) == []


def test_a_stream_gives_what_predict_does_in_order(predictor):
    texts = [f"{WORDS[n % 7]} {n % 11}" for n in range(60)]
    assert list(predictor.stream(iter(texts), window=7)) == predictor.predict(texts)
    with pytest.raises(DataError, match="text '1' is empty"):
        list(predictor.stream(["гол", " "]))
    with pytest.raises(DataError, match="One text was given"):
        list(predictor.stream("гол"))


@pytest.mark.slow
def test_several_processes_give_what_one_does(tmp_path, linear_artifact, monkeypatch):
    from rubricator.predict import classifier

    monkeypatch.setattr(classifier, "_WORTH_PROCESSES", 50)
    predictor = Predictor.load(linear_artifact)
    path = tmp_path / "in.jsonl"
    with open_writer(path, ("id", "title", "text")) as writer:
        writer.write([{"id": str(n), "title": "", "text": f"{WORDS[n % 7]} {n}"} for n in range(300)])
    for workers in (1, 2):
        predict_file(predictor, path, tmp_path / f"{workers}.csv", workers=workers, batch=40, explain=2)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


@pytest.mark.slow
def test_a_killed_command_goes_on_where_it_was(tmp_path, linear_artifact):
    path = tmp_path / "in.csv"
    with open_writer(path, ("id", "title", "text")) as writer:
        writer.write([{"id": str(n), "title": "", "text": f"{WORDS[n % 7]} {n} " * 5} for n in range(6000)])
    command = ["predict", str(linear_artifact), str(path), "--workers", "1", "--batch", "256"]
    command += ["--explain", "3", "-o"]
    process = start(*command, "out.csv", cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out.csv.journal.json").exists():
        assert time.monotonic() < deadline
        assert not process.ended()
        time.sleep(0.02)
    process.send(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out.csv").exists()
    done = CliRunner().invoke(app, [*command, str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.output
    assert "had been done by an earlier run" in done.output
    rows = cells_of(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == [str(n) for n in range(6000)]
    assert len(names_in(tmp_path)) == 2
