"""What a terminal sends for a key, and what it may never be taken for."""

import io
import os
import pty
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.cli.keys import CONFIRM, keyboard

SPECIAL = {
    "Delete": "\x1b[3~",
    "Insert": "\x1b[2~",
    "Home": "\x1b[1~",
    "Page Up": "\x1b[5~",
    "arrow up": "\x1b[A",
    "arrow with Ctrl": "\x1b[1;5C",
    "application arrow": "\x1bOA",
    "F1": "\x1bOP",
    "F1 of a console": "\x1b[[A",
    "F5": "\x1b[15~",
    "Delete with Alt": "\x1b\x1b[3~",
    "Alt with 3": "\x1b3",
    "Escape": "\x1b",
}


@pytest.fixture
def terminal(monkeypatch):
    """A terminal at the standard input; returns where its keys are pressed."""
    hand, place = pty.openpty()
    with os.fdopen(place, encoding="utf-8") as keys:
        monkeypatch.setattr("sys.stdin", keys)
        yield hand
    os.close(hand)


def pressed(terminal, *chunks):
    """The keys that come of signs sent one after another, up to Ctrl-D."""

    def press():
        for chunk in (*chunks, "\x04"):
            os.write(terminal, chunk.encode())
            time.sleep(0.005)

    with keyboard(toggles=False) as keys:
        hand = threading.Thread(target=press)
        hand.start()
        found = list(keys)
        hand.join()
    return found


@pytest.mark.parametrize("name", [name for name in SPECIAL if name != "Escape"])
def test_special_keys_mean_nothing(terminal, name):
    keys = pressed(terminal, "1", SPECIAL[name], "2")
    assert [key for key in keys if key != "\x1b"] == ["1", "2"]


def test_a_key_that_comes_in_pieces_is_one_key(terminal):
    assert pressed(terminal, "\x1b", "[", "3", "~", "u") == ["\x1b", "u"]


def test_letters_of_a_russian_layout_and_confirming_keys(terminal):
    assert pressed(terminal, "ыгй", " ", "\r") == ["s", "u", "q", CONFIRM, CONFIRM]


@given(st.lists(st.sampled_from([*SPECIAL.values(), "x", "1"]), min_size=1, max_size=4))
def test_special_keys_in_a_pipe_mean_nothing_and_confirm_nothing(line):
    line = [sign for sign in line if sign != SPECIAL["Escape"]] or ["1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO("".join(line) + "\n"))
        with keyboard(toggles=False) as keys:
            assert [key for key in keys if key != "\x1b"] == [sign for sign in line if sign in ("x", "1")]
