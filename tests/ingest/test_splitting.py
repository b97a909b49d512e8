from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.config import Split
from rubricator.errors import DataError
from rubricator.ingest.splitting import split_texts
from rubricator.records import Text
from rubricator.stats.evening import evened
from rubricator.stats.folds import make_folds

START = datetime(2024, 1, 1, tzinfo=UTC)
RNG = np.random.default_rng(5)


def corpus(count, *, timed=False, parts=None, twins=0):
    """Texts, their groups (the last `twins` repeat the first ones) and targets of three categories."""
    texts = [
        Text(
            id=f"t{number}",
            content=f"текст {number}",
            time=START + timedelta(hours=(number * 37) % count) if timed else None,
            part=(parts or {}).get(number, ""),
        )
        for number in range(count)
    ]
    groups = {text.id: text.id for text in texts}
    for number in range(twins):
        groups[f"t{count - 1 - number}"] = f"t{number}"
    targets = (np.arange(count)[:, None] % np.array([2, 3, 7]) == 0).astype(float)
    return texts, groups, targets


def split(made, golden=(), *, use="test", seed=1, **config):
    texts, groups, targets = made
    parts = split_texts(texts, groups, targets, golden, use=use, config=Split(**config), seed=seed)
    assert list(parts.part) == [text.id for text in texts]
    for name in set(groups.values()):
        serving = {parts.part[i] for i, group in groups.items() if group == name} - {"left_out"}
        assert len(serving) == 1
    return parts


def count(parts, part):
    return sum(found == part for found in parts.part.values())


def members(parts, part):
    return {name for name, found in parts.part.items() if found == part}


def test_small_data_are_divided_at_random_and_validated_by_folds():
    made = corpus(500)
    parts = split(made)
    assert (parts.by, parts.validation) == ("random", "folds")
    assert count(parts, "test") == pytest.approx(100, abs=6)
    assert count(parts, "validation") == 0
    in_test = np.array([part == "test" for part in parts.part.values()])
    share = made[2][in_test].sum(axis=0) / made[2].sum(axis=0)
    assert np.all(np.abs(share - 0.2) < 0.03)


def test_large_data_have_a_validation_part():
    parts = split(corpus(2000))
    assert parts.validation == "part"
    assert count(parts, "validation") == pytest.approx(240, abs=5)


def test_few_golden_texts_that_train_are_not_spent_on_a_validation_part():
    golden = [f"t{number}" for number in range(0, 2000, 20)]
    assert split(corpus(2000), golden, use="train").validation == "folds"
    assert split(corpus(2000), [f"t{n}" for n in range(2000)], use="train").validation == "part"


def test_validation_can_be_prescribed():
    assert split(corpus(2000), validation="folds").validation == "folds"
    assert count(split(corpus(100), validation=0.25), "validation") == pytest.approx(20, abs=2)


def test_the_seed_decides():
    made = corpus(300)
    assert split(made, seed=1).part == split(made, seed=1).part
    assert split(made, seed=1).part != split(made, seed=2).part


def test_by_time_no_training_text_is_later_than_a_test_text():
    made = corpus(400, timed=True, twins=5)
    parts = split(made, validation=0.2)
    assert parts.by == "time"
    when = {text.id: text.time for text in made[0]}
    latest_train = max(when[name] for name in members(parts, "train"))
    latest_validation = max(when[name] for name in members(parts, "validation"))
    alone = [name for name in members(parts, "test") if list(made[1].values()).count(made[1][name]) == 1]
    assert latest_train <= latest_validation <= min(when[name] for name in alone)
    assert count(parts, "test") == pytest.approx(80, abs=5)


def test_a_few_texts_without_a_time_train_and_auto_stays_by_time():
    texts, groups, targets = corpus(50, timed=True)
    texts[7] = Text(id="t7")
    parts = split((texts, groups, targets))
    assert parts.by == "time", "a few texts without a time do not make chance of it"
    assert parts.part["t7"] == "train"
    assert any("1 texts have no time" in note for note in parts.notes)
    for number in range(30):
        texts[number] = Text(id=f"t{number}")
    assert split((texts, groups, targets)).by == "random", "most have none"
    with pytest.raises(DataError, match="none of them has one"):
        split(corpus(50), by="time")


def test_naive_and_aware_times_can_stand_together():
    texts, groups, targets = corpus(50, timed=True)
    texts[3] = Text(id="t3", time=datetime(2030, 1, 1))
    assert split((texts, groups, targets)).part["t3"] == "test"


def test_golden_for_test_are_the_test_part_alone_with_their_twins():
    golden = [f"t{number}" for number in range(40)]
    parts = split(corpus(400, twins=10), golden)
    assert members(parts, "test") == {*golden, *(f"t{number}" for number in range(390, 400))}
    assert (count(parts, "validation"), parts.validation) == (0, "folds")


def test_golden_for_tuning_are_halved_and_the_others_train():
    golden = [f"t{number}" for number in range(40)]
    made = corpus(400)
    parts = split(made, golden, use="tune")
    assert parts.validation == "part"
    assert members(parts, "validation") | members(parts, "test") == set(golden)
    assert count(parts, "validation") == pytest.approx(20, abs=2)
    halves = [
        made[2][[int(name[1:]) for name in sorted(members(parts, part))]].sum(axis=0)
        for part in ("validation", "test")
    ]
    assert np.all(np.abs(halves[0] - halves[1]) <= 2)


@pytest.mark.parametrize("timed", [False, True])
def test_golden_for_training_are_divided_in_the_same_proportion(timed):
    golden = [f"t{number}" for number in range(100)]
    parts = split(corpus(500, timed=timed), golden, use="train")
    assert len(members(parts, "test") & set(golden)) == pytest.approx(20, abs=3)
    assert count(parts, "test") == pytest.approx(100, abs=6)


def test_parts_of_the_input_win_for_the_whole_group():
    prescribed = {0: "train", 1: "test", 2: "validation", 99: "test", 98: "validation"}
    parts = split(corpus(100, parts=prescribed, twins=3), ["t0", "t5"], use="tune")
    assert parts.part["t0"] == "test"  # its twin t99 is in test
    assert parts.part["t1"] == "test"  # its twin t98 is only in validation
    assert parts.part["t2"] == "validation"
    assert (parts.by, parts.validation) == ("given", "part")


def test_nothing_is_drawn_into_a_part_that_the_input_prescribes():
    parts = split(corpus(100, parts={1: "test", 2: "validation"}))
    assert members(parts, "test") == {"t1"}
    assert members(parts, "validation") == {"t2"}
    parts = split(corpus(100, parts=dict.fromkeys(range(10), "train")))
    assert count(parts, "test") == pytest.approx(18, abs=1)


def test_golden_texts_that_the_input_sends_to_train_stay_there_and_it_is_said():
    parts = split(corpus(100, parts={0: "train"}), ["t0", "t1", "t2"])
    assert members(parts, "test") == {"t1", "t2"}
    assert any("1 golden texts" in note and "train" in note for note in parts.notes)


def test_a_test_part_is_drawn_where_the_input_sends_all_golden_texts_to_train():
    for use in ("test", "tune", "train"):
        assert count(split(corpus(100, parts={0: "train"}), ["t0"], use=use), "test") == pytest.approx(
            20, abs=3
        )


def test_notes_are_sentences():
    for use in ("test", "tune", "train"):
        notes = split(corpus(300, timed=True), [f"t{n}" for n in range(50)], use=use, validation=0.2).notes
        assert len(notes) >= 2
        assert all(note[0].isupper() or note[0].isdigit() for note in notes)
        assert all(note.endswith(".") for note in notes)


@pytest.mark.parametrize("use", ["test", "tune", "train"])
@pytest.mark.parametrize("size", [3, 4, 5, 10])
def test_few_texts_fill_all_parts(size, use):
    parts = split(corpus(size), ["t0", "t1"] if use != "test" else ["t0"], use=use)
    assert count(parts, "train") >= 1
    assert count(parts, "test") >= 1


def test_too_few_texts_are_told():
    with pytest.raises(DataError, match="too few"):
        split(corpus(1))
    with pytest.raises(DataError, match="too few"):
        split(corpus(2, parts={0: "test", 1: "test"}))
    with pytest.raises(DataError, match="golden texts are kept for the test"):
        split(corpus(5), [f"t{number}" for number in range(5)])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(4, 60),
    st.integers(0, 10),
    st.integers(1, 20),
    st.sampled_from(["test", "tune", "train"]),
    st.booleans(),
    st.sampled_from(["auto", "folds", 0.3]),
    st.integers(0, 5),
)
def test_every_text_gets_one_part_and_groups_stay_whole(size, twins, golden, use, timed, validation, seed):
    made = corpus(size, timed=timed, twins=min(twins, size // 2))
    try:
        parts = split(
            made, [f"t{n}" for n in range(min(golden, size))], use=use, validation=validation, seed=seed
        )
    except DataError:
        return
    needed = {"train", "test"} | ({"validation"} if parts.validation == "part" else set())
    assert set(parts.part.values()) - {"left_out"} == needed


def test_folds_keep_groups_whole_and_spread_categories():
    targets = (RNG.random((600, 4)) < [0.5, 0.2, 0.05, 0.02]).astype(float)
    groups = [f"g{number % 450}" for number in range(600)]
    folds = make_folds(targets, groups, folds=5, seed=3)
    assert folds.shape == (600,)
    assert set(folds) == set(range(5))
    by_group = {}
    for group, fold in zip(groups, folds, strict=True):
        assert by_group.setdefault(group, fold) == fold
    positives = np.array([targets[folds == fold].sum(axis=0) for fold in range(5)])
    assert np.all(positives[:, 0] > 40)
    assert np.all(positives[:, 2] > 0)


def test_folds_accept_soft_and_boolean_targets_and_follow_the_seed():
    soft = RNG.random((50, 3))
    groups = [str(number) for number in range(50)]
    first = make_folds(soft, groups, folds=5, seed=1)
    assert np.array_equal(first, make_folds(soft >= 0.5, groups, folds=5, seed=1))
    assert not np.array_equal(first, make_folds(soft, groups, folds=5, seed=2))


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 30), st.integers(2, 8), st.integers(0, 3), st.integers(0, 4))
def test_no_fold_is_empty(count, folds, categories, seed):
    targets = np.ones((count, 1)) if not categories else np.eye(max(count, categories))[:count, :categories]
    groups = [str(number) for number in range(count)]
    if count < folds:
        with pytest.raises(DataError, match="cannot be divided"):
            make_folds(targets, groups, folds=folds, seed=seed)
    else:
        assert set(make_folds(targets, groups, folds=folds, seed=seed)) == set(range(folds))


@pytest.mark.slow
def test_auto_folds_where_the_input_leaves_no_text_free_for_validation():
    prescribed = {number: "train" if number < 2500 else "test" for number in range(3000)}
    assert split(corpus(3000, parts=prescribed)).validation == "folds"
    assert split(corpus(3000, parts=dict.fromkeys(range(2900, 3000), "test"))).validation == "part"


@st.composite
def dated(draw):
    """Texts with times that repeat or are missing, groups that reach over any moment, given parts."""
    size = draw(st.integers(4, 40))
    days = draw(st.lists(st.one_of(st.none(), st.integers(0, 15)), min_size=size, max_size=size))
    some = st.sampled_from(["", "", "", "train", "validation"]) if draw(st.booleans()) else st.just("")
    texts = [
        Text(id=f"t{row}", time=None if day is None else START + timedelta(days=day), part=draw(some))
        for row, day in enumerate(days)
    ]
    members = draw(st.lists(st.integers(0, size), min_size=size, max_size=size))
    groups = {f"t{row}": f"g{group}" for row, group in enumerate(members)}
    golden = [f"t{row}" for row in range(size) if draw(st.booleans())]
    return (texts, groups, np.zeros((size, 2))), golden


@pytest.mark.slow
@given(
    dated(),
    st.sampled_from(["test", "tune", "train"]),
    st.sampled_from(["auto", "time"]),
    st.sampled_from(["auto", "folds", 0.3]),
)
@settings(deadline=None, max_examples=200)
def test_in_a_split_by_time_nothing_that_trains_is_later_than_a_test_text(case, use, by, validation):
    made, golden = case
    try:
        parts = split(made, golden, use=use, by=by, validation=validation)
    except DataError:
        return
    if parts.by != "time":
        assert by == "auto"
        return
    times = {text.id: text.time for text in made[0] if text.time}
    tests = [times[name] for name in members(parts, "test") if name in times]
    others = [
        times[name] for part in ("train", "validation") for name in members(parts, part) if name in times
    ]
    assert tests
    assert max(others, default=min(tests)) <= min(tests)


def test_by_time_golden_and_other_texts_share_one_boundary():
    texts, groups, targets = corpus(200, timed=True)
    early = [text.id for text in sorted(texts, key=lambda text: text.time)[:60]]
    parts = split((texts, groups, targets), early, use="train")
    assert parts.by == "time"
    assert not members(parts, "test") & set(early), "golden texts that are all early do not test"
    assert count(parts, "test") == pytest.approx(40, abs=2)


def test_the_boundary_is_later_than_what_the_input_sends_to_train():
    times = [START + timedelta(days=day) for day in range(40)]

    def made(*given: int):
        texts = [
            Text(id=f"t{day}", time=time, part="train" if day in given else "")
            for day, time in enumerate(times)
        ]
        return texts, {text.id: text.id for text in texts}, np.zeros((40, 2))

    parts = split(made(35), by="time")
    assert members(parts, "test") == {f"t{day}" for day in range(36, 40)}
    assert split(made(39)).by == "random"
    with pytest.raises(DataError, match="later than what the input sends to train"):
        split(made(39), by="time")


def test_duplicates_on_both_sides_of_the_boundary_are_left_out_and_it_is_said():
    texts, groups, targets = corpus(100, timed=True)
    in_order = sorted(texts, key=lambda text: text.time)
    groups[in_order[0].id] = groups[in_order[-1].id] = "twins"
    parts = split((texts, groups, targets), by="time")
    (out,) = members(parts, "left_out")
    assert out in (in_order[0].id, in_order[-1].id), "the other one serves"
    assert any(note.startswith("1 texts lie on the other side") for note in parts.notes)


def test_by_time_and_by_group_some_groups_test_with_their_late_texts_and_the_others_train_with_early_ones():
    texts, _, targets = corpus(600, timed=True)
    groups = {text.id: f"канал {number % 30}" for number, text in enumerate(texts)}
    parts = split((texts, groups, targets), by="time")
    when = {text.id: text.time for text in texts}
    train, test = members(parts, "train"), members(parts, "test")
    assert max(when[name] for name in train) < min(when[name] for name in test)
    assert {groups[name] for name in train}.isdisjoint(groups[name] for name in test)
    assert len(test) / len(train | test) == pytest.approx(0.2, abs=0.03)
    assert len(train | test) > 300, "half of the texts serve, where every group reaches over any moment"
    assert split((texts, groups, targets)).by == "random", "nobody asked for time at such a price"


def test_large_groups_fill_a_test_part_of_the_size_that_was_asked_for():
    texts, _, targets = corpus(1000)
    sizes = np.repeat(np.arange(40), np.linspace(2, 48, 40).astype(int))
    groups = {text.id: f"g{sizes[min(number, len(sizes) - 1)]}" for number, text in enumerate(texts)}
    for seed in range(5):
        parts = split((texts, groups, targets), seed=seed)
        assert count(parts, "test") == pytest.approx(200, abs=20)
        in_test = np.array([part == "test" for part in parts.part.values()])
        assert np.allclose(targets[in_test].sum(axis=0) / targets.sum(axis=0), 0.2, atol=0.06)


@pytest.mark.parametrize("least", [1, 2])
def test_a_rare_category_is_in_every_part_where_it_has_enough_texts(least):
    texts, groups, _ = corpus(300)
    targets = np.zeros((300, 4))
    rare = np.random.default_rng(3).permutation(300)
    for column, size in enumerate((2, 3, 3 * least)):
        targets[rare[column * 10 : column * 10 + size], column] = 1
    targets[targets.sum(axis=1) == 0, 3] = 1
    for seed in range(10):
        made = split(
            (texts, groups, targets),
            [text.id for text in texts],
            use="train",
            validation=0.2,
            seed=seed,
            min_per_category=least,
        )
        rows = {
            part: [int(name[1:]) for name in members(made, part)] for part in ("train", "validation", "test")
        }
        have = {part: targets[some].sum(axis=0) for part, some in rows.items()}
        assert min(some[1] for some in have.values()) == 1
        assert min(some[2] for some in have.values()) == least


def test_folds_each_have_a_category_that_has_as_many_texts():
    targets = np.zeros((200, 3))
    targets[[3, 50, 90, 120, 199], 0] = 1
    targets[:40, 1] = 1
    targets[40:, 2] = 1
    for seed in range(10):
        fold = make_folds(targets, [str(row) for row in range(200)], folds=5, seed=seed)
        assert sorted(fold[targets[:, 0] == 1]) == [0, 1, 2, 3, 4]


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 5), st.integers(0, 10), st.data())
def test_evening_loses_no_category_empties_no_part_and_mends_what_single_moves_can(parts, seed, data):
    random = np.random.default_rng(seed)
    groups = data.draw(st.integers(parts, 60))
    marks = random.random((groups, 3)) < [0.6, 0.2, 0.08]
    sizes = random.integers(1, 6, groups)
    empty = np.where(marks.any(axis=1), 0, sizes)
    counts = np.column_stack([marks * sizes[:, None], empty, sizes])
    before = np.concatenate([np.arange(parts), random.integers(0, parts, groups - parts)])
    after = evened(before, counts, shares=[1 / parts] * parts)

    def short(part):
        have = np.stack([(counts[part == one, :-1] > 0).sum(axis=0) for one in range(parts)])
        return np.maximum(0, np.minimum(1, (counts[:, :-1] > 0).sum(axis=0) // parts) - have).sum()

    assert set(after.tolist()) == set(range(parts))
    assert short(after) <= short(before)
    if parts == 2 and (counts[:, :-1] > 0).sum(axis=1).max(initial=0) == 1:
        assert short(after) == 0, "with one category a group nothing stands in the way"


def test_one_moment_for_all_texts_divides_nothing():
    texts = [Text(id=f"t{number}", time=START) for number in range(20)]
    made = texts, {text.id: text.id for text in texts}, np.zeros((20, 2))
    assert split(made).by == "random"
    with pytest.raises(DataError, match="no moment has different texts on both sides"):
        split(made, by="time")


def test_golden_texts_that_only_test_are_the_test_unless_time_is_asked_for():
    golden = [f"t{number}" for number in range(40)]
    made = corpus(400, timed=True)
    assert split(made, golden).by == "golden"
    assert members(split(made, golden), "test") == set(golden)
    parts = split(made, golden, by="time")
    assert parts.by == "time"
    assert any("they are earlier than the test" in note for note in parts.notes)
