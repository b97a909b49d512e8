import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from small_examples import make_examples, make_folds

from rubricator.config import KINDS as CONFIGURED
from rubricator.config import Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.linear import side_by_side
from rubricator.train.kinds.heads import fit_heads, fit_lines
from rubricator.train.kinds.linear.fit import fit_linear, ngram_features
from rubricator.train.kinds.linear.ngrams import char_counts
from rubricator.train.trainers import TRAINERS, fit
from rubricator.train.training_context import TrainingContext

KINDS = ["heads", "linear"]


@pytest.fixture
def context(tmp_path):
    return TrainingContext(
        settings=Train(), encode=Encode(), space=LabelSpace.of_size(3, single=True), seed=0, folder=tmp_path
    )


def logits(fitted, examples):
    return fitted.model.logits(examples.inputs())


def with_targets(examples, targets):
    return Examples(
        contents=examples.contents,
        vectors=examples.vectors,
        targets=targets,
        weights=examples.weights,
        groups=examples.groups,
    )


def test_every_kind_of_the_config_has_a_trainer():
    assert set(TRAINERS) == set(CONFIGURED)


@pytest.mark.parametrize("kind", KINDS)
def test_learns_and_says_what_it_is(kind, context):
    examples, others = make_examples(60), make_examples(30, seed=1)
    fitted = fit(kind, examples, folds=make_folds(60), context=context)
    assert fitted.model.kind in (kind, "ensemble")
    assert fitted.notes == {}
    found = logits(fitted, others)
    assert found.dtype == np.float64
    assert (found.argmax(axis=1) == others.targets.argmax(axis=1)).mean() > 0.85


@pytest.mark.parametrize("fit_kind", [fit_lines, fit_linear])
def test_a_new_category_leaves_the_other_logits_bit_identical(fit_kind, context):
    examples = make_examples(60)
    before = with_targets(examples, examples.targets[:, :2])
    small, large = (fit_kind(some, folds=make_folds(60), context=context) for some in (before, examples))
    assert (logits(large, examples)[:, :2] == logits(small, before)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_model(kind, context):
    examples = make_examples(45)
    first, second = (
        logits(fit(kind, examples, folds=make_folds(45), context=context), examples) for _ in range(2)
    )
    assert (first == second).all()


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_logits_are_of_all_rows_and_worse_than_those_of_rows_seen(kind, context):
    examples = make_examples(48)
    fitted = fit(kind, examples, folds=make_folds(48), context=context)
    assert fitted.oof_logits.shape == examples.targets.shape
    seen = np.where(examples.targets > 0, logits(fitted, examples), -logits(fitted, examples))
    held = np.where(examples.targets > 0, fitted.oof_logits, -fitted.oof_logits)
    assert held.mean() < seen.mean()


def test_unknown_kind_names_the_nearest(context):
    with pytest.raises(TrainingError, match="did you mean 'linear'"):
        fit("liner", make_examples(6), folds=make_folds(6), context=context)


def test_heads_without_vectors_say_what_to_do(context):
    bare = Examples(contents=["а"], vectors=None, targets=np.eye(1), weights=np.ones(1), groups=["1"])
    with pytest.raises(TrainingError, match="Encode the texts first"):
        fit_heads(bare, folds=np.zeros(1, int), context=context)


def test_lines_do_not_mind_the_scale_of_the_vectors(context):
    examples = make_examples(60)
    larger = Examples(
        contents=examples.contents,
        vectors=examples.vectors * 8 + 2,
        targets=examples.targets,
        weights=examples.weights,
        groups=examples.groups,
    )
    plain, moved = (fit_lines(some, folds=make_folds(60), context=context) for some in (examples, larger))
    assert logits(moved, larger) == pytest.approx(logits(plain, examples), abs=1e-3)


def test_heads_survive_equal_vectors(context):
    examples = make_examples(12)
    equal = Examples(
        contents=examples.contents,
        vectors=np.ones((12, 4), np.float32),
        targets=examples.targets,
        weights=examples.weights,
        groups=examples.groups,
    )
    assert np.isfinite(logits(fit_heads(equal, folds=make_folds(12), context=context), equal)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_weight_is_an_error(kind, context):
    examples = make_examples(6)
    idle = Examples(
        contents=examples.contents,
        vectors=examples.vectors,
        targets=examples.targets,
        weights=np.zeros(6),
        groups=examples.groups,
    )
    with pytest.raises(TrainingError, match="not a single labelled text"):
        fit(kind, idle, folds=make_folds(6), context=context)


def test_linear_keeps_terms_and_weights_side_by_side(context):
    fitted = fit_linear(make_examples(30), folds=make_folds(30), context=context).model
    words, characters = fitted.ngrams
    assert "парламент" in words.terms
    assert any(" " in term for term in words.terms)
    assert {len(term) for term in characters.terms} == {2, 3, 4, 5}
    assert fitted.coef.shape == (3, len(words.terms) + len(characters.terms))
    assert len(words.idf) == len(words.terms)


def test_linear_gives_unknown_words_the_intercept(context):
    examples = make_examples(30)
    fitted = fit_linear(examples, folds=make_folds(30), context=context)
    strange = Examples(
        contents=["zzz"], vectors=None, targets=np.zeros((1, 3)), weights=np.ones(1), groups=["z"]
    )
    assert logits(fitted, strange)[0] == pytest.approx(fitted.model.intercept)


def test_texts_without_words_are_an_error(context):
    silent = Examples(
        contents=["!!!", "?"], vectors=None, targets=np.eye(2), weights=np.ones(2), groups=["1", "2"]
    )
    with pytest.raises(TrainingError, match="hold no words"):
        fit_linear(silent, folds=np.array([0, 1]), context=context)


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 3), (2, 5), (4, 6)])
def test_character_counts_are_scikit_learns(shortest, longest):
    contents = ["Кот и  пёс", "а", " ", "", "ДОМ\tдома İx", "на на дому"]
    seen = np.array([True, True, True, True, True, False])
    theirs = CountVectorizer(analyzer="char_wb", ngram_range=(shortest, longest)).fit(contents[:5])
    terms, counts = char_counts(contents, seen, shortest=shortest, longest=longest, most=1000)
    assert terms == theirs.get_feature_names_out().tolist()
    assert (counts.toarray() == theirs.transform(contents).toarray()).all()


def test_the_most_frequent_character_ngrams_are_kept():
    terms, counts = char_counts(["аба", "ба"], np.ones(2, bool), shortest=2, longest=2, most=2)
    assert terms == ["а ", "ба"]
    assert counts.toarray().tolist() == [[1, 1], [1, 1]]


def test_what_linear_learns_from_is_what_it_is_served():
    contents = ["Парламент принял закон", "Матч выиграл тренер", "закон о тренерах"]
    seen = np.array([True, True, False])
    ngrams, features = ngram_features(contents, seen)
    served = side_by_side([block.vectorizer().transform(contents) for block in ngrams])
    np.testing.assert_allclose(features.toarray(), served.toarray(), rtol=1e-12)
    reference = [
        TfidfVectorizer(
            analyzer=block.analyzer, ngram_range=(block.shortest, block.longest), sublinear_tf=True
        )
        for block in ngrams
    ]
    expected = side_by_side([theirs.fit(contents[:2]).transform(contents) for theirs in reference])
    np.testing.assert_allclose(features.toarray(), expected.toarray(), rtol=1e-12)
