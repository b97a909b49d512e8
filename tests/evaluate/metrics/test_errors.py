from __future__ import annotations

from invented_parts import KEYS, scored

from rubricator.evaluate.metrics.errors import worst_errors


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
