"""What each word adds to the logits of a linear model, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array

from rubricator.dataset.inputs import Inputs
from rubricator.models.explanation.words import Span
from rubricator.models.linear import LinearModel, Ngrams
from rubricator.stats.arrays import Floats


def linear_effects(model: LinearModel, inputs: Inputs, spans: Sequence[Sequence[Span]]) -> list[Floats]:
    """What each word adds to the logits of each text, [words, categories]; the rest is the intercept.

    A term's share is divided equally among its occurrences, and of an n-gram of words among its words.
    Lengths are taken as they are: leaving a word out would also make the others weigh more.
    """
    features = model.features(inputs.contents)
    return [
        _effects(model, content, features[[row]], words)
        for row, (content, words) in enumerate(zip(inputs.contents, spans, strict=True))
    ]


def _effects(model: LinearModel, content: str, features: csr_array, spans: Sequence[Span]) -> Floats:
    words = [content[start:end] for start, end in spans]
    value = dict(zip(features.indices.tolist(), features.data.tolist(), strict=True))
    parts = [part for part in _occurrences(model, words) if part[1] in value]
    if not parts:
        return np.zeros((len(words), model.categories))
    places, columns, shares = map(np.array, zip(*parts, strict=True))
    terms, position = np.unique(columns, return_inverse=True)
    # A term's occurrences each have shares that sum to one.
    occurrences = np.bincount(position, weights=shares)
    each = np.array([value[term] for term in terms.tolist()]) / occurrences
    matrix = csr_array((shares * each[position], (places, position)), shape=(len(words), len(terms)))
    return np.asarray(matrix @ model.coef[:, terms].T, dtype=np.float64)


def _occurrences(model: LinearModel, words: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """For every occurrence of a term: a word, the column of the term, and the word's share of it."""
    first = 0
    for block, vectorizer in zip(model.ngrams, model.vectorizers, strict=True):
        if block.analyzer == "word":
            pieces = _word_ngrams(words, vectorizer.build_tokenizer(), block)
        else:
            # No n-gram of characters goes from one word into the next.
            analyse = vectorizer.build_analyzer()
            pieces = (((place,), term) for place, word in enumerate(words) for term in analyse(word))
        for places, term in pieces:
            column = vectorizer.vocabulary.get(term)
            if column is not None:
                yield from ((place, first + column, 1 / len(places)) for place in places)
        first += len(block.terms)


def _word_ngrams(
    words: Sequence[str], tokenize: Callable[[str], list[str]], block: Ngrams
) -> Iterator[tuple[tuple[int, ...], str]]:
    """N-grams of words as scikit-learn makes them, each with the places of its words."""
    tokens = [(place, token) for place, word in enumerate(words) for token in tokenize(word.lower())]
    for size in range(block.shortest, block.longest + 1):
        for at in range(len(tokens) - size + 1):
            places, parts = zip(*tokens[at : at + size], strict=True)
            yield places, " ".join(parts)
