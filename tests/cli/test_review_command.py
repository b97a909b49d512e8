"""`rubricator review` as a person meets it: lines from a pipe, keys in a terminal, files."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import COMMAND
from small_project import labelled
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.dataset import files
from rubricator.review.reviews import read_reviews
from rubricator.store import Store


@pytest.fixture
def single(tmp_path):
    return labelled(tmp_path, single=True)


@pytest.fixture
def multi(tmp_path):
    return labelled(tmp_path, single=False)


def review(run, *options, keys=""):
    arguments = [
        "review",
        "-c",
        str(run.config.folder / "rubricator.yaml"),
        "--out",
        str(run.folder),
        "--by",
        "Анна",
    ]
    done = CliRunner().invoke(app, [*arguments, *options], input=keys)
    assert done.exit_code == 0, done.output
    return done.output


QUESTION = re.compile(r"── \d+ of \d+ · (.*?) ──\n(.*)\n((?:.*\n)+?.*q ends\n)")


def stored(run):
    dataset = files.read_dataset(run.folder)
    with Store.open(run.folder / "answers.sqlite") as store:
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
    return sorted(reviews.values(), key=lambda one: one.when)


def test_keys_choose_skip_take_back_and_end(single):
    said = review(single, "--count", "6", keys="1\n2\nu\n3\ns\nы\nй\n2\n")
    assert [one.categories for one in stored(single)] == [("weather",), ("food",)]
    assert said.count("2 of 6") == 2, "the answer taken back is asked for again"
    assert "Taken back." in said
    assert "5 of 6" in said
    assert "2 texts reviewed" in said


def test_a_list_of_ids_from_the_map_is_asked_about(single, tmp_path):
    part = files.read_split(single.folder).part
    taught = [text_id for text_id in part if part[text_id] != "test"][:3]
    listed = tmp_path / "ids.txt"
    listed.write_text("\ufeff" + "\n\n".join(taught) + "\n", encoding="utf-8")
    said = review(single, "--ids", str(listed), keys="1\n" * 3)
    assert "3 of 3" in said
    assert {one.text_id for one in stored(single)} == set(taught)
    assert "3 of the texts are golden, reviewed already" in review(single, "--ids", str(listed))


def test_an_empty_line_confirms_the_label(multi):
    review(multi, "--count", "30", keys="\n" * 30)
    reviews = stored(multi)
    assert len(reviews) > 15
    for one in reviews:
        assert one.categories == (() if one.shown == "blind" else one.before or ())


def test_where_there_is_no_label_nothing_can_be_confirmed(single):
    said = review(single, "--count", "1", keys="\n\n2\n")
    assert "No label yet." in said
    assert said.count("gives a category") == 3, "once as a hint, twice in answer to the empty lines"
    assert "Enter or space confirms" not in said
    assert [one.categories for one in stored(single)] == [("sport",)]


def test_keys_that_mean_nothing_change_nothing(single):
    said = review(single, "--count", "1", keys="x\n9\nй\n")
    assert stored(single) == []
    assert said.count("gives a category") == 3


@pytest.mark.parametrize("task", ["single", "multi"])
def test_a_text_that_measures_is_shown_alone(task, request):
    run = request.getfixturevalue(task)
    shown = QUESTION.findall(review(run, "--count", "30", keys="3\n" * 30))
    blind = {one.text_id for one in stored(run) if one.shown == "blind"}
    assert 2 < len(blind) < len(shown)
    ids = {text.content: text.id for text in files.read_dataset(run.folder).texts}
    for why, content, beside in shown:
        assert (why == "shown blind: it measures") == (ids[content] in blind)
        if ids[content] in blind:
            assert re.fullmatch(r"\n1 Погода  2 Спорт  3 Еда\n.*q ends\n", beside), "nothing but the keys"
        else:
            assert "rules:" in beside
    answers = stored(run)
    assert any(one.before for one in answers if one.text_id in blind), "the label not shown is kept"
    assert all(one.seconds is not None and one.taxonomy == run.taxonomy.version for one in answers)


def test_toggles_start_from_the_label_and_a_line_takes_them(multi):
    review(multi, "--count", "2", keys="1\n23\n")
    review(multi, "--count", "2", keys="\ns\n")
    first, second, third = stored(multi)
    assert set(first.categories) == set(first.before or ()) ^ {"weather"}
    assert set(second.categories) == set(second.before or ()) ^ {"sport", "food"}
    assert set(third.categories) == set(third.before or ())


def test_the_next_session_goes_on_where_the_last_one_ended(single):
    shown = re.compile(r"── \d+ of \d+ · .*? ──\n(.*)")
    first = shown.findall(review(single, "--count", "3", keys="1\n1\n1\n"))
    second = shown.findall(review(single, "--count", "3", keys="1\n1\n1\n"))
    assert len(first) == len(second) == 3
    assert not set(first) & set(second)
    assert "6 texts reviewed" in review(single, "--status")


def test_files(single, tmp_path):
    batch = tmp_path / "batch.csv"
    assert "4 texts" in review(single, "--export", str(batch), "--count", "4")
    head, *rows = batch.read_text(encoding="utf-8-sig").splitlines()
    batch.write_text("\n".join([head, rows[0] + "food", *rows[1:]]), encoding="utf-8")
    assert "1 new answers" in review(single, "--import", str(batch))
    assert [one.categories for one in stored(single)] == [("food",)]


def test_a_run_without_labels_says_what_to_do(single):
    (single.folder / "stages/labels.parquet").unlink()
    arguments = ["review", "-c", str(single.config.folder / "rubricator.yaml"), "--out", str(single.folder)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "rubricator label" in done.output


def test_the_help_teaches_with_an_example():
    done = CliRunner().invoke(app, ["review", "--help"])
    assert "rubricator review -c examples/news/rubricator.yaml" in " ".join(done.output.split())


class _Terminal:
    """The command in a terminal of its own."""

    def __init__(self, run) -> None:
        self._keys, other = pty.openpty()
        config = str(run.config.folder / "rubricator.yaml")
        self.process = subprocess.Popen(
            [COMMAND, "review", "-c", config, "--out", str(run.folder), "--by", "Анна", "--count", "5"],
            stdin=other,
            stdout=other,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "120", "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(other)
        self._shown = b""

    def press(self, key: str) -> None:
        os.write(self._keys, key.encode())

    def until(self, words: str, times: int = 1) -> str:
        """What was shown, once `words` came so many times."""
        deadline = time.monotonic() + 60
        while self._shown.decode("utf-8", "replace").count(words) < times:
            assert time.monotonic() < deadline, self._shown.decode("utf-8", "replace")
            if select.select([self._keys], [], [], 0.2)[0]:
                self._shown += os.read(self._keys, 65536)
        return self._shown.decode("utf-8", "replace")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=30)
        os.close(self._keys)


@pytest.fixture
def terminal(single):
    opened = _Terminal(single)
    yield opened
    opened.close()


@pytest.mark.slow
def test_keys_pressed_before_the_first_text_is_shown_are_no_answer_to_it(single, terminal):
    terminal.press("1")
    terminal.until("q ends")
    terminal.press("q")
    shown = terminal.until("texts reviewed")
    assert "2 of 5" not in shown


@pytest.mark.slow
def test_a_terminal_takes_single_keys_and_a_killed_session_loses_nothing(single, terminal):
    terminal.until("q ends")
    terminal.press("3")
    terminal.until("2 of 5")
    terminal.press("2")
    terminal.until("3 of 5")
    terminal.press("u")
    terminal.until("Taken back.")
    terminal.press("1")
    shown = terminal.until("3 of 5", times=2)
    assert "✓ food" in shown
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait(timeout=30)
    assert [one.categories for one in stored(single)] == [("food",), ("weather",)]


@pytest.mark.slow
def test_ending_in_a_terminal_tells_how_things_stand(single, terminal):
    terminal.until("q ends")
    terminal.press("q")
    terminal.until("0 texts reviewed")
    assert terminal.process.wait(timeout=30) == 0
    assert Path(single.folder / "answers.sqlite").is_file()


def test_the_last_answer_can_be_taken_back_too(single):
    said = review(single, "--count", "2", keys="1\n2\nu\n3\n\n")
    assert [one.categories for one in stored(single)] == [("weather",), ("food",)]
    assert said.count("2 of 2") == 2
    assert said.count("That was the last one: Enter ends, u takes back") == 2


def test_a_suggestion_that_is_on_is_shown_as_on_and_switching_it_off_is_said(multi):
    said = review(multi, "--count", "30", keys="1\n" * 30)
    for why, _, beside in QUESTION.findall(said):
        keys = beside.rstrip("\n").splitlines()[-2]
        assert ("✓" in keys) <= (why != "shown blind: it measures")
    assert re.search(r"\n\S.*0\.\d\d\n(?:  .*\n)*.*1 Погода ✓", said), "the suggestion stands above its keys"
    switched = [one for one in stored(multi) if "weather" in (one.before or ()) and one.shown == "suggested"]
    assert said.count("Погода off: ") == len(switched) > 0


def test_special_keys_store_nothing(single):
    review(single, "--count", "2", keys="\x1b[3~\n\x1b[1;5C\n2\n")
    assert [one.categories for one in stored(single)] == [("sport",)]
