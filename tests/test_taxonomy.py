from pathlib import Path

import pytest

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Category, Task, Taxonomy

TWO = "categories: [{key: sport}, {key: culture}]"


def read(folder: Path, content: str) -> Taxonomy:
    path = folder / "taxonomy.yaml"
    path.write_text(content, encoding="utf-8")
    return Taxonomy.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("categories: [{key: a}, {key: a}]", "share the key 'a'"),
        ("categories: [{key: ''}, {key: b}]", "categories.0.key"),
        ("categories: [{key: '  '}, {key: b}]", "categories.0.key"),
        ("categories: [{key: 'a,b'}, {key: c}]", "categories.0.key"),
        ("categories: [{key: a}]", "categories"),
        ("", "categories: is required"),
        ("categories: [{key: a, keyword: [x]}, {key: b}]", "did you mean 'keywords'"),
        ("categories: [{key: a, patterns: ['(']}, {key: b}]", "is not a regular expression"),
        (f"none: other\n{TWO}", "'other' is not the key of a category"),
        ("task: both\n" + TWO, "task"),
        ("categories: [", "cannot be read as YAML"),
    ],
)
def test_faulty_taxonomies_are_refused_with_their_place(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        read(tmp_path, content)
    assert said in str(caught.value)


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="There is no taxonomy file"):
        Taxonomy.read(tmp_path / "none.yaml")


def test_a_folder_is_no_taxonomy(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot be read as YAML in UTF-8: Is a directory"):
        Taxonomy.read(tmp_path)


def test_the_version_follows_every_word_and_the_order(tmp_path: Path) -> None:
    base = read(tmp_path, TWO)
    assert base.version == read(tmp_path, TWO).version
    changed = [
        "categories: [{key: culture}, {key: sport}]",
        "categories: [{key: sport, description: клубы}, {key: culture}]",
        "task: single-label\n" + TWO,
        "name: x\n" + TWO,
    ]
    versions = {base.version, *(read(tmp_path, content).version for content in changed)}
    assert len(versions) == 1 + len(changed)


def test_names_fall_back_to_keys_and_unknown_keys_are_errors() -> None:
    taxonomy = Taxonomy(task=Task.SINGLE_LABEL, categories=(Category(key="a", name="Ааа"), Category(key="b")))
    assert [taxonomy[key].title for key in taxonomy.keys] == ["Ааа", "b"]
    assert taxonomy.single
    with pytest.raises(KeyError):
        taxonomy["z"]
