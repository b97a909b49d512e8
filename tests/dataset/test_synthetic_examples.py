"""Which synthetic texts may train, and which groups must lie in one fold because of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_artifacts import taxonomy_of

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.synthetic import SyntheticText
from rubricator.dataset.synthetic_examples import synthetic_examples, tied_groups, usable_texts
from rubricator.records import Text
from rubricator.taxonomy import Task

TAXONOMY = taxonomy_of(Task.SINGLE_LABEL)
KEY = TAXONOMY.keys[0]
TEXTS = [
    Text(id="a", content="Сторож нашёл в саду ежа", features={"length": 5.0}),
    Text(id="b", content="Паром отменили из-за тумана"),
    Text(id="c", content="Школьники посадили у пруда иву"),
]
DATASET = Dataset(texts=TEXTS, groups={"a": "g1", "b": "g2", "c": "g1"}, golden={}, rejected=[], facts={})
PART = {"a": "train", "b": "test", "c": "train"}
CHILD = SyntheticText(
    id="s", content="Дворник нашёл в парке ежа", categories=(KEY,), parents=("a",), groups=("g1",),
    making="llm", stage="generate",
)  # fmt: skip


def test_a_child_of_train_may_train_with_the_features_of_its_parent():
    usable = usable_texts([CHILD], DATASET, PART, TAXONOMY)
    assert usable.texts == (CHILD,)
    assert not usable.notes
    rows = synthetic_examples(usable.texts, DATASET, TAXONOMY, np.ones((1, 2), dtype=np.float32), weight=0.5)
    assert rows.examples.features == [{"length": 5.0}]
    assert rows.examples.weights.tolist() == [0.5]
    assert rows.examples.targets.tolist() == [[1.0] + [0.0] * (len(TAXONOMY.keys) - 1)]
    assert rows.relatives == [{"g1"}]


def test_what_may_not_train_is_left_out_and_told():
    faults = {
        "which the taxonomy does not have": replace(CHILD, id="1", categories=("weather-in-may",)),
        "whose parent is none of the texts of this run": replace(CHILD, id="2", parents=("zz",)),
        "whose parent is not in train": replace(CHILD, id="3", parents=("a", "b")),
        "in another group than when it was made": replace(CHILD, id="4", groups=("g7",)),
        "has the id of another text": replace(CHILD, id="a"),
        "without content": replace(CHILD, id="6", content=" \n"),
        "without exactly one category": replace(CHILD, id="7", categories=tuple(TAXONOMY.keys[:2])),
        "without parents": replace(CHILD, id="8", parents=()),
    }
    usable = usable_texts([CHILD, *faults.values()], DATASET, PART, TAXONOMY)
    assert usable.texts == (CHILD,)
    assert len(usable.notes) == len(faults)
    for words, (text, note) in zip(faults, zip(faults.values(), usable.notes, strict=True), strict=True):
        assert words in note
        assert f"'{text.id}'" in note


@given(
    st.lists(st.integers(0, 15), min_size=1, max_size=40),
    st.lists(st.sets(st.integers(0, 18), min_size=1, max_size=4), max_size=20),
    st.integers(1, 40),
)
def test_groups_are_tied_whole_within_the_limit(numbers, families, most):
    groups = [str(number) for number in numbers]
    relatives = [{str(number) for number in family} for family in families]
    tied = tied_groups(groups, relatives, most=most)
    names = {}
    for group, name in zip(groups, tied, strict=True):
        assert names.setdefault(group, name) == name
    for name, size in Counter(tied).items():
        members = {group for group in names if names[group] == name}
        assert len(members) == 1 or size <= most
    if most >= len(groups):
        for family in relatives:
            assert len({names[group] for group in family if group in names}) <= 1
