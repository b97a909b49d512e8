from dataclasses import replace

import numpy as np
from small_examples import make_examples

from rubricator.train.search import unlabelled
from rubricator.train.search.unlabelled import draw_unlabelled


def test_one_of_each_group_and_none_like_a_learnt_text():
    groups = ["ключ", "мост", "ключ", "сад", "сад", "порт"]
    examples = replace(make_examples(6), groups=groups)
    learnt = np.arange(6) == 0
    drawn = draw_unlabelled(examples, ~learnt, learnt=learnt, seed=3)
    assert drawn is not None
    assert sorted(drawn.groups) == ["мост", "порт", "сад"]


def test_no_more_than_are_worth_it(monkeypatch):
    monkeypatch.setattr(unlabelled, "_MOST", 4)
    drawn = draw_unlabelled(make_examples(9), np.ones(9, dtype=bool), learnt=np.zeros(9, dtype=bool), seed=0)
    assert drawn is not None
    assert len(drawn) == 4


def test_without_texts_there_is_nothing():
    learnt = np.ones(6, dtype=bool)
    assert draw_unlabelled(make_examples(6), ~learnt, learnt=learnt, seed=0) is None
