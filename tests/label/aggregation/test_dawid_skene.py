"""Whom to believe, from the answers alone."""

import warnings

import numpy as np
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation import dawid_skene as module
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.votes import majority
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": k} for k in "abcd"]}).space


def single_teachers(accuracies, texts=600, seed=0, silence=0.0):
    """Truth and opinions of teachers that err independently, each to its own favourites."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, size=texts, p=[0.5, 0.25, 0.15, 0.1])
    opinions = []
    for i, accuracy in enumerate(accuracies):
        wrong = (truth + rng.choice([1, 2, 3], size=texts, p=rng.dirichlet(np.ones(3)))) % 4
        said = np.where(rng.random(texts) < accuracy, truth, wrong)
        probabilities = np.eye(4)[said]
        probabilities[rng.random(texts) < silence] = np.nan
        opinions.append(TeacherProbabilities(f"t{i}", probabilities, np.isfinite(probabilities).all(axis=1)))
    return truth, opinions


def right(opinion, truth):
    seen = np.isfinite(opinion.probabilities).all(axis=1)
    return float((opinion.probabilities[seen].argmax(axis=1) == truth[seen]).mean())


def test_confusions_and_shares_are_found():
    truth, opinions = single_teachers([0.9, 0.7, 0.6, 0.8], texts=4000, silence=0.2)
    found = dawid_skene(opinions, SINGLE, {})
    np.testing.assert_allclose(found.share, [0.5, 0.25, 0.15, 0.1], atol=0.03)
    for opinion, accuracy in zip(opinions, [0.9, 0.7, 0.6, 0.8], strict=True):
        confusion = found.confusion[opinion.teacher]
        np.testing.assert_allclose(confusion.sum(axis=1), 1)
        np.testing.assert_allclose(np.diag(confusion), accuracy, atol=0.06)
    assert np.nanmean(found.opinion.probabilities.max(axis=1)) == pytest.approx(
        right(found.opinion, truth), abs=0.03
    )


@pytest.mark.parametrize("seed", range(3))
def test_one_good_teacher_outweighs_many_bad_ones(seed):
    truth, opinions = single_teachers([0.95, 0.5, 0.5, 0.45], texts=1500, seed=seed)
    assert (
        right(dawid_skene(opinions, SINGLE, {}).opinion, truth)
        > right(majority(opinions, SINGLE), truth) + 0.1
    )


def test_the_order_of_teachers_does_not_matter():
    _, opinions = single_teachers([0.9, 0.6, 0.7], silence=0.1)
    forth, back = (dawid_skene(some, SINGLE, {}) for some in (opinions, opinions[::-1]))
    np.testing.assert_allclose(forth.opinion.probabilities, back.opinion.probabilities, atol=1e-6)
    np.testing.assert_allclose(forth.confusion["t0"], back.confusion["t0"], atol=1e-6)


def test_garbage_is_ignored():
    truth, opinions = single_teachers([0.85, 0.75, 0.8], texts=1500)
    rng = np.random.default_rng(5)
    garbage = [
        TeacherProbabilities(f"noise{i}", np.eye(4)[rng.integers(4, size=1500)], np.ones(1500, dtype=bool))
        for i in range(3)
    ]
    constant = TeacherProbabilities("constant", np.tile(np.eye(4)[0], (1500, 1)), np.ones(1500, dtype=bool))
    alone = dawid_skene(opinions, SINGLE, {}).opinion
    beside = dawid_skene([*opinions, *garbage, constant], SINGLE, {}).opinion
    assert right(beside, truth) > right(alone, truth) - 0.02
    assert (alone.probabilities.argmax(axis=1) == beside.probabilities.argmax(axis=1)).mean() > 0.95


def test_silence_is_no_vote():
    _, opinions = single_teachers([0.9, 0.7, 0.6], silence=0.3)
    mute = TeacherProbabilities("mute", np.full((600, 4), np.nan), np.zeros(600, dtype=bool))
    alone, beside = dawid_skene(opinions, SINGLE, {}), dawid_skene([*opinions, mute], SINGLE, {})
    np.testing.assert_allclose(beside.opinion.probabilities, alone.opinion.probabilities)
    nobody = np.all([np.isnan(o.probabilities).all(axis=1) for o in opinions], axis=0)
    assert nobody.any()
    assert np.isnan(alone.opinion.probabilities[nobody]).all()
    assert np.isfinite(alone.opinion.probabilities[~nobody]).all()


def test_golden_texts_tell_a_conspiracy_from_the_truth():
    truth, (good, *_) = single_teachers([0.85], texts=400, seed=3)
    _, (wrong,) = single_teachers([0.5], texts=400, seed=4)
    family = [TeacherProbabilities(f"twin{i}", wrong.probabilities, wrong.answered) for i in range(2)]
    opinions = [good, *family]
    golden = {row: np.eye(4, dtype=bool)[truth[row]] for row in range(0, 400, 2)}
    fooled, told = dawid_skene(opinions, SINGLE, {}), dawid_skene(opinions, SINGLE, golden)
    assert right(fooled.opinion, truth) < 0.6
    assert fooled.opinion.probabilities.max(axis=1).mean() > 0.9
    assert right(told.opinion, truth) > 0.8
    assert np.diag(told.confusion["t0"]).mean() > np.diag(told.confusion["twin0"]).mean()


def test_golden_texts_do_not_judge_themselves():
    # Nobody knows anything, so agreement is worth what a guess is, golden or not.
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=200)
    noise = [
        TeacherProbabilities(f"n{i}", np.eye(4)[rng.integers(4, size=200)], np.ones(200, dtype=bool))
        for i in range(3)
    ]
    golden = {row: np.eye(4, dtype=bool)[truth[row]] for row in range(200)}
    assert right(dawid_skene(noise, SINGLE, golden).opinion, truth) < 0.4


def test_a_golden_text_counts_as_if_it_had_been_left_out():
    truth, opinions = single_teachers([0.8, 0.7, 0.6], texts=60)
    golden = {row: np.eye(4, dtype=bool)[truth[row]] for row in range(60)}
    whole = dawid_skene(opinions, SINGLE, golden).opinion.probabilities
    for row in range(5):
        # Without the text, then judged by what the others taught: the same matrices, counted anew.
        others = {r: known for r, known in golden.items() if r != row}
        left_out = dawid_skene(opinions, SINGLE, others).opinion.probabilities[row]
        np.testing.assert_allclose(whole[row], left_out, atol=0.1)


def multi_teachers(rates, texts=3000, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.random(texts) < 0.3, rng.random(texts) < 0.1])
    opinions = []
    for i, (recall, specificity) in enumerate(rates):
        said = np.where(truth, rng.random(truth.shape) < recall, rng.random(truth.shape) > specificity)
        opinions.append(TeacherProbabilities(f"t{i}", said.astype(float), np.ones(texts, dtype=bool)))
    return truth, opinions


def test_multi_label_is_one_question_per_category():
    truth, opinions = multi_teachers([(0.9, 0.95), (0.6, 0.9), (0.5, 0.97), (0.7, 0.6)])
    found = dawid_skene(opinions, MULTI, {})
    np.testing.assert_allclose(found.share, [0.3, 0.1], atol=0.03)
    assert found.confusion["t0"].shape == (2, 2, 2)
    np.testing.assert_allclose(found.confusion["t0"][0], [[0.95, 0.05], [0.1, 0.9]], atol=0.05)
    wrong = ((found.opinion.probabilities >= 0.5) != truth).mean()
    assert wrong < ((majority(opinions, MULTI).probabilities >= 0.5) != truth).mean() - 0.01


def test_multi_label_silence():
    _, opinions = multi_teachers([(0.9, 0.95), (0.8, 0.9), (0.8, 0.9)], texts=300)
    for opinion in opinions:
        opinion.probabilities[0, 1] = np.nan
        opinion.probabilities[1] = np.nan
        opinion.answered[1] = False
    found = dawid_skene(opinions, MULTI, {1: np.array([True, True])})
    assert found.opinion.probabilities[0, 1] == pytest.approx(found.share[1])
    assert np.isnan(found.opinion.probabilities[1]).all()


def test_a_category_does_not_depend_on_its_neighbours():
    _, opinions = multi_teachers([(0.9, 0.95), (0.6, 0.9), (0.7, 0.8)])
    before = dawid_skene(opinions, MULTI, {}).opinion.probabilities[:, 0]
    for opinion in opinions:
        opinion.probabilities[:, 1] = 1 - opinion.probabilities[:, 1]
    np.testing.assert_array_equal(dawid_skene(opinions, MULTI, {}).opinion.probabilities[:, 0], before)


def test_a_rare_category_keeps_its_meaning():
    # Teachers mix two common categories up; nobody ever says d, and no text is d.
    _, opinions = single_teachers([0.6, 0.6, 0.6, 0.6], texts=2000, seed=2)
    for opinion in opinions:
        rare = opinion.probabilities[:, 3] == 1
        opinion.probabilities[rare] = np.eye(4)[0]
    opinions[0].probabilities[:3] = np.eye(4)[3]
    found = dawid_skene(opinions, SINGLE, {}).opinion.probabilities.argmax(axis=1)
    assert (found == 3).sum() <= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_library_finds_the_same(seed, monkeypatch):
    aggregation = pytest.importorskip("crowdkit.aggregation")
    import pandas as pd

    monkeypatch.setattr(module, "_POOLED", 0.0)
    monkeypatch.setattr(module, "_RIGHT", 0.001)
    monkeypatch.setattr(module, "_ANY", 0.001)
    truth, opinions = single_teachers([0.9, 0.7, 0.6, 0.75], texts=400, seed=seed)
    rows = [
        (task, opinion.teacher, int(label))
        for opinion in opinions
        for task, label in enumerate(opinion.probabilities.argmax(axis=1))
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The (copy|inplace) keyword", pd.errors.Pandas4Warning)
        library = aggregation.DawidSkene(n_iter=100, tol=1e-9)
        theirs = library.fit_predict_proba(pd.DataFrame(rows, columns=["task", "worker", "label"]))
    ours = dawid_skene(opinions, SINGLE, {}).opinion.probabilities
    expected = theirs.sort_index()[[0, 1, 2, 3]].to_numpy()
    assert np.abs(ours - expected).mean() < 0.002
    assert (ours.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.995
    assert right(TeacherProbabilities("ours", ours, opinions[0].answered), truth) > 0.85
