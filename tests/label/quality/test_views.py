"""What each view of an encoder teacher is worth, beside golden texts and without them."""

import json

import numpy as np
import pytest

from rubricator.dataset.annotations import Annotations, Scale, TeacherProbabilities, TeacherScores
from rubricator.label.quality.views import view_reports, view_scores
from rubricator.label_space import LabelSpace
from rubricator.records import Answer, Status, Text

SPACE = LabelSpace(("sea", "land"), single=True, none=None)
TEXTS = [Text(id=str(number), content=f"t{number}") for number in range(40)]
GROUPS = [text.id for text in TEXTS]
IS_SEA = np.arange(40) % 2 == 0
TRUTH = {row: np.array([sea, not sea]) for row, sea in enumerate(IS_SEA.tolist())}


def answer(text, views, status=Status.OK):
    raw = json.dumps(views) if status is Status.OK else "gone"
    return Answer(text_id=text.id, teacher="encoder", key="k", status=status, scores={"sea": 0.0}, raw=raw)


def answers():
    """One view is right everywhere, the other says sea of everything."""
    return {
        text.id: answer(text, {"e, pieces": [1.0, -1.0] if sea else [-1.0, 1.0], "e, whole": [1.0, 0.0]})
        for text, sea in zip(TEXTS, IS_SEA, strict=True)
    }


def annotations(scores=()):
    own = TeacherProbabilities("encoder", np.full((40, 2), 0.5), np.ones(40, dtype=bool))
    return Annotations(list(scores), [own], own, [], "", [])


def reports(truth, **more):
    options = {"truth": truth, "setting": {}, "groups": GROUPS, "seed": 1}
    return view_reports({"encoder": answers()}, TEXTS, annotations(**more), SPACE, **options)


def test_golden_texts_tell_the_good_view_from_the_bad():
    (report,) = reports(TRUTH)
    figures = {exam.report.teacher: exam.report.accuracy for exam in report.examinations}
    assert figures == {"e, pieces": 1.0, "e, whole": 0.5, "encoder": pytest.approx(0.5)}
    assert report.examinations[0].macro_f1.low is not None
    assert report.pairs == ()


def test_without_golden_texts_views_are_compared_with_one_another():
    (report,) = reports({})
    assert report.examinations == ()
    (pair,) = report.pairs
    assert {pair.one, pair.other} == {"e, pieces", "e, whole"}
    assert (pair.texts, pair.same) == (40, 0.5)


def test_rules_correct_the_views_and_are_none_themselves():
    hits = np.stack([IS_SEA, ~IS_SEA], axis=1)
    rules = TeacherScores(
        "rules", Scale.COUNT, np.where(hits, 1.0, np.nan), np.ones(40, dtype=bool), np.zeros(40, dtype="S1")
    )
    (report,) = reports(TRUTH, scores=[rules])
    assert [exam.report.teacher for exam in report.examinations] == ["e, pieces", "e, whole", "encoder"]
    assert report.examinations[0].report.accuracy == 1.0


def test_texts_without_an_answer_are_silent():
    some = answers()
    del some["0"]
    some["1"] = answer(TEXTS[1], {}, Status.FAILED)
    one, other = view_scores(some, TEXTS, SPACE)
    assert (one.teacher, other.teacher) == ("e, pieces", "e, whole")
    assert np.isnan(one.scores[:2]).all()
    assert np.isfinite(one.scores[2:]).all()
    assert one.answered.tolist() == [False, False] + [True] * 38


def test_no_answer_makes_no_view():
    assert view_scores({}, TEXTS, SPACE) == []
