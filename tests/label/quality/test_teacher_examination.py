"""Intervals of teachers' figures, and the closer look at one teacher."""

import numpy as np
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.quality.teacher_metrics import examine_teacher, measure_teachers
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.shares import wilson
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": "a"}, {"key": "b"}]}).space
NAN = np.nan


def test_wilson_by_the_book():
    # 15 of 20: Newcombe, "Two-sided confidence intervals for the single proportion" (1998), method 3
    found = wilson(15, 20)
    assert (round(found.low, 4), round(found.high, 4)) == (0.5313, 0.8881)
    sure = wilson(5, 5)
    assert sure.high == 1
    assert 0.5 < sure.low < 0.6
    assert wilson(0, 0) == Estimate(None)


def examined(rows, truth, space):
    opinion = TeacherProbabilities("t", np.array(rows, dtype=float), np.ones(len(rows), dtype=bool))
    known = {row: np.array(categories, dtype=bool) for row, categories in truth.items()}
    (report,) = measure_teachers([opinion], known, space)
    return examine_teacher(report, opinion, known, space, groups=[str(i) for i in range(len(rows))], seed=1)


def test_single_label_confusion_counts_silence():
    rows = [[0.6, 0.4], [0.6, 0.4], [NAN, NAN], [0.2, 0.8], [0.9, 0.1]]
    found = examined(rows, {0: [1, 0], 1: [0, 1], 2: [1, 0], 3: [0, 1]}, SINGLE)
    assert found.confusion.tolist() == [[1, 0, 1], [1, 1, 0]]
    assert found.accuracy == wilson(2, 3)
    assert found.report.accuracy == pytest.approx(2 / 3)
    assert found.macro_f1.low <= found.report.macro_f1 <= found.macro_f1.high


def test_multi_label_confusion_per_category():
    rows = [[0.9, NAN], [0.5, NAN], [NAN, NAN], [0.4, 0.1]]
    found = examined(rows, {0: [1, 0], 1: [0, 0], 2: [1, 0], 3: [0, 1]}, MULTI)
    assert found.confusion.tolist() == [[[1, 1, 0], [0, 1, 1]], [[0, 0, 3], [1, 0, 0]]]
    assert found.accuracy is None
    assert len(found.f1) == 2
