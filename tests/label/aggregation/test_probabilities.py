"""From answers to opinions: who is heard, and that golden texts never vouch for themselves."""

import numpy as np
import pytest

from rubricator.dataset.annotations import Scale
from rubricator.label.aggregation.probabilities import teacher_probabilities, teacher_scores
from rubricator.records import Answer, Status, Text
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": "a"}, {"key": "b"}]}).space


def answer(row, scores, status=Status.OK):
    return Answer(text_id=str(row), teacher="t", key=str(row), status=status, scores=scores)


def opinion(scores, *, space=MULTI, scale=Scale.COUNT, truth=None, groups=None, answers=None, seed=1):
    given = answers or {str(row): answer(row, s) for row, s in enumerate(scores)}
    texts = [Text(id=str(row), content="т") for row in range(len(scores))]
    (found,) = teacher_probabilities(
        [teacher_scores("t", scale, given, texts, space)],
        space,
        truth=truth or {},
        groups=groups or [t.id for t in texts],
        seed=seed,
    )
    return found


def test_silence_and_failure_are_no_opinion():
    given = {"0": answer(0, {"a": 1}), "1": answer(1, {}), "2": answer(2, {"a": 1}, Status.FAILED)}
    found = opinion([{}] * 4, answers=given)
    np.testing.assert_allclose(found.probabilities[0], [0.9, np.nan])
    assert np.isnan(found.probabilities[1:]).all()
    assert found.answered.tolist() == [True, True, False, False]
    assert found.teacher == "t"


@pytest.mark.parametrize("space", [MULTI, SINGLE])
@pytest.mark.parametrize("scale", list(Scale))
def test_a_teacher_without_a_single_answer_has_no_opinion(space, scale):
    given = {"0": answer(0, {}, Status.FAILED)}
    found = opinion([{}] * 3, space=space, scale=scale, answers=given, truth={0: np.array([True, False])})
    assert np.isnan(found.probabilities).all()


@pytest.mark.parametrize("scale", list(Scale))
def test_single_label_rows_are_distributions(scale):
    found = opinion([{"a": 1, "b": 2}, {"a": 3, "b": 1}], space=SINGLE, scale=scale).probabilities
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found[0, 1] > found[0, 0]


def test_golden_texts_correct_the_guess_for_the_others():
    wrong = {row: np.array([False, False]) for row in range(40)}
    found = opinion([{"a": 1.0, "b": 1.0}] * 50, truth=wrong)
    assert (found.probabilities < 0.2).all()


def test_golden_texts_do_not_vouch_for_themselves():
    rng = np.random.default_rng(1)
    scores = [{"a": x, "b": y} for x, y in rng.normal(size=(60, 2))]
    truth = {row: rng.random(2) < 0.5 for row in range(30)}
    before = opinion(scores, scale=Scale.SIMILARITY, truth=truth).probabilities
    flipped = truth | {7: ~truth[7]}
    after = opinion(scores, scale=Scale.SIMILARITY, truth=flipped).probabilities
    np.testing.assert_array_equal(before[7], after[7])
    assert (before[40] != after[40]).all()


def test_near_duplicates_do_not_vouch_for_one_another():
    rng = np.random.default_rng(1)
    scores = [{"a": x, "b": y} for x, y in rng.normal(size=(60, 2))]
    truth = {row: rng.random(2) < 0.5 for row in range(30)}
    groups = [str(row // 2) for row in range(60)]
    before = opinion(scores, scale=Scale.SIMILARITY, truth=truth, groups=groups).probabilities
    for row in range(0, 30, 2):
        flipped = truth | {row: ~truth[row]}
        after = opinion(scores, scale=Scale.SIMILARITY, truth=flipped, groups=groups).probabilities
        np.testing.assert_array_equal(before[row + 1], after[row + 1])


def test_a_single_golden_text_is_judged_by_the_guess_alone():
    scores = [{"a": 1.0}, {"a": 1.0}]
    found = opinion(scores, truth={0: np.array([False, False])}).probabilities
    assert found[0, 0] == pytest.approx(0.9)
    assert found[1, 0] < 0.9


def both(scores, hits, *, space):
    """Opinions of a likeness and of rules about the same texts."""
    texts = [Text(id=str(row), content="т") for row in range(len(scores))]
    teachers = [
        teacher_scores(
            name, scale, {str(row): answer(row, given) for row, given in enumerate(rows)}, texts, space
        )
        for name, scale, rows in (("likeness", Scale.SIMILARITY, scores), ("rules", Scale.COUNT, hits))
    ]
    return teacher_probabilities(
        teachers,
        space,
        truth={},
        groups=[str(row) for row in range(len(scores))],
        seed=1,
    )


def test_rules_tell_a_likeness_how_common_categories_are():
    """The likeness leans to `b` everywhere; where rules speak, nine texts of ten are `a`."""
    rng = np.random.default_rng(3)
    lean = rng.normal(0.2, 0.3, 300)
    scores = [{"a": 0.0, "b": float(value)} for value in lean]
    hits = [{"b" if row % 10 == 0 else "a": 1.0} if row < 100 else {} for row in range(300)]
    alone = opinion(scores, space=SINGLE, scale=Scale.SIMILARITY).probabilities
    aligned, rules = both(scores, hits, space=SINGLE)
    assert (alone.argmax(axis=1) == 0).mean() < 0.4
    assert (aligned.probabilities.argmax(axis=1) == 0).mean() > 0.8
    np.testing.assert_allclose(aligned.probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(rules.probabilities[0], [0.1, 0.9])


def test_rules_leave_a_likeness_alone_where_texts_may_have_several_categories():
    scores = [{"a": float(row), "b": -float(row)} for row in range(20)]
    alone = opinion(scores, scale=Scale.SIMILARITY).probabilities
    beside, _ = both(scores, [{"b": 1.0}] * 20, space=MULTI)
    np.testing.assert_array_equal(beside.probabilities, alone)


def test_rules_that_never_speak_change_nothing():
    scores = [{"a": float(row % 7), "b": 3.0} for row in range(20)]
    alone = opinion(scores, space=SINGLE, scale=Scale.SIMILARITY).probabilities
    beside, _ = both(scores, [{}] * 20, space=SINGLE)
    np.testing.assert_allclose(beside.probabilities, alone, atol=1e-6)
