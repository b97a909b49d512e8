"""Bars in a terminal and in a notebook, lines in a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from rubricator.project import progress
from rubricator.project.progress import bars, show_counts


def test_in_a_notebook_a_line_is_drawn_anew_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    handle = SimpleNamespace(update=drawn.append)
    display = SimpleNamespace(HTML=lambda text: text, display=lambda first, display_id: handle)
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    ipython.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(progress, "_DRAWN_SECONDS", 0.0)
    with bars("Reading <all>", total=4) as advance:
        advance(1)
        advance(3, "nearly there")
    assert "Reading &lt;all&gt; █████░░░" in drawn[0]
    assert "4 of 4" in drawn[1]
    assert "nearly there" in drawn[1]
    assert drawn[2] == ""


def test_without_a_screen_the_log_tells(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LOGGED_SECONDS", 0.0)
    with caplog.at_level("INFO"), bars("Reading", total=None) as advance:
        advance(2)
    assert caplog.messages == ["Reading: 2"]
    assert capsys.readouterr() == ("", "")


def test_the_time_left_is_told_in_words_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with contextmanager(show_counts)("Asking", 1000, lines.append, every=15.0) as advance:
        for seconds in (20, *[15] * 6):
            now += seconds
            advance(1, "0.2 spent")
    assert lines[0] == "Asking: 1 of 1,000; 0.2 spent"
    assert lines[-1] == "Asking: 7 of 1,000, 0.1/s, 4 h 8 min left; 0.2 spent"


def test_a_terminal_shows_a_bar_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with bars("Reading", total=2) as advance:
        advance(1)
        advance(1, "done")
    out, err = capsys.readouterr()
    assert out == ""
    assert "Reading" in err
