"""One matcher of words and phrases: the rule teacher and the cascade find the same."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.label.teachers.rules import RulesTeacher
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy, sound_word
from rubricator.text_rules.matcher import WordMatcher, fold, tokens
from rubricator.text_rules.rules import RuleSet
from rubricator.text_rules.rules_file import taxonomy_rules


def taxonomy(*keywords: str, exclude: tuple[str, ...] = ()) -> Taxonomy:
    category = {"key": "a", "keywords": keywords, "exclude": exclude}
    return Taxonomy.model_validate({"categories": [category, {"key": "b"}]})


def teacher_hits(content: str, rules: Taxonomy) -> list[str]:
    (answer,) = RulesTeacher(rules).ask([Text(id="1", content=content)])
    assert answer.status is Status.OK
    evidence: list[str] = json.loads(answer.raw).get("a", [])
    return evidence


def cascade_holds(content: str, rules: Taxonomy) -> bool:
    return bool(RuleSet(taxonomy_rules(rules)).holds([content], [{}]).any())


@pytest.mark.parametrize(
    ("keyword", "content", "expected"),
    [
        ("центральный банк", "Центральный, банк молчит", "Центральный, банк"),
        ("центральный банк", "центральный — «банк»", "центральный — «банк"),
        ("центральный банк", "центральный и банк", None),
        ("центральный банк", "центральный 1 банк", None),
        ("e mail", "мой E-mail прежний", "E-mail"),
        ("e-mail", "мой e mail прежний", "e mail"),
        ("e-mail", "мой email прежний", None),
        ("пресс* секретар*", "Пресс-секретарём стал", "Пресс-секретарём"),
        ("ёлк*", "две ЕЛКИ", "ЕЛКИ"),
        ("C++", "язык c++, а не c", "c++"),
        ("C++", "C++17", None),
        ("язык C++", "язык — C++", "язык — C++"),
        (".NET", "платформа .net", ".net"),
        (".NET", "сеть net", None),
        ("№ 1", "школа № 1", "№ 1"),
        ("«Оскар»", "премия Оскар", None),
        ("☂", "зонт ☂", "☂"),
        ("т.д.", "и т.д. и т.п.", "т.д."),
    ],
)
def test_both_find_a_keyword_in_the_same_texts(keyword: str, content: str, expected: str | None) -> None:
    rules = taxonomy(keyword)
    assert teacher_hits(content, rules) == ([] if expected is None else [expected])
    assert cascade_holds(content, rules) is (expected is not None)


WORDS = st.text("аеёБб1+.-«*", min_size=1, max_size=5)
PHRASES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(PHRASES, min_size=1, max_size=4),
    st.lists(PHRASES, max_size=1),
    st.text("аеёБб1+.-« ,—", max_size=24),
)
def test_any_keywords_hit_in_both_or_in_neither(
    keywords: list[str], exclude: list[str], content: str
) -> None:
    rules = taxonomy(*keywords, exclude=tuple(exclude))
    assert bool(teacher_hits(content, rules)) is cascade_holds(content, rules)


@settings(deadline=None)
@given(
    st.lists(st.text("абвё1", min_size=1, max_size=4), min_size=1, max_size=3),
    st.text(" ,.-—«»!\n", min_size=1),
)
def test_whatever_stands_between_the_words_of_a_phrase(words: list[str], between: str) -> None:
    content = between.join(words)
    assert teacher_hits(content.upper(), taxonomy(" ".join(words))) == [content.upper()]
    assert cascade_holds(content.upper(), taxonomy(" ".join(words)))


@settings(deadline=None)
@given(st.text("абё ", max_size=12), st.integers(0, 4))
def test_a_star_stands_for_any_ending(content: str, length: int) -> None:
    for token in tokens(content):
        assert teacher_hits(content, taxonomy(f"{token[:length] or token}*"))


def test_the_longer_of_overlapping_keywords_speaks() -> None:
    rules = taxonomy("банк", "центральный банк", "банк*")
    assert teacher_hits("Центральный банк, другой банк и банковский день", rules) == [
        "Центральный банк",
        "банк",
        "банковский",
    ]
    assert teacher_hits(
        "банк России и центральный банк России", taxonomy("банк России", "центральный банк")
    ) == [
        "банк России",
        "центральный банк",
    ]


@pytest.mark.parametrize("word", ["", " ", "*", " * ", "a*b", "*бан", "бан* *", "«бан*»"])
def test_what_cannot_be_looked_for(word: str) -> None:
    with pytest.raises(ValueError, match="only at the end"):
        sound_word(word)


def test_a_keyword_that_cannot_be_looked_for_is_left_out_of_both(caplog: pytest.LogCaptureFixture) -> None:
    rules = taxonomy("бан*к", "рек*")
    assert teacher_hits("бан*к у реки", rules) == ["реки"]
    assert cascade_holds("бан*к", rules) is False
    assert caplog.text.count("only at the end") == 2


def test_folding_keeps_the_length_and_a_long_casefold_is_found() -> None:
    assert len(fold("Ё▶️ß")) == len("Ё▶️ß")
    matcher = WordMatcher(["strasse"])
    assert list(matcher.occurrences("die Straße!")) == [(0, 4, 10)]


def test_signs_that_repeat_do_not_take_forever() -> None:
    rules = taxonomy("☂ ☂ ☂ ☂ x")
    started = time.monotonic()
    (answer,) = RulesTeacher(rules).ask([Text(id="1", content="☂ " * 3000)])
    assert answer.status in (Status.OK, Status.FAILED)
    assert cascade_holds("☂ " * 3000, rules) is False
    assert time.monotonic() - started < 10


def test_what_is_remembered_of_words_changes_nothing(monkeypatch):
    words, content = ["банк*", "центральн* банк", "c++"], "Центральный банк и банкиры знают C++; банк молчит"
    expected = list(WordMatcher(words).occurrences(content))
    monkeypatch.setattr("rubricator.text_rules.matcher._REMEMBERED", 2)
    matcher = WordMatcher(words)
    assert [list(matcher.occurrences(content)) for _ in range(3)] == [expected] * 3
    assert len(matcher._begun) <= 2
