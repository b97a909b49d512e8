from __future__ import annotations

import numpy as np
from invented_parts import KEYS, scored

from rubricator.dataset.inputs import Inputs
from rubricator.evaluate.metrics.errors import explain_errors, worst_errors
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.explanation.explain import explain


def test_the_surest_wrong_decision_comes_first():
    truth = [[1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 1, 0]]
    stated = [[0.4, 0.1, 0.1], [0.6, 0.97, 0.1], [0.1, 0.9, 0.1], [0.9, 0.2, 0.1]]
    found = worst_errors(scored(truth, stated), KEYS, count=10)
    assert [mistake.id for mistake in found] == ["t1", "t3", "t0"]
    first = found[0]
    assert (first.truth, first.decided, first.worst) == ((), ("sport", "money"), "money")
    assert first.probability == 0.97
    assert (found[1].worst, found[1].probability) == ("money", 0.2)


def test_an_uncertain_but_right_category_is_no_mistake():
    assert worst_errors(scored([[1, 0, 0]], [[0.51, 0.49, 0.4]]), KEYS, count=5) == []


def test_copies_are_listed_once_and_the_count_is_kept():
    part = scored([[0, 0, 0]] * 4, [[0.9, 0, 0], [0.8, 0, 0], [0.7, 0, 0], [0.6, 0, 0]], groups=list("aabc"))
    assert [mistake.id for mistake in worst_errors(part, KEYS, count=2)] == ["t0", "t2"]
    assert worst_errors(part, KEYS, count=0) == []


def test_errors_are_explained_for_the_category_that_is_wrong(linear_model):
    contents = ["Банк купил вратаря", "Хоккеисты победили в театре"]
    part = scored([[0, 0, 0], [0, 0, 0]], [[0.9, 0.1, 0.1], [0.2, 0.1, 0.8]], contents=contents)
    errors = worst_errors(part, KEYS, count=5)
    rule = DecisionRule.identity(LabelSpace(KEYS, single=False))
    inputs = Inputs([error.content for error in errors])
    found = explain_errors(errors, linear_model, rule, inputs, words=2)
    assert [error.worst for error in found] == ["sport", KEYS[2]]
    for row, error in enumerate(found):
        wanted = [[key == error.worst for key in KEYS]]
        (expected,) = explain(linear_model, rule, Inputs([contents[row]]), np.array(wanted), words=2)
        assert error.words == expected.words[error.worst]
        assert len(error.words) == 2
    assert [error.id for error in found] == [error.id for error in errors]
