"""Invented reviews, and a writer and judge in this process that does what a test says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from rubricator.augment.asking import Asker
from rubricator.augment.attributes import LengthRange
from rubricator.augment.judge import Checks, LanguageJudge
from rubricator.augment.question import Question
from rubricator.augment.runner import Augmenter
from rubricator.augment.seeds import Material
from rubricator.config import Augment
from rubricator.llm.engines.engine import Capabilities, Generation, Request
from rubricator.llm.limits import Limits, Meter
from rubricator.progress import silent
from rubricator.records import ONLY_FAILURES, Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy

TAXONOMY = Taxonomy.model_validate(
    {
        "task": "single-label",
        "none": "none",
        "categories": [
            {"key": "dishes", "name": "Посуда", "description": "тарелки, кастрюли, сковороды"},
            {"key": "shoes", "name": "Обувь", "description": "сапоги, туфли, кроссовки"},
            {"key": "none", "name": "Нет товара"},
        ],
    }
)
DISHES = (
    "Кастрюля тяжёлая, дно толстое, суп за час не пригорел ни разу",
    "тарелки пришли целые, каждая завёрнута в бумагу, края ровные",
    "Сковорода через месяц начала липнуть, блины снимаю лопаткой с трудом!",
    "Взяла чайник на подарок, свисток слабый, зато крышка сидит плотно",
    "кружки маленькие, на пару глотков, рисунок уже стёрся в мойке",
    "Форма для кекса гнётся, но тесто отходит легко и не течёт",
)
SHOES = (
    "Сапоги малы на размер, молния заедает у самой щиколотки",
    "кроссовки лёгкие, подошва пружинит, бегаю в них третью неделю",
    "Туфли натёрли пятку в первый же вечер, кожа жёсткая!",
    "Ботинки промокли в первом же снегу, стелька окрасила носки",
    "тапочки тёплые, мех не лезет, ношу дома не снимая",
)
NOTHING = (
    "Посылку ждала полтора месяца, продавец молчал до последнего",
    "Деньги вернули после спора, но осадок остался неприятный",
    "Курьер позвонил за час, всё вежливо, пакет был цел",
)
TEXTS = (*DISHES, *SHOES, *NOTHING)


def material(
    contents: Sequence[str] = TEXTS,
    categories: Sequence[str] | None = None,
    *,
    parts: Sequence[str] = (),
    folds: Sequence[int] = (),
    groups: Sequence[str] = (),
    human: Sequence[bool] = (),
    disputed: Mapping[int, str] | None = None,
) -> Material:
    """These texts, all in train unless parts are given, in two folds unless folds are."""
    size = len(contents)
    categories = categories or ["dishes"] * len(DISHES) + ["shoes"] * len(SHOES) + ["none"] * len(NOTHING)
    texts = [Text(id=f"t{n}", body=one, content=one) for n, one in enumerate(contents)]
    train = np.array([part == "train" for part in parts or ["train"] * size], dtype=bool)
    labelled = train & np.array([bool(key) for key in categories], dtype=bool)
    belongs = np.array([[key == own for key in TAXONOMY.keys] for own in categories], dtype=bool)
    doubts = np.zeros(belongs.shape, dtype=bool)
    for row, key in (disputed or {}).items():
        doubts[row, TAXONOMY.keys.index(key)] = True
    return Material(
        texts=texts,
        groups={text.id: groups[n] if groups else text.id for n, text in enumerate(texts)},
        taxonomy=TAXONOMY,
        train=train,
        labelled=labelled,
        belongs=belongs & labelled[:, None],
        human=labelled & np.array(human or [True] * size, dtype=bool),
        disputed=doubts,
        fold=np.array(folds or [n % 2 for n in range(size)], dtype=np.intp),
    )


class Spoken:
    """An engine whose model says what a function makes of a request."""

    def __init__(self, say: Callable[[Request], str | Generation], name: str = "spoken") -> None:
        self.fingerprint = name
        self.say = say
        self.asked: list[Request] = []

    def capabilities(self) -> Capabilities:
        return Capabilities(about="a test", choices=True, schema=False, logprobs=False, count=True)

    def count(self, text: str) -> int:
        return len(text.split())

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Generation]]:
        for number, request in enumerate(requests):
            self.asked.append(request)
            said = self.say(request)
            yield number, said if isinstance(said, Generation) else Generation(text=said)

    def close(self) -> None:
        pass


WORDS = (
    "ручка", "крышка", "эмаль", "поднос", "салатник", "ложка", "половник", "скол", "доставка", "подарок",
    "кухня", "духовка", "плита", "мойка", "варенье", "борщ", "чайник", "фарфор", "стекло", "глина",
)  # fmt: skip


def good_model(request: Request) -> str:
    """Writes another text to each prompt, and finds that every text belongs."""
    question = request.messages[-1].content
    if request.choices:
        return right_letter(question)
    digest = hashlib.sha256(question.encode()).digest()
    return "Новая " + " и ".join(WORDS[byte % len(WORDS)] for byte in digest[:9]) + ", беру ещё раз."


def right_letter(question: str, *, about: str = "относится к категории") -> str:
    return next(line[0] for line in question.splitlines() if line[1:4] == " — " and about in line)


class AlwaysYes:
    """A model of the run that takes every text for one of every category."""

    about = "model"

    def likeness(self, contents: Sequence[str]) -> Floats:
        return np.ones((len(contents), len(TAXONOMY.keys)))

    def decides(self, likeness: Floats) -> Bools:
        return np.asarray(likeness > 0.5)


def settings(**changes: object) -> Augment:
    model = {"engine": {"kind": "openai", "url": "http://localhost:1/v1", "model": "m"}}
    return Augment.model_validate({"models": [model], "count": 10, **changes})


def augmenter(
    texts: Material, told: Augment, say: Callable[[Request], str | Generation] = good_model
) -> Augmenter:
    engine = Spoken(say)
    return Augmenter(
        texts,
        told,
        {model.name: engine for model in told.models},
        Checks(texts, {"ru"}, LengthRange(3, 60, 4), told.judge.similarity),
        LanguageJudge(engine, Question(told.language), told.judge),
        AlwaysYes(),
        str.strip,
        13,
    )


def asker(store: Store, limits: Limits = Limits()) -> Asker:  # noqa: B008 - frozen
    return Asker(store, Meter(limits), ONLY_FAILURES, silent)
