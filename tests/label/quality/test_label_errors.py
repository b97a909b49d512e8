"""Which labels are worth a second look."""

import numpy as np
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.quality.label_errors import Reason, audit, disagreement
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": k} for k in "abc"]}).space
NAN = np.nan
OWN = [str(row) for row in range(300)]


def single_case(wrong=(3, 57, 120), seed=0):
    """Labels of which some are wrong, and a model that is mostly right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=300)
    probabilities = np.full((300, 3), 0.05) + rng.random((300, 3)) * 0.05
    probabilities[np.arange(300), truth] = 0.8 + 0.1 * rng.random(300)
    probabilities[list(wrong), truth[list(wrong)]] = 2.0
    given = truth.copy()
    given[list(wrong)] = (truth[list(wrong)] + 1) % 3
    return truth, np.eye(3, dtype=bool)[given], probabilities / probabilities.sum(axis=1, keepdims=True)


def test_wrong_labels_come_first_with_the_right_suggestion():
    truth, labels, probabilities = single_case()
    found = audit(labels, probabilities, SINGLE, groups=OWN)
    assert {suspect.row for suspect in found} == {3, 57, 120}
    for suspect in found:
        assert list(suspect.reasons) == [Reason.MODEL]
        assert suspect.suggestion == ("abc"[truth[suspect.row]],)
        assert suspect.probability < 0.2
        assert suspect.score > 0.8
    assert [suspect.score for suspect in found] == sorted((s.score for s in found), reverse=True)


def test_wrong_categories_among_several():
    rng = np.random.default_rng(1)
    truth = rng.random((300, 2)) < [0.5, 0.3]
    probabilities = np.where(truth, 0.9, 0.1) + rng.uniform(-0.08, 0.08, (300, 2))
    labels = truth.copy()
    probabilities[[5, 9]] = np.where(truth[[5, 9]], 0.99, 0.01)
    labels[5, 0] ^= True
    labels[9, 1] ^= True
    found = audit(labels, probabilities, MULTI, groups=OWN)
    assert {suspect.row for suspect in found} == {5, 9}
    for suspect in found:
        assert suspect.suggestion == tuple(
            k for k, is_in in zip("ab", truth[suspect.row], strict=True) if is_in
        )
        assert suspect.probability < 0.2


def test_categories_that_all_or_no_text_has_are_not_judged():
    labels = np.tile([True, False], (300, 1))
    assert audit(labels, np.tile([0.9, 0.1], (300, 1)), MULTI, groups=OWN) == []
    same = np.eye(3, dtype=bool)[np.zeros(300, dtype=int)]
    assert audit(same, np.tile([0.9, 0.05, 0.05], (300, 1)), SINGLE, groups=OWN) == []


def test_a_category_without_texts_does_not_matter():
    _, labels, probabilities = single_case(wrong=())
    kept = labels.argmax(axis=1) < 2
    found = audit(labels[kept], probabilities[kept], SINGLE, groups=OWN[: kept.sum()])
    assert found == []


def test_duplicates_with_different_labels():
    _, labels, probabilities = single_case(wrong=())
    a, b = (int(np.flatnonzero(labels[:, j])[0]) for j in (0, 1))
    others = np.flatnonzero(labels[:, 0])[1:3].tolist()
    groups = list(OWN)
    for row in (a, b, *others):
        groups[row] = "same"
    found = audit(labels, probabilities, SINGLE, groups=groups)
    assert found[0].row == b
    assert found[0].reasons == {Reason.DUPLICATE: 0.75}
    assert found[0].suggestion == ("a",)
    assert {suspect.row for suspect in found[1:]} == {a, *others}
    assert all(suspect.score == pytest.approx(0.25) for suspect in found[1:])


def test_several_reasons_add_up():
    truth, labels, probabilities = single_case(wrong=(3,))
    groups = list(OWN)
    groups[3] = groups[4] = "same"
    alone = audit(labels, probabilities, SINGLE, groups=OWN)[0]
    labels[4] = np.eye(3, dtype=bool)[truth[3]]
    probabilities[4] = probabilities[3]
    both = audit(labels, probabilities, SINGLE, groups=groups)[0]
    assert both.row == 3
    assert list(both.reasons) == [Reason.MODEL, Reason.DUPLICATE]
    assert both.score == pytest.approx(1 - (1 - alone.score) * 0.5)


def test_split_teachers():
    _, labels, probabilities = single_case(wrong=())
    one, two = np.eye(3)[labels.argmax(axis=1)] * 0.94 + 0.02, np.eye(3)[labels.argmax(axis=1)] * 0.94 + 0.02
    two[7] = np.roll(two[7], 1)
    two[8] = NAN
    opinions = [
        TeacherProbabilities("one", one, np.ones(300, dtype=bool)),
        TeacherProbabilities("two", two, np.ones(300, dtype=bool)),
    ]
    (suspect,) = audit(labels, probabilities, SINGLE, groups=OWN, opinions=opinions)
    assert suspect.row == 7
    assert list(suspect.reasons) == [Reason.SPLIT]
    golden = np.arange(300) == 7
    assert audit(labels, probabilities, SINGLE, groups=OWN, opinions=opinions, by_people=golden) == []


def test_disagreement_is_between_opposed_teachers_not_hesitant_ones():
    sure_a, sure_b, unsure = [1.0, 0, 0], [0, 1.0, 0], [1 / 3] * 3
    ours = np.array([sure_a, sure_a, unsure, sure_a, [NAN] * 3])
    theirs = np.array([sure_a, sure_b, unsure, [NAN] * 3, [NAN] * 3])
    np.testing.assert_allclose(disagreement([ours, theirs], single=True), [0, 1, 0, 0, 0], atol=1e-12)
    thirds = [np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 0]]), np.array([[0, 0, 1.0]])]
    np.testing.assert_allclose(disagreement(thirds, single=True), [1])
    mild = disagreement([np.array([[0.8, 0.1]]), np.array([[0.2, 0.1]])], single=False)
    np.testing.assert_allclose(mild, [0.278], atol=0.001)
