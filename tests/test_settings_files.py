from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rubricator.settings_files import SettingsFileError, parse_yaml, read_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12)
)


@given(VALUES)
def test_what_people_write_is_read_as_ever(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert parse_yaml(text) == yaml.safe_load(text)


def test_references_and_merges_that_people_write_are_read() -> None:
    text = "base: &base {a: 1, b: [x, y]}\none: {<<: *base, b: 2}\ntwo: [*base, *base]\n"
    assert parse_yaml(text) == yaml.safe_load(text)


# The YAML library has a bound of its own, which it may reach first: it reads ahead.
DEEP = "nested deeper than 50 levels|exceeded maximum nesting depth"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LAUGHS, "more than 200,000 values"),
        (MERGES, "more than 200,000 values"),
        ("".join(f"k{n}: {n}\n" for n in range(100_001)), "more than 200,000 values"),
        ("[" * 100_000, DEEP),
        ("{a: " * 100_000, DEEP),
        ("- " * 10_000, DEEP),
        ("a: &a [*a]", r"line 1: \*a refers to itself"),
        ("a: *b", "undefined alias"),
        ("a: 2026-13-45", "month must be in"),
        ("a: " + "9" * 5000, "4300"),
        ("a: 'x", "line 1, column "),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_what_is_no_yaml_or_a_bomb_is_refused_at_once(text: str, problem: str) -> None:
    started = time.monotonic()
    with pytest.raises(SettingsFileError, match=problem):
        parse_yaml(text)
    assert time.monotonic() - started < 5


def test_a_fault_does_not_repeat_the_line_around_it() -> None:
    with pytest.raises(SettingsFileError) as caught:
        parse_yaml("password: hunter2\nother: 'hunter2\n")
    assert "hunter2" not in str(caught.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b" " * (2**24 + 1))
    for name, problem in {"binary": "no text in UTF-8", "large": "more than", ".": "directory"}.items():
        with pytest.raises(SettingsFileError, match=problem):
            read_text(tmp_path / name)
    with pytest.raises(SettingsFileError, match="too long"):
        read_text(tmp_path / ("n" * 300))
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent")
