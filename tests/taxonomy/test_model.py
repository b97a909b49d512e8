from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Category, Task, Taxonomy, folded

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
        (
            "categories: [{key: a, patterns: ['((a{1000}){1000}){1000}']}, {key: b}]",
            "'((a{1000}){1000}){1000}' repeats its parts more than 100,000 times",
        ),
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


@pytest.mark.parametrize(
    ("categories", "told"),
    [
        ("{key: App}, {key: app}", "'App' (categories.0) and 'app' (categories.1) cannot be told apart"),
        (
            "{key: a, name: Прочее}, {key: b, name: прочее }",
            "'Прочее' (categories.0) and 'прочее' (categories.1)",
        ),
        ("{key: a, name: Учёба}, {key: b, name: Учеба}", "'Учёба' (categories.0) and 'Учеба' (categories.1)"),
        ("{key: a, name: Sport}, {key: sport}", "'Sport' (categories.0) and 'sport' (categories.1)"),
        ("{key: a, name: Кино  и  театр}, {key: b, name: Кино и театр}", "cannot be told apart"),
        ('{key: a, name: "Спорт\\u200b"}, {key: b, name: Спорт}', "cannot be told apart"),
        ("{key: 'a|b'}, {key: c}", "categories.0.key: 'a|b' has '|', which joins labels in files"),
        ("{key: 'a;b'}, {key: c}", "categories.0.key: 'a;b' has ';', which joins labels in files"),
        ('{key: "a\\u200b"}, {key: c}', "has '\\u200b'; use another sign"),
        ("{key: '[a]'}, {key: c}", "begins like a list"),
        ("{key: '-'}, {key: c}", "categories.0: '-' means none of the categories"),
        ("{key: a, name: '-'}, {key: c}", "categories.0: '-' means none of the categories"),
        ("{key: a, keywords: ['к*т']}, {key: c}", "categories.0.keywords: 'к*т' can never be found"),
        ("{key: a, keywords: ['*']}, {key: c}", "categories.0.keywords: '*' can never be found"),
        ("{key: a, exclude: ['']}, {key: c}", "categories.0.exclude: '' can never be found"),
        (
            "{key: a, keywords: [Банк], exclude: [банк]}, {key: c}",
            "'Банк' is always silenced by `exclude: банк`",
        ),
        ("{key: a, keywords: [банкир*], exclude: [банк*]}, {key: c}", "'банкир*' is always silenced by"),
        ("{key: yes}, {key: no}", 'categories.0.key: YAML reads yes as true; write "yes"'),
        ("{key: 010}, {key: b}", 'categories.0.key: YAML reads 010 as the number 8; write "010"'),
        ("{key: 1.10}, {key: b}", 'YAML reads 1.10 as the number 1.1; write "1.10"'),
        ("{key: 2026-01-02}, {key: b}", 'YAML reads 2026-01-02 as the date 2026-01-02; write "2026-01-02"'),
        ("{key: a, name: on}, {key: b}", 'categories.0.name: YAML reads on as true; write "on"'),
        (
            "{key: a, keywords: [да, off]}, {key: b}",
            'categories.0.keywords.1: YAML reads off as false; write "off"',
        ),
        ("{key: a b}, {key: c}", "a key has 1 to 64 letters, digits or signs, without spaces and commas"),
        ("{key: a, name: }, {key: c}", "categories.0.name: a text is expected"),
        ("{key: a}", "categories: at least 2 are needed, 1 given"),
    ],
)
def test_names_that_would_be_misread_and_words_that_are_never_found_are_refused(tmp_path, categories, told):
    with pytest.raises(TaxonomyError) as caught:
        read(tmp_path, f"categories: [{categories}]")
    assert told in caught.value.problem


def test_a_fault_that_follows_from_another_is_not_told(tmp_path):
    with pytest.raises(TaxonomyError) as caught:
        read(tmp_path, "categories: [{key: yes}, {key: no}]")
    assert "2 faults" in caught.value.problem
    assert "needed" not in caught.value.problem


@pytest.mark.parametrize(
    "categories",
    [
        "{key: C#}, {key: F#}",
        "{key: a, name: A}, {key: b, name: 'Наука, техника'}",
        "{key: a, keywords: [банк*], exclude: [банки]}, {key: b}",
        "{key: a, keywords: [.NET, C++, чат-бот*]}, {key: b}",
    ],
)
def test_what_can_be_told_apart_and_found_is_fine(tmp_path, categories):
    assert len(read(tmp_path, f"categories: [{categories}]").keys) == 2


def test_letters_of_two_signs_are_read_as_one(tmp_path):
    taxonomy = read(tmp_path, "categories: [{key: a, keywords: [\u0438\u0306од]}, {key: b}]")
    assert taxonomy["a"].keywords == ("йод",)


def test_lists_that_were_made_otherwise_stay_as_they_are():
    Taxonomy.model_validate(
        {"categories": [{"key": "App"}, {"key": "app"}, {"key": "a;b", "keywords": ["*"]}]}
    )


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    with pytest.raises(TaxonomyError, match="cannot be read"):
        Taxonomy.read(tmp_path)


@given(st.text(max_size=12))
def test_folding_is_done_once(name):
    assert folded(folded(name)) == folded(name)
