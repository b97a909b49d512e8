from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from small_artifacts import block_of

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel


def seen(vectors):
    return Inputs([""] * len(vectors), vectors={BASE: vectors})


CONTENTS = ["Снег идёт второй день", "Снегопад остановил поезда", "Поезд пришёл вовремя", "День, ночь и день"]


def test_the_linear_model_gives_the_logits_of_scikit_learn():
    vectorizers = [
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    ]
    from scipy.sparse import hstack

    features = hstack([v.fit_transform(CONTENTS) for v in vectorizers]).tocsr()
    fitted = [
        LogisticRegression(C=10).fit(features, [1, 1, 0, 0]),
        LogisticRegression().fit(features, [1, 0, 0, 1]),
    ]
    model = LinearModel(
        tuple(block_of(v) for v in vectorizers),
        np.vstack([f.coef_ for f in fitted]),
        np.concatenate([f.intercept_ for f in fitted]),
    )
    unseen = ["Поезд попал в СНЕГ", "совсем другое", "", *CONTENTS]
    features = hstack([v.transform(unseen) for v in vectorizers]).tocsr()
    np.testing.assert_allclose(
        model.logits(Inputs(unseen)),
        np.column_stack([f.decision_function(features) for f in fitted]),
        rtol=0,
        atol=1e-12,
    )


def test_no_texts_give_no_rows(linear_model):
    assert linear_model.logits(Inputs([])).shape == (0, 3)
    assert HeadsModel(np.ones((3, 4)), np.zeros(3)).logits(
        seen(np.zeros((0, 4), dtype=np.float32))
    ).shape == (0, 3)


@given(texts=st.integers(1, 40), width=st.integers(1, 400), seed=st.integers(0, 9))
def test_heads_answer_to_the_last_bit_whatever_stands_beside(texts, width, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(texts, width)).astype(np.float32)
    coef, intercept = rng.normal(size=(7, width)), rng.normal(size=7)
    together = HeadsModel(coef, intercept).logits(seen(vectors))
    np.testing.assert_allclose(together, vectors.astype(np.float64) @ coef.T + intercept, atol=1e-9)
    assert (HeadsModel(coef[:3], intercept[:3]).logits(seen(vectors)) == together[:, :3]).all()
    row = texts // 2
    assert (HeadsModel(coef, intercept).logits(seen(vectors[row : row + 1])) == together[row]).all()


def test_the_linear_model_answers_to_the_last_bit_whatever_stands_beside(linear_model):
    together = linear_model.logits(Inputs(CONTENTS))
    alone = np.vstack([linear_model.logits(Inputs([content])) for content in CONTENTS])
    fewer = LinearModel(linear_model.ngrams, linear_model.coef[:2], linear_model.intercept[:2])
    assert (alone == together).all()
    assert (fewer.logits(Inputs(CONTENTS)) == together[:, :2]).all()
