import numpy as np
import pytest
from sklearn.metrics import f1_score

from rubricator.errors import TrainingError
from rubricator.train.select import Score, choose, score

BETTER = Score(macro_f1=0.8, accuracy=0.6, texts=50)
WORSE = Score(macro_f1=0.7, accuracy=0.65, texts=50)


def test_multi_label_goes_by_macro_f1():
    choice = choose({"linear": WORSE, "heads": BETTER}, single=False)
    assert choice.name == "heads"
    assert choice.reason == "heads reached macro-F1 0.800 on 50 validation texts, more than linear 0.700."
    assert list(choice.scores) == ["heads", "linear"]


def test_single_label_goes_by_accuracy_then_macro_f1():
    assert choose({"heads": BETTER, "linear": WORSE}, single=True).name == "linear"
    level = Score(macro_f1=0.9, accuracy=0.65, texts=50)
    assert choose({"heads": WORSE, "linear": level}, single=True).name == "linear"


def test_of_equals_the_first_is_taken_and_it_says_so():
    choice = choose({"linear": BETTER, "heads": BETTER}, single=False)
    assert choice.name == "linear"
    assert "heads 0.800 is no better" in choice.reason


def test_one_candidate_and_none():
    assert "only candidate" in choose({"heads": BETTER}, single=False).reason
    with pytest.raises(TrainingError, match=r"train\.models"):
        choose({}, single=False)


def test_score_is_scikit_learns_over_the_categories_present():
    rng = np.random.default_rng(0)
    truth, decisions = rng.random((40, 3)) < 0.4, rng.random((40, 3)) < 0.4
    truth[:, 2] = False
    found = score(decisions, truth * 0.9, np.ones(40))
    assert found.macro_f1 == pytest.approx(f1_score(truth[:, :2], decisions[:, :2], average="macro"))
    assert found.accuracy == pytest.approx((truth == decisions).all(axis=1).mean())


def test_score_leaves_out_rows_without_weight():
    truth = np.array([[1.0, 0.0], [0.0, 1.0]])
    wrong_where_it_does_not_count = np.array([[True, False], [True, False]])
    found = score(wrong_where_it_does_not_count, truth, np.array([1.0, 0.0]))
    assert (found.accuracy, found.macro_f1, found.texts) == (1.0, 1.0, 1)


def test_score_of_nothing_is_nought():
    assert score(np.zeros((2, 2), bool), np.zeros((2, 2)), np.zeros(2)) == Score(0.0, 0.0, 0)
