from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rubricator.encode import Encoder, VectorCache, cache
from rubricator.errors import EncoderError
from rubricator.progress import silent


class FakeEncoder:
    """Vectors that name their text, and a note of what was asked."""

    width = 3
    fingerprint = "fake"

    def __init__(self, fails_after: int = 1_000_000) -> None:
        self.asked: list[str] = []
        self.left = fails_after

    def encode(self, contents: Sequence[str], *, progress=silent) -> np.ndarray:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        self.asked += contents
        with progress("", total=len(contents)) as step:
            step(len(contents))
        return np.array([[len(text), *text.encode()[:2]] for text in contents], dtype=np.float32)


def test_only_new_texts_are_encoded_and_each_once(tmp_path: Path) -> None:
    fake = FakeEncoder()
    vectors = VectorCache(tmp_path / "deep" / "v.sqlite3", fake)
    first = vectors.encode(["one", "two", "one"])
    np.testing.assert_array_equal(first[:, 0], [3, 3, 3])
    np.testing.assert_array_equal(first[0], first[2])
    again = VectorCache(tmp_path / "deep" / "v.sqlite3", fake).encode(["three", "two"])
    np.testing.assert_array_equal(again, [[5, *b"th"], [3, *b"tw"]])
    assert sorted(fake.asked) == ["one", "three", "two"]
    assert again.dtype == np.float32


def test_no_texts_give_no_rows(tmp_path: Path) -> None:
    assert VectorCache(tmp_path / "v", FakeEncoder()).encode([]).shape == (0, 3)


def test_another_encoder_shares_no_vectors(tmp_path: Path) -> None:
    VectorCache(tmp_path / "v", FakeEncoder()).encode(["one"])
    other = FakeEncoder()
    other.fingerprint = "other"
    VectorCache(tmp_path / "v", other).encode(["one"])
    assert other.asked == ["one"]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_CHUNK", 2)
    texts = ["aa", "bb", "cc", "dd", "ee"]
    broken = FakeEncoder(fails_after=2)
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path / "v", broken).encode(texts)
    assert len(broken.asked) == 4
    whole = FakeEncoder()
    vectors = VectorCache(tmp_path / "v", whole).encode(texts)
    assert len(whole.asked) == 1
    assert [bytes(row.astype(np.uint8)[1:]).decode() for row in vectors] == texts


def test_progress_counts_found_and_made(tmp_path: Path) -> None:
    counted: list[int] = []

    @contextmanager
    def progress(description: str, *, total: int | None):
        counted.append(-total)
        yield counted.append

    vectors = VectorCache(tmp_path / "v", FakeEncoder())
    vectors.encode(["one"])
    vectors.encode(["one", "two", "two"], progress=progress)
    assert sum(counted) == 0


def test_a_vector_of_the_wrong_size_is_made_again(tmp_path: Path) -> None:
    VectorCache(tmp_path / "v", FakeEncoder()).encode(["one"])
    with sqlite3.connect(tmp_path / "v") as database:
        database.execute("UPDATE vectors SET vector = x'00'")
    database.close()
    np.testing.assert_array_equal(VectorCache(tmp_path / "v", FakeEncoder()).encode(["one"]), [[3, *b"on"]])


def test_a_file_that_is_no_database_is_an_encoder_error(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("this is not a database " * 100)
    with pytest.raises(EncoderError, match="Delete the file"):
        VectorCache(tmp_path / "v", FakeEncoder())


def test_an_unwritable_place_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match="RUBRICATOR_CACHE"):
        VectorCache(tmp_path / "file" / "v", FakeEncoder())
    with pytest.raises(EncoderError, match="RUBRICATOR_CACHE"):
        VectorCache(tmp_path, FakeEncoder())


@pytest.mark.slow
def test_the_bundled_encoder_is_remembered_exactly(tmp_path: Path, encoder: Encoder) -> None:
    vectors = VectorCache(tmp_path / "v", encoder)
    assert vectors.fingerprint == encoder.fingerprint
    first = vectors.encode(["Кот спит на окне", "Кот"])
    np.testing.assert_array_equal(vectors.encode(["Кот", "Кот спит на окне"]), first[::-1])
