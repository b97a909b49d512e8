"""Cautions: the worst first, each with commands that can be run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from known_texts import known_of, texts_of

from rubricator.cli.commands import COMMANDS
from rubricator.config.read import build_config, changed
from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.dataset.boilerplate import Repeated
from rubricator.explore.cautions import Caller, Caution, cautions
from rubricator.explore.known import Known
from rubricator.explore.page import explore_page
from rubricator.explore.profile import profile_of

KEYS = ("sea", "food", "chess", "void")
CALLER = Caller("-c mine/rubricator.yaml --out runs/mine")


def found(known: Known, caller: Caller = CALLER) -> list[Caution]:
    return cautions(profile_of(known), known, caller)


def said(known: Known) -> str:
    return "\n".join(one.problem for one in found(known))


def everything_wrong() -> Known:
    """Texts of which all that can be told is wrong."""
    count = 300
    words = [
        "Паром снова опоздал к пристани, и никто не мог объяснить людям на берегу, почему он задержался",
        "The ferry was late again today, and nobody could tell the people waiting on the pier why",
        "Суп",
        "Тeлескоп в саду",
    ]
    contents = [f"{words[n % 4]} {n}" if n % 4 != 2 else words[2] for n in range(count)]
    times = [datetime(1950 if n == 1 else 2024, 5, 1, tzinfo=UTC) if n % 3 else None for n in range(count)]
    sources = ["" if n % 5 == 0 else "мыс" if n < 40 else "луг" for n in range(count)]
    texts = texts_of(
        contents, time=times, source=sources, part=["test" if n % 3 else "train" for n in range(count)],
        features=[{"строк": None if n % 2 else 1} for n in range(count)],
    )  # fmt: skip
    labels: list[list[str] | None] = [
        ["sea"] if n < 40 else ["food"] if n < 280 else None for n in range(count)
    ]
    labels[46], labels[50] = ["chess"], ["sea"]
    answers = np.eye(4)[[n % 2 for n in range(count)]]
    groups = {text.id: "2" if text.content == "Суп" else text.id for text in texts}
    return known_of(
        texts,
        labels,
        keys=KEYS,
        groups=groups,
        facts={"rows": 330, "rejected": {"no text": 30}, "exact_duplicates": 74},
        opinions=[TeacherProbabilities("a", answers, np.ones(count, dtype=bool))],
        tokens=np.full(count, 400),
        max_tokens=256,
        positions=512,
        boilerplate=[Repeated("мыс", "line", "подписаться", 0.5, 20, "Подписаться")],
    )


def test_everything_wrong_is_told_the_worst_first() -> None:
    cautions_ = found(everything_wrong())
    weights = [one.weight for one in cautions_]
    assert weights == sorted(weights, reverse=True)
    assert all(0 < weight <= 1 for weight in weights)
    problems = "\n".join(one.problem for one in cautions_)
    for words in (
        "30 of 330 rows could not be used: 30 no text",
        "Besides ru there are texts in en",
        "300 texts (100%) are longer than the 256 tokens",
        "fewer than three words",
        "1 source repeats lines",
        "labelled differently by people",
        "put into different parts by the input",
        "are copies, exact or near",
        "have no time that could be read",
        "have no source",
        "The column строк is empty in 50%",
        "1 text has a time in the future or before",
        "words of both Latin and Cyrillic letters",
        "No person gave void to any text",
        "1 category has fewer than 30 labels by people: chess (1)",
        "food has",
        "Neither description nor keywords: sea, food, chess, void",
        "of categories can hardly be told apart",
        "Labels go by the source (sea: ",
    ):
        assert words in problems, words


@pytest.mark.parametrize("caller", [CALLER, Caller("'мои тексты.csv' --text отзыв", file=True)])
def test_every_printed_command_can_be_run(caller: Caller) -> None:
    bare = replace(everything_wrong(), taxonomy=None, categories=np.zeros((300, 0), dtype=bool))
    few = known_of(texts_of(["Один и тот же"] * 3), groups=dict.fromkeys("012", "0"))
    unlabelled = replace(everything_wrong(), origin=np.full(300, "", dtype="<U9"))
    printed = {
        c
        for k in (everything_wrong(), bare, few, unlabelled)
        for one in found(k, caller)
        for c in one.commands
    }
    assert len(printed) >= (10 if not caller.file else 4)
    for line in printed:
        _parse(shlex.split(line))


def _parse(words: Sequence[str]) -> None:
    program, name, *arguments = words
    assert program == "rubricator"
    context = COMMANDS[name].load(name).make_context(name, list(arguments))
    raw = {"data": {"files": ["a.csv"], "columns": {"body": "text"}}}
    build_config(changed(raw, context.params.get("overrides") or []), folder=Path(), where="here")


def test_good_texts_are_told_nothing_of() -> None:
    contents = [f"На пристани встречают паром с грузом номер {n}" for n in range(300)]
    labels = [[KEYS[n % 2]] for n in range(300)]
    known = known_of(texts_of(contents), labels, keys=KEYS[:2])
    described = known.taxonomy.model_copy(  # type: ignore[union-attr]
        update={
            "categories": tuple(
                one.model_copy(update={"description": "о разном"})
                for one in known.taxonomy.categories  # type: ignore[union-attr]
            )
        }
    )
    assert found(replace(known, taxonomy=described)) == []


def test_texts_without_categories_are_told_to_begin_with_themes() -> None:
    known = known_of(texts_of([f"Паром {n} идёт к острову" for n in range(250)]))
    (only,) = found(known)
    assert "no categories" in only.problem


@pytest.mark.parametrize(
    "known",
    [
        known_of(texts_of(["а"])),
        known_of(
            texts_of(["а", "а", "а"]), [["sea"], None, None], keys=KEYS, groups=dict.fromkeys("012", "0")
        ),
        known_of(texts_of(["!", "🙂", " ."]), [None] * 3, keys=KEYS[:2]),
        known_of(texts_of(["<b>1</b>", "2"]), [[], []], keys=("a<b", "c&d"), single=False),
        everything_wrong(),
    ],
)
def test_a_page_comes_of_any_texts(known: Known) -> None:
    profile = profile_of(known)
    page = explore_page(profile, cautions(profile, known, CALLER))
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert f"<b>{len(known.texts):,}</b>" in page
    assert "a<b" not in page
