"""Seeds come from train alone, from one fold, and not from what people disagree about."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_augmentation import DISHES, NOTHING, SHOES, TAXONOMY, TEXTS, material

from rubricator.augment.seeds import NearMisses, SeedPool, StylePool
from rubricator.errors import DataError

PARTS = st.lists(
    st.sampled_from(["train", "train", "test", "validation"]), min_size=len(TEXTS), max_size=len(TEXTS)
)
FOLDS = st.lists(st.integers(0, 3), min_size=len(TEXTS), max_size=len(TEXTS))


@given(PARTS, FOLDS, st.integers(0, 2**20))
def test_one_prompt_shows_texts_of_one_fold_of_train(parts, folds, seed):
    texts = material(parts=parts, folds=folds)
    if not texts.real()["dishes"]:
        return
    rng = random.Random(seed)
    seeds = SeedPool(texts, "dishes").draw(5, rng)
    style = StylePool(texts).draw(seeds, "", 4, rng)
    assert 1 <= len(seeds) <= 5
    assert len({texts.fold[row] for row in [*seeds, *style]}) == 1
    assert all(texts.train[row] for row in [*seeds, *style])
    assert all(texts.belongs[row, 0] for row in seeds)


def test_every_seed_comes_up_and_so_do_repeats():
    pool = SeedPool(material(folds=[0] * len(TEXTS)), "dishes")
    draws = [pool.draw(5, random.Random(seed)) for seed in range(40)]
    assert {row for draw in draws for row in draw} == set(range(len(DISHES)))
    assert any(len(draw) < 5 for draw in draws)


def test_one_seed_is_enough():
    texts = material(DISHES[:1] + SHOES, ["dishes"] + ["shoes"] * len(SHOES))
    assert SeedPool(texts, "dishes").draw(5, random.Random(1)) == [0]


def test_people_outrank_teachers_where_there_are_enough_of_their_labels():
    human = [row != 0 for row in range(len(TEXTS))]
    assert 0 not in SeedPool(material(human=human), "dishes").rows
    few = [row in (1, 2) for row in range(len(TEXTS))]
    assert 0 in SeedPool(material(human=few), "dishes").rows


def test_near_duplicates_count_once():
    groups = [f"g{min(row, 4)}" if row < len(DISHES) else f"g{row}" for row in range(len(TEXTS))]
    texts = material(groups=groups)
    assert texts.real()["dishes"] == 5
    assert 5 not in SeedPool(texts, "dishes").rows


def test_disputed_texts_are_no_seeds():
    texts = material(disputed={0: "dishes", 3: "dishes"})
    assert texts.disputes() == {"dishes": pytest.approx(2 / 6), "shoes": 0.0, "none": 0.0}
    assert not {0, 3} & set(SeedPool(texts, "dishes").rows)
    everything = material(disputed=dict.fromkeys(range(len(DISHES)), "dishes"))
    with pytest.raises(DataError, match="people disagree about all of them"):
        SeedPool(everything, "dishes")


def test_labels_outside_of_train_are_refused():
    good = material()
    train = good.train.copy()
    train[0] = False
    with pytest.raises(ValueError, match="outside of train"):
        type(good)(**{name: getattr(good, name) for name in good.__slots__} | {"train": train})


def unlabelled(**changes):
    keys = ["dishes"] * len(DISHES) + ["shoes"] * len(SHOES) + [""] * len(NOTHING)
    human = [True] * len(DISHES) + [False] * (len(SHOES) + len(NOTHING))
    return material(categories=keys, human=human, **changes)


def test_a_near_miss_is_a_text_of_train_that_nobody_labelled_and_the_nearest_one():
    texts = unlabelled()
    likeness = np.linspace(0, 1, len(TEXTS))[:, None] * np.ones(len(TAXONOMY.keys))
    misses = NearMisses(texts, SeedPool(texts, "dishes"), "dishes", likeness, wanted=1)
    assert misses.rows == [13, 12, 11, 10, 9]
    row, seeds = misses.draw(5, random.Random(2))
    assert row in misses.rows
    assert {texts.fold[one] for one in seeds} == {texts.fold[row]}


def test_a_near_miss_in_a_fold_without_seeds_is_left_out():
    folds = [0] * len(DISHES) + [1] * len(SHOES) + [-1] * len(NOTHING)
    texts = unlabelled(folds=folds)
    likeness = np.ones((len(TEXTS), len(TAXONOMY.keys)))
    misses = NearMisses(texts, SeedPool(texts, "dishes"), "dishes", likeness, wanted=9)
    assert set(misses.rows) == {11, 12, 13}


def test_without_any_near_miss_that_is_told():
    texts = material()
    with pytest.raises(DataError, match="no near-miss"):
        NearMisses(texts, SeedPool(texts, "dishes"), "dishes", np.ones((14, 3)), wanted=1)
