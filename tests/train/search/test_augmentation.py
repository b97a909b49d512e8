"""Which synthetic texts earn their place, by real texts alone."""

from dataclasses import replace

import numpy as np
import pytest
from small_artifacts import taxonomy_of
from small_examples import make_examples

from rubricator.config import Config, Data, Pays
from rubricator.dataset.augmentation import read_augmentation, write_augmentation
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.dataset.training_data import TrainingData
from rubricator.taxonomy import Task
from rubricator.train.search import augmentation
from rubricator.train.search.augmentation import decide, weigh

PAYS = Pays(seeds=2, confidence=0.8)
TAXONOMY = taxonomy_of(Task.SINGLE_LABEL)
RARE = TAXONOMY.keys[0]


def drawn(rows: int, *, seed: int) -> Examples:
    """Texts of three categories whose clusters of vectors lie one in another."""
    examples = make_examples(rows)
    centres = np.random.default_rng(99).normal(size=(3, 8))
    noise = np.random.default_rng(seed).normal(scale=1.2, size=(rows, 8))
    return replace(examples, vectors=(examples.targets @ centres + noise).astype(np.float32))


def training(rows: int = 150, rare: int = 8, *, part: str = "train") -> tuple[TrainingData, np.ndarray]:
    """Three categories, of which the first has few texts; every other text is of `part`."""
    everyone = drawn(rows, seed=2)
    kept = np.ones(rows, dtype=bool)
    kept[np.flatnonzero(everyone.targets[:, 0])[rare:]] = False
    examples = everyone.subset(kept)
    parts = np.where(np.arange(len(examples)) % 2 == 1, part, "train")
    people = np.ones(len(examples), dtype=bool)
    data = TrainingData(examples, people, people, parts, np.full(len(examples), -1, dtype=np.intp))
    return data, examples.targets


def beside(data: TrainingData, targets: np.ndarray, **of: str) -> TrainingData:
    """The data with children of rare texts: `good` like fresh ones of the category, `bad` like others."""
    rare = np.flatnonzero((targets[:, 0] >= 0.5) & (data.part == "train")).tolist()
    pool = drawn(300, seed=9)
    rows, making, relatives = [], [], []
    for made, quality in of.items():
        mine = np.flatnonzero(pool.targets[:, 0 if quality == "good" else 1])[:40].tolist()
        rows += mine
        making += [made] * len(mine)
        relatives += [{data.examples.groups[rare[number % len(rare)]]} for number in range(len(mine))]
    examples: Examples = pool.subset(np.array(rows))
    labels = np.tile(np.eye(3)[0], (len(rows), 1))
    names = [f"child-{number}" for number in range(len(rows))]
    examples = replace(examples, targets=labels, groups=names, synthetic=np.ones(len(rows), dtype=bool))
    return replace(data, synthetic=SyntheticExamples(examples, relatives, making))


def found(data: TrainingData, targets: np.ndarray, tmp_path, **settings):
    columns = Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}})
    config = Config(data=columns, train={"models": ["heads"]}, split={"folds": 3})
    pays = PAYS.model_copy(update=settings)
    return weigh(data, targets, {RARE}, taxonomy=TAXONOMY, config=config, pays=pays, folder=tmp_path)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_what_is_like_the_category_is_kept_and_what_is_not_is_not(tmp_path, part):
    data, targets = training(rare=24 if part == "validation" else 12, part=part)
    result = found(beside(data, targets, cheap="bad", llm="good"), targets, tmp_path, confidence=0.6)
    (one,) = result.categories
    assert one.made == {"cheap": 40, "llm": 40}
    assert one.chances["cheap over none"] < 0.5
    assert one.f1["cheap"].value < one.f1["none"].value
    assert one.f1["llm"].value > one.f1["none"].value
    assert one.kept == "llm", one
    write = tmp_path / "stages"
    write.mkdir()
    write_augmentation(tmp_path, result)
    assert read_augmentation(tmp_path).categories == result.categories


def test_arms_are_judged_by_the_same_real_texts(tmp_path, monkeypatch):
    data, targets = training()
    seen = []

    def recorded(truth, decisions, groups, weights, **rest):
        seen.append((truth.tobytes(), tuple(groups), rest["seed"]))
        return resample(truth, decisions, groups, weights, **rest)

    resample = augmentation.resample
    monkeypatch.setattr(augmentation, "resample", recorded)
    result = found(beside(data, targets, cheap="good"), targets, tmp_path)
    assert len(seen) >= 2 * 3
    assert len(set(seen)) == 1
    assert not any(group.startswith("child") for group in seen[0][1])
    assert result.categories[0].judged == int((targets[data.part == "train"][:, 0] >= 0.5).sum())


def test_without_a_synthetic_text_the_reason_is_told(tmp_path):
    data, targets = training()
    (one,) = found(data, targets, tmp_path).categories
    assert one.kept is None
    assert "No synthetic text" in one.reason


CHANCES = {"weights over none": 0.5, "cheap over none": 0.5, "llm over none": 0.95, "llm over cheap": 0.9}


@pytest.mark.parametrize(
    ("changed", "judged", "kept", "words"),
    [
        ({}, 9, "llm", "they are kept"),
        ({"llm over cheap": 0.5}, 9, None, "which cost nothing"),
        ({"llm over cheap": 0.4, "cheap over none": 0.97}, 9, "cheap", "which cost nothing"),
        ({"llm over none": 0.79}, 9, None, "80% are asked for"),
        ({"llm over none": 0.2, "weights over none": 0.9}, 9, None, "train.imbalance.weights"),
        ({}, 4, None, "4 real texts judge"),
        ({}, 1, None, "1 real text judges"),
        ({}, 0, None, "No real texts judge"),
    ],
)
def test_a_kind_is_kept_where_it_is_surely_ahead(changed, judged, kept, words):
    decision, reason = decide({"cheap": 20, "llm": 20}, CHANCES | changed, judged=judged, pays=PAYS)
    assert decision == kept
    assert words in reason
    assert reason[0].isupper() or reason[0].isdigit()
    assert reason.endswith(".")


def test_without_changes_by_rule_a_model_need_not_beat_them():
    alone = {"weights over none": 0.5, "llm over none": 0.95}
    assert decide({"llm": 20}, alone, judged=9, pays=PAYS)[0] == "llm"
