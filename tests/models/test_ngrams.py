"""Counting word by word gives scikit-learn's features, to the bit, whatever was counted before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_artifacts import TEXTS, train_linear

from rubricator.models import ngrams

(_, CHARS) = train_linear().ngrams
PIECES = [word for texts in TEXTS.values() for text in texts for word in text.split()] + [
    "",
    "ёж",
    "İ",
    "a\x00b",
]
texts = st.lists(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map(" \t".join)),
    max_size=6,
)


def same(found, expected):
    expected.sort_indices()
    assert found.shape == expected.shape
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))


@given(texts, texts)
@settings(deadline=None, max_examples=25)
def test_features_are_those_of_scikit_learn_to_the_bit(contents, others):
    features = CHARS.features(CHARS.vectorizer())
    if others:
        features(others)
    if contents:
        same(features(contents), CHARS.vectorizer().transform(contents))


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(ngrams, "_REMEMBERED", 2)
    contents = [text for group in TEXTS.values() for text in group]
    vectorizer = CHARS.vectorizer()
    counter = ngrams.CharCounter(vectorizer.vocabulary, shortest=CHARS.shortest, longest=CHARS.longest)
    weighing = vectorizer._tfidf
    same(weighing.transform(counter.counts(contents)), vectorizer.transform(contents))
    assert len(counter._words) <= 2


@pytest.mark.parametrize("word", ["я", "щи", "уха"])
def test_a_word_shorter_than_n_is_its_own_n_gram(word):
    assert ngrams.grams(word, 2, 9)[-1] == f" {word} "
    assert ngrams.grams(word, 9, 12) == [f" {word} "]
