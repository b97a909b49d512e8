"""Patterns of rules: none may take forever, in time or in memory, however it is written."""

from __future__ import annotations

import time

import pytest
from growth import assert_linear, repeated

from rubricator.text_rules.matcher import WordMatcher, fold, tokens
from rubricator.text_rules.patterns import Patience, compiled, sound_pattern
from rubricator.text_rules.rules import Condition, Rule, RuleSet
from rubricator.text_rules.values import READERS


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "(?x)(a+) +b",
        "(?x: (a|a) * b)",
        "(?x)(a+) # one or more\n +b",
        "(?x)(a+){2 ,}b",
        "(?ix)(a+)\t*b",
        "(?x)([a ]+) +b",
        "(a+)(?#a comment)+b",
        "(?#[)(a+)+b]",
        "(?x)# [\n(a+) +b]",
    ],
)
def test_what_could_take_forever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="which can take forever"):
        sound_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["((a{1000}){1000}){1000}", "(?x)((a{1000}) {1000}) {1000}", "(?x)a{9 0 0 0 0 0}", f"a{{{'9' * 50}}}"],
)
def test_what_could_fill_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="more than 100,000 times"):
        sound_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"(?x) банк \s+ росси\w*  # всё", r"(\d{2}\.){2}\d{4}", r"(a+) +b", r"банк(?#ом)\w*", r"[(+]+x"],
)
def test_what_is_harmless_passes(pattern: str) -> None:
    assert sound_pattern(pattern) == pattern


# What the check lets pass may still take polynomial time; written out, these would run for hours.
SLOW = ["a.*a.*a.*a.*[cd]", "(?x) a.* a.* a.* a.* [cd]", "(?x)a.*a.*a.* # b\n a.*[cd]"]


@pytest.mark.parametrize("pattern", SLOW)
def test_the_engine_stops_a_pattern_that_takes_too_long(
    pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    assert not Patience().holds(compiled(sound_pattern(pattern)), "a" * 3000)
    assert time.monotonic() - started < 3
    assert "took more than 0.2 s and was passed over" in caplog.text


def test_many_slow_patterns_share_the_time_of_a_text() -> None:
    condition = {"any": [{"pattern": f"{SLOW[0]}{{{number}}}"} for number in range(1, 50)]}
    rules = RuleSet([Rule.model_validate({"category": 0, **condition})])
    started = time.monotonic()
    assert not rules.holds(["a" * 3000], [{}]).any()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", ["a", "а ", "банк ", "банк-", "☂", "☂ ", "№ ", "*", "ё\ufe0f", "\n", "aа1_"])
def test_the_time_of_matching_grows_with_the_length_alone(unit: str) -> None:
    words = ["банк*", "центральный банк", "банк банк банк россии", "C++", "№ 1", "☂ x", "ёлк*"]
    rules = RuleSet([Rule(category=0, any=tuple(Condition(words=(word,)) for word in words))])
    matcher = WordMatcher(words)
    for work in (
        fold,
        tokens,
        lambda text: rules.holds([text], [{}]),
        lambda text: list(matcher.occurrences(text)),
    ):
        assert_linear(work, lambda length: repeated(unit, length, after="!"))


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "unit", [" ", "1", "1 ", "1:", "1,111", "1h ", "1 d", ".", "\t", "_", "%", "UTC ", "+00"]
)
def test_the_time_of_reading_a_cell_grows_with_the_length_alone(kind: str, unit: str) -> None:
    reader = READERS[kind]
    assert_linear(reader, lambda length: repeated(unit, length, before="1 ", after="x"))
    assert_linear(reader, lambda length: repeated(unit, length))
