"""The reference: whole after a round trip, refused where damaged, absent in older artifacts without harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from rubricator.artifact import read_artifact
from rubricator.errors import DataError
from rubricator.monitor.observe import packed, projected, unknown_share, unpacked, vocabulary_of
from rubricator.monitor.reference import make_reference, parse_reference, read_reference, reference_bytes
from rubricator.monitor.sample import Sample
from rubricator.pipeline.reference import reference_of_table
from rubricator.predict import Predictor
from rubricator.records import Text


def same(one: Sample, other: Sample) -> bool:
    return all(
        np.allclose(getattr(one, name), getattr(other, name), atol=1e-2, equal_nan=True)
        if getattr(one, name).dtype.kind == "f"
        else (getattr(one, name) == getattr(other, name)).all()
        for name in one.__dataclass_fields__
        if name != "features"
    )


def test_what_is_written_is_read_again(invented):
    data = reference_bytes(invented)
    read = parse_reference(data)
    assert same(read.sample, invented.sample)
    assert (read.space, read.titles, read.model) == (
        invented.space,
        invented.titles,
        invented.model,
    )
    assert (read.truth == invented.truth).all()
    assert (
        read.digest
        == parse_reference(data).digest
        != parse_reference(reference_bytes(replace(invented, about="others"))).digest
    )


@pytest.mark.parametrize("damage", [lambda d: d[:100], lambda d: b"x" + d[1:], lambda d: b""])
def test_a_damaged_reference_is_refused(invented, damage):
    with pytest.raises(DataError, match="cannot be read"):
        parse_reference(damage(reference_bytes(invented)))


def test_an_artifact_of_an_older_version_serves_and_says_that_it_has_none(linear_artifact):
    assert Predictor.load(linear_artifact).reference is None
    with pytest.raises(DataError, match="has no reference"):
        read_reference(linear_artifact)


def test_an_artifact_carries_its_reference_and_names_its_model(make_artifact, tmp_path, invented):
    folder = make_artifact(tmp_path / "artifact", reference=reference_bytes(replace(invented, model="")))
    read = read_reference(folder)
    assert read.model == read_artifact(folder).manifest.identifier
    assert same(read.sample, invented.sample)


def test_a_reference_of_a_table_is_what_the_artifact_says_of_it(linear_artifact, tmp_path):
    table = tmp_path / "texts.csv"
    rows = [f"{n},Заголовок {n},Хоккеисты забили {n} шайб" for n in range(220)]
    table.write_text("id,title,text\n" + "\n".join(rows), encoding="utf-8")
    made = reference_of_table(linear_artifact, table, tmp_path / "reference.safetensors")
    read = read_reference(tmp_path / "reference.safetensors")
    predictor = Predictor.load(linear_artifact)
    (prediction,) = predictor.predict([Text(id="7", title="Заголовок 7", body="Хоккеисты забили 7 шайб")])
    at = read.sample.ids.tolist().index("7")
    assert read.sample.probabilities[at] == pytest.approx(list(prediction.probabilities.values()), abs=1e-6)
    assert read.model == predictor.manifest.identifier
    assert len(made.vocabulary) == 4


def test_a_reference_of_a_table_counts_unknown_words_as_the_service_of_the_artifact_does(
    make_artifact, tmp_path, invented
):
    own = replace(invented, model="", vocabulary=vocabulary_of(["Хоккеисты забили", "Хоккеисты забили"]))
    artifact = make_artifact(tmp_path / "artifact", reference=reference_bytes(own))
    table = tmp_path / "texts.csv"
    rows = [f"{n},,Хоккеисты забили много шайб" for n in range(220)]
    table.write_text("id,title,text\n" + "\n".join(rows), encoding="utf-8")
    made = reference_of_table(artifact, table, tmp_path / "reference.safetensors")
    assert made.vocabulary.tolist() == own.vocabulary.tolist()
    assert set(made.sample.unknown) == {0.5}


def test_too_small_a_table_is_refused(linear_artifact, tmp_path):
    table = tmp_path / "texts.csv"
    table.write_text("id,title,text\n1,а,Хоккей и футбол\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 rows"):
        reference_of_table(linear_artifact, table, tmp_path / "reference.safetensors")
    assert not (tmp_path / "reference.safetensors").exists()


def test_of_too_many_texts_some_are_drawn(invented):
    texts = [Text(id=str(n), body="а", content=f"слово {n % 7}") for n in range(6000)]
    observed = np.full((6000, 3), 0.2), np.zeros((6000, 3), dtype=bool), np.full((6000, 32), np.nan)
    made = make_reference(texts, observed, invented.space, titles={}, about="", known=["слово", "слово"])
    assert len(made.sample) == 5000
    assert made.sample.unknown.max() == 0.5


@given(st.text(max_size=300), st.lists(st.text(max_size=50), max_size=5))
def test_the_share_of_unknown_words_is_a_share_of_any_text(content, known):
    vocabulary = vocabulary_of([*known, *known])
    assert 0 <= unknown_share(content, vocabulary) <= 1
    assert unknown_share(content, vocabulary_of([content, content])) == 0


def test_a_projection_keeps_distances_and_fits_into_64_bytes():
    vectors = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    small = projected(vectors)
    ratios = pdist(small) / pdist(vectors)
    assert abs(ratios.mean() - 1) < 0.05
    assert ratios.std() < 0.2
    data = packed(small[0])
    assert len(data) == 64
    assert unpacked(data) == pytest.approx(small[0], rel=1e-2)
    assert unpacked(b"short") is None
