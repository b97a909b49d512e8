import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import f1_score

from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.training_result import Score
from rubricator.train.selection import chance_of_gain, choose, metric_of, score


def reached(macro_f1: float, accuracy: float) -> Score:
    return Score(macro_f1, weighted_f1=0.5, micro_f1=0.5, accuracy=accuracy, texts=50, intervals={})


BETTER = reached(0.8, 0.6)
WORSE = reached(0.7, 0.65)


def test_the_metric_decides():
    choice = choose({"linear": WORSE, "heads": BETTER}, metric="macro_f1")
    assert choice.name == "heads"
    assert choice.reason == "heads reached macro-F1 0.800 on 50 validation texts, more than linear 0.700."
    assert list(choice.scores) == ["heads", "linear"]
    assert choose({"heads": BETTER, "linear": WORSE}, metric="accuracy").name == "linear"


def test_among_equals_macro_f1_decides():
    assert choose({"heads": WORSE, "linear": reached(0.9, 0.65)}, metric="accuracy").name == "linear"


def test_auto_is_accuracy_for_one_category_a_text_and_macro_f1_for_several():
    assert metric_of("auto", LabelSpace.of_size(3, single=True)) == "accuracy"
    assert metric_of("auto", LabelSpace.of_size(3, single=False)) == "macro_f1"
    assert metric_of("weighted_f1", LabelSpace.of_size(3, single=True)) == "weighted_f1"


def test_of_equals_the_first_is_taken_and_it_says_so():
    choice = choose({"linear": BETTER, "heads": BETTER}, metric="macro_f1")
    assert choice.name == "linear"
    assert "heads 0.800 is no better" in choice.reason


def test_what_prints_the_same_is_not_called_more():
    choice = choose({"heads": reached(0.5503, 0.5), "linear": reached(0.5498, 0.5)}, metric="macro_f1")
    assert choice.reason == "heads reached macro-F1 0.550 on 50 validation texts; linear 0.550 is no better."


def test_one_candidate_and_none():
    assert "only candidate" in choose({"heads": BETTER}, metric="macro_f1").reason
    with pytest.raises(TrainingError, match=r"train\.models"):
        choose({}, metric="macro_f1")


def test_what_costs_more_must_be_surely_better():
    scores = {"heads": WORSE, "linear": reached(0.6, 0.5), "ensemble": BETTER}
    choice = choose(scores, metric="macro_f1", unproven=["ensemble"])
    assert choice.name == "heads"
    assert choice.reason == (
        "heads reached macro-F1 0.700 on 50 validation texts, more than linear 0.600; "
        "ensemble 0.800 is not surely better."
    )
    assert list(choice.scores) == ["heads", "ensemble", "linear"]
    assert choose(scores, metric="macro_f1").name == "ensemble"
    worse = choose({"heads": BETTER, "ensemble": WORSE}, metric="macro_f1", unproven=["ensemble"])
    assert worse.reason.endswith("more than ensemble 0.700.")


@pytest.mark.parametrize("metric", ["macro_f1", "weighted_f1", "micro_f1", "accuracy"])
def test_a_gain_in_many_texts_is_no_chance_and_one_in_a_single_text_may_be(metric):
    truth = np.eye(3)[np.arange(90) % 3]
    groups = [str(number) for number in range(90)]

    def erring(rows):
        return np.where(np.isin(np.arange(90), rows)[:, None], np.roll(truth, 1, axis=1), truth) > 0.5

    def chance(new, old):
        return chance_of_gain(new, old, truth, np.ones(90), groups, metric=metric, seed=1)

    poor = erring(range(20))
    assert chance(erring(range(8)), poor) > 0.99
    assert chance(poor, erring(range(8))) < 0.01
    assert chance(poor, poor) == 0
    # Right in one text more: it is not drawn in a third of the samples.
    assert 0.5 < chance(erring(range(19)), poor) < 0.8


def test_score_is_scikit_learns_over_the_categories_present():
    rng = np.random.default_rng(0)
    truth, decisions = rng.random((40, 3)) < 0.4, rng.random((40, 3)) < 0.4
    truth[:, 2] = False
    found = score(decisions, truth * 0.9, np.ones(40))
    assert found.macro_f1 == pytest.approx(f1_score(truth[:, :2], decisions[:, :2], average="macro"))
    for average in ("weighted", "micro"):
        expected = f1_score(truth, decisions, average=average, zero_division=0)
        assert getattr(found, f"{average}_f1") == pytest.approx(expected)
    assert found.accuracy == pytest.approx((truth == decisions).all(axis=1).mean())
    assert found.intervals == {}, "no groups, no draws"


def test_intervals_hold_the_figure_and_are_wider_where_texts_come_in_groups():
    rng = np.random.default_rng(1)
    right = np.repeat(rng.random(30) < 0.7, 4)
    truth = np.tile([[1.0, 0.0]], (120, 1))
    decisions = np.where(right[:, None], truth > 0, truth == 0)
    alone = score(decisions, truth, np.ones(120), [str(i) for i in range(120)])
    grouped = score(decisions, truth, np.ones(120), [str(i // 4) for i in range(120)])
    (low, high), (lower, higher) = alone.intervals["accuracy"], grouped.intervals["accuracy"]
    assert lower < low < alone.accuracy < high < higher


def test_score_leaves_out_rows_without_weight():
    truth = np.array([[1.0, 0.0], [0.0, 1.0]])
    wrong_where_it_does_not_count = np.array([[True, False], [True, False]])
    found = score(wrong_where_it_does_not_count, truth, np.array([1.0, 0.0]))
    assert (found.accuracy, found.macro_f1, found.texts) == (1.0, 1.0, 1)


def test_score_of_nothing_is_nought():
    assert score(np.zeros((2, 2), bool), np.zeros((2, 2)), np.zeros(2)) == Score(0.0, 0.0, 0.0, 0.0, 0, {})


def test_intervals_take_little_memory_with_many_texts():
    truth = np.eye(3)[np.arange(20_000) % 3]
    groups = [str(row) for row in range(len(truth))]
    tracemalloc.start()
    score(truth > 0.5, truth, np.ones(len(truth)), groups)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Samples are drawn 100 at a time; all 500 at once took three arrays of [500, n], 242 MB here.
    assert peak < 6 * 100 * len(truth) * 8
