"""Override rates, agreement, and time by arms."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from rubricator.review.feedback import Decision
from rubricator.review.overrides import ENOUGH, report_feedback


def decision(categories, predicted, number=0, editor="Анна", shown="blind", seconds=None, single=True):
    return Decision(
        text_id=str(number),
        content=f"текст {number}",
        editor=editor,
        categories=tuple(categories),
        predicted=None if predicted is None else tuple(predicted),
        shown=shown,
        chosen="random",
        model="news@1",
        taxonomy="t",
        source="лента",
        seconds=seconds,
        single=single,
    )


def test_a_category_counts_where_either_chose_it():
    report = report_feedback([decision("a", "b"), decision("a", "a", 1), decision("c", None, 2)])
    rates = {row.name: (row.overridden, row.decisions) for row in report.categories}
    assert rates == {"a": (1, 2), "b": (1, 1)}
    (overall,) = report.overall
    assert (overall.overridden, overall.decisions) == (1, 2)


def test_arms_are_counted_apart():
    report = report_feedback([decision("a", "b"), decision("a", "a", 1, shown="suggested")])
    assert [(row.shown, row.overridden) for row in report.editors] == [("blind", 1), ("suggested", 0)]


@pytest.mark.parametrize("single", [True, False])
def test_kappa_is_cohens(single):
    random = np.random.default_rng(3)
    one = random.choice(["a", "b", "c"], 60)
    other = np.where(random.random(60) < 0.7, one, random.choice(["a", "b", "c"], 60))
    said = [decision(key, None, n, "Анна", single=single) for n, key in enumerate(one)]
    said += [decision(key, None, n, "Борис", single=single) for n, key in enumerate(other)]
    (pair,) = report_feedback(said).agreement
    expected = (
        cohen_kappa_score(one, other)
        if single
        else np.mean([cohen_kappa_score(one == key, other == key) for key in "abc"])
    )
    assert pair.kappa.value == pytest.approx(expected)
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high


def test_few_texts_give_a_sentence_and_no_figure():
    report = report_feedback([decision("a", None), decision("a", None, editor="Борис")])
    assert report.agreement[0].kappa.value is None
    assert "too few" in report.agreement[0].said
    assert report.time.saved.value is None
    assert "too few" in report.time.said


@pytest.mark.parametrize(
    ("faster", "said"), [(5, "suggestions save time"), (-5, "cost time"), (0, "cannot be told")]
)
def test_time_saved_compares_the_arms(faster, said):
    random = np.random.default_rng(1)
    times = random.normal(20, 2, 2 * ENOUGH)
    decisions = [decision("a", "a", n, seconds=float(time)) for n, time in enumerate(times)]
    decisions += [
        decision("a", "a", n, shown="suggested", seconds=float(time) - faster)
        for n, time in enumerate(random.permutation(times))
    ]
    assert said in report_feedback(decisions).time.said
