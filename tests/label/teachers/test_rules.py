"""The rules teacher: what hits, what does not, and what it says about it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.label.teachers import rules
from rubricator.label.teachers.rules import RulesTeacher
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy


def taxonomy(**category):
    return Taxonomy.model_validate({"categories": [{"key": "a", **category}, {"key": "b"}]})


def hits(content, **category):
    (answer,) = RulesTeacher(taxonomy(**category)).ask([Text(id="1", content=content)])
    assert answer.status is Status.OK
    evidence = json.loads(answer.raw)
    assert answer.scores == {key: len(found) for key, found in evidence.items()}
    return evidence.get("a", [])


@pytest.mark.parametrize(
    ("keyword", "content", "expected"),
    [
        ("матч", "Матч отложен", ["Матч"]),
        ("матч", "матчи отложены", []),
        ("матч", "рематч", []),
        ("матч*", "МАТЧИ отложены", ["МАТЧИ"]),
        ("матч*", "отличный матч.", ["матч"]),
        ("матч*", "▶️Матч начался", ["Матч"]),
        ("самолёт*", "Самолеты вылетели", ["Самолеты"]),
        ("самолет*", "Самолёт вылетел", ["Самолёт"]),
        ("елка", "ЁЛКА", ["ЁЛКА"]),
        ("центральн* банк*", "глава Центрального\n банка", ["Центрального\n банка"]),
        ("центральн* банк*", "центрального и банка", []),
        ("рост цен", "Рост  цен", ["Рост  цен"]),
        ("c++", "язык C++ и c", ["C++"]),
        ("3.5", "версия 3.5, не 3x5", ["3.5"]),
        ("«Оскар»", "премия «Оскар»", ["«Оскар»"]),
        (" * ", "что угодно", []),
        ("нато", "НАТО-2030", ["НАТО"]),
        ("МОК", "смок", []),
    ],
)
def test_keywords(keyword, content, expected):
    assert hits(content, keywords=[keyword]) == expected


def test_each_rule_counts_once_however_often_it_hits():
    assert hits("Гол, ещё гол и матч, матчи", keywords=["гол", "матч*"]) == ["Гол", "матч"]


def test_the_longer_phrase_speaks_first():
    assert hits("Банк России", keywords=["банк", "банк России"]) == ["Банк России"]
    found = hits("Центральный банк и другой банк", keywords=["банк", "центральный банк"])
    assert found == ["Центральный банк", "банк"]


def test_patterns_search_anywhere_and_keep_their_own_groups():
    assert hits("счёт 3:2, потом 4:2", patterns=[r"(\d):\d", r"п(о)т\1м", "ё"]) == ["3:2", "потом", "ё"]


def test_an_empty_match_is_no_hit():
    assert hits("слово", patterns=["x*"]) == []


def test_exclude_silences_the_category_only():
    both = {
        "categories": [
            {"key": "a", "keywords": ["лев"], "exclude": ["гороскоп*"]},
            {"key": "b", "keywords": ["лев"]},
        ]
    }
    (answer,) = RulesTeacher(Taxonomy.model_validate(both)).ask(
        [Text(id="1", content="Лев: гороскоп на май")]
    )
    assert answer.scores == {"b": 1}


def test_no_hit_is_abstained_from_not_denied():
    (answer,) = RulesTeacher(taxonomy(keywords=["матч"])).ask([Text(id="1", content="Дождь")])
    assert (answer.status, answer.scores) == (Status.OK, {})


def test_a_pattern_that_backtracks_fails_the_text_and_not_the_run(monkeypatch):
    monkeypatch.setattr(rules, "_TIMEOUT_SECONDS", 0.05)
    teacher = RulesTeacher(taxonomy(patterns=[r"(\w|\w\w)+[!?]$"]))
    slow, quick = teacher.ask([Text(id="1", content="ы" * 60 + "-"), Text(id="2", content="да!")])
    assert (slow.status, slow.scores) == (Status.FAILED, {})
    assert (quick.status, quick.scores) == (Status.OK, {"a": 1})


def test_the_key_changes_with_what_could_change_the_answer():
    text = Text(id="1", title="Т", content="матч")
    key = RulesTeacher(taxonomy(keywords=["матч"])).key
    assert key(text) == key(Text(id="2", content="матч"))
    others = [
        RulesTeacher(taxonomy(keywords=["матч*"])),
        RulesTeacher(taxonomy(patterns=["матч"])),
        RulesTeacher(taxonomy(exclude=["матч"])),
        RulesTeacher(taxonomy(keywords=["матч"]), name="other"),
    ]
    keys = {teacher.key(text) for teacher in others}
    assert len(keys | {key(text), key(Text(id="1", content="мат"))}) == 6
    assert RulesTeacher(taxonomy(keywords=["матч"], description="Спорт")).key(text) == key(text)


@settings(deadline=None)
@given(st.text(alphabet="абвёЁ*+.( )\\", min_size=1, max_size=12))
def test_any_keyword_without_a_star_finds_itself(keyword):
    words = keyword.replace("*", "").split()
    if words:
        assert hits(" ".join(words), keywords=[" ".join(words)]) == [" ".join(words)]
