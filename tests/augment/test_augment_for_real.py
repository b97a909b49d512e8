"""All stages and the judge with a real llama.cpp server and a base model that can hardly write."""

import pytest
from small_augmentation import TAXONOMY, asker, augmenter, material, settings

from rubricator.augment.how_many import Wanted
from rubricator.augment.judge import LanguageJudge
from rubricator.augment.question import Question
from rubricator.config import OpenAIEngineConfig
from rubricator.llm.engines.engine import Message, Request
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.store import Store


@pytest.fixture(scope="module")
def engine(llama):
    config = OpenAIEngineConfig(url=f"{llama}/v1", model="gemma", chat=False, concurrency=4)
    engine = OpenAIEngine(config)
    yield engine
    engine.close()


def through(engine, told, tmp_path):
    keys = [*["dishes"] * 6, *["shoes"] * 5, "", "", ""]
    texts = material(categories=keys, folds=[0] * 14, human=[row < 11 for row in range(14)])
    maker = augmenter(texts, told)
    maker.engines = {model.name: engine for model in told.models}
    maker.judge = LanguageJudge(engine, Question("ru"), told.judge)
    with Store.open(tmp_path / "answers.sqlite") as store:
        return maker.make([Wanted("dishes", 6, 3, "")], asker(store))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["write", "graft"])
def test_every_text_is_kept_or_dropped_for_a_reason(engine, tmp_path, way):
    told = settings(way=way, attempts=1, seeds=2, max_text_tokens=48)
    made = through(engine, told, tmp_path)
    assert made.failed == 0
    assert made.statistics.made[("dishes", "graft" if way == "graft" else "generate")] == 3
    for row in made.statistics.rows():
        assert row["made"] == row["kept"] + sum(row["dropped"].values())
    for text in made.texts:
        assert text.verdicts["judge"] == "belongs, belongs"


@pytest.mark.slow
def test_letters_are_drawn_by_lot_at_a_temperature_and_not_without(engine):
    def said(temperature):
        request = Request(
            messages=(Message("user", "Назови букву, любую из трёх.\nОтвет:\n"),),
            max_tokens=4,
            choices=("A", "B", "C"),
            temperature=temperature,
        )
        return {generation.text for _, generation in engine.generate([request] * 24)}

    assert len(said(0.0)) == 1
    drawn = said(2.0)
    assert len(drawn) > 1
    assert drawn <= {"A", "B", "C"}


@pytest.mark.slow
def test_texts_are_drawn_by_lot_at_a_temperature(engine):
    request = Question("ru").request(TAXONOMY.categories[0], "Крышка гнётся", number=0, temperature=0.7)
    free = Request(messages=request.messages, max_tokens=12, temperature=1.2)
    assert len({generation.text for _, generation in engine.generate([free] * 4)}) > 1
