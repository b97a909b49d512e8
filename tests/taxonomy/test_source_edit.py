"""A taxonomy file changes only where it must."""

from difflib import unified_diff
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.taxonomy import Category, Taxonomy, changes
from rubricator.taxonomy.source_edit import edited, written

SOURCE = """# Рубрики городской газеты.
name: city
task: multi-label   # или одна

categories:
  - key: roads       # улицы и мосты
    name: Дороги
    # Словами текстов.
    description: >-
      Ремонт улиц, мосты и объезды,
      светофоры и пробки
    keywords: [мост*, пробк*,
               светофор*]

  # Всё о погоде.
  - key: weather
    name: Погода
    keywords: [дождь, снег]
  - key: sport
    description: матчи
# конец
"""
LIST = Taxonomy.parse(SOURCE, where="city.yaml")


def changed_lines(after, **options):
    new = edited(SOURCE, after, **options)
    assert Taxonomy.parse(new, where="new") == after
    lines = list(unified_diff(SOURCE.splitlines(), new.splitlines(), lineterm="", n=0))
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def test_a_new_category_comes_at_the_end_and_nothing_else_changes():
    change = changes.add(LIST, Category(key="food", name="Еда", keywords=("суп", "no: yes")))
    assert changed_lines(change.after) == [
        "+",
        "+  - key: food",
        "+    name: Еда",
        "+    keywords: [суп, 'no: yes']",
    ]


def test_a_removed_category_takes_the_comment_above_it_along():
    lines = changed_lines(changes.remove(LIST, "weather").after)
    assert "-  # Всё о погоде." in lines
    assert all(line.startswith("-") for line in lines)


def test_a_renamed_key_changes_its_line_alone():
    change = changes.rename(LIST, "roads", "streets")
    assert changed_lines(change.after, renamed=change.renamed) == [
        "-  - key: roads       # улицы и мосты",
        "+  - key: streets       # улицы и мосты",
    ]


def test_another_description_leaves_comments_and_other_fields():
    change = changes.describe(LIST, "roads", {"description": "Асфальт: ямы и бордюры"})
    assert changed_lines(change.after) == [
        "-    description: >-",
        "-      Ремонт улиц, мосты и объезды,",
        "-      светофоры и пробки",
        "+    description: 'Асфальт: ямы и бордюры'",
    ]


def test_a_field_that_was_not_there_comes_in_its_place_and_one_that_goes_leaves_no_line():
    change = changes.describe(LIST, "weather", {"description": "ливни", "keywords": ()})
    assert changed_lines(change.after) == ["-    keywords: [дождь, снег]", "+    description: ливни"]


@pytest.mark.parametrize(
    "source",
    [
        "categories: [{key: a, keywords: [x]}, {key: b}]",
        "categories:\n- &one {key: a, keywords: [x]}\n- key: b\n  keywords: [y]\n",
        "words: &w [x]\ncategories:\n- {key: a}\n- {key: b}\n",
    ],
)
def test_what_cannot_be_spliced_is_written_anew_and_right(source):
    plain = source.replace("words: &w [x]\n", "")
    before = Taxonomy.parse(plain, where="x")
    after = changes.describe(before, "a", {"keywords": ("z",), "description": "да: нет"}).after
    assert Taxonomy.parse(edited(plain, after), where="x") == after


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Co", "Cn"]), max_size=150)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": WORDS.map(lambda text: "".join(text.split())),
        "description": WORDS.map(lambda text: " ".join(text.split())),
        "keywords": st.lists(st.from_regex(r"[а-я:#'\"]{1,12}", fullmatch=True), max_size=20).map(tuple),
    },
)


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.sampled_from(LIST.keys), st.booleans())
def test_the_edited_source_says_what_was_meant_and_keeps_the_others(fields, key, crlf):
    source = SOURCE.replace("\n", "\r\n") if crlf else SOURCE
    new = Category.model_validate({**LIST[key].model_dump(), **fields})
    after = LIST.model_copy(update={"categories": tuple(new if c.key == key else c for c in LIST.categories)})
    said = edited(source, after)
    assert Taxonomy.model_validate(yaml.safe_load(said)) == after
    assert said.count("#") >= SOURCE.count("#")


def test_a_list_written_anew_reads_as_it_was():
    for folder in ("news", "reviews", "videos"):
        shipped = Taxonomy.read(Path(__file__).parents[2] / "examples" / folder / "taxonomy.yaml")
        assert Taxonomy.parse(written(shipped), where=folder) == shipped
