import numpy as np
import pytest
from small_examples import make_examples, make_folds

from rubricator.errors import TrainingError
from rubricator.train.examples import Examples
from rubricator.train.heads import fit_heads
from rubricator.train.linear import fit_linear
from rubricator.train.model import TRAINERS, fit

KINDS = list(TRAINERS)


def with_targets(examples, targets):
    return Examples(
        contents=examples.contents,
        vectors=examples.vectors,
        targets=targets,
        weights=examples.weights,
        groups=examples.groups,
    )


def test_there_are_two_kinds():
    assert KINDS == ["heads", "linear"]


@pytest.mark.parametrize("kind", KINDS)
def test_learns_and_says_what_it_is(kind):
    examples, others = make_examples(60), make_examples(30, seed=1)
    fitted = fit(kind, examples, folds=make_folds(60))
    assert fitted.name == kind
    assert fitted.notes == {}
    logits = fitted.logits(others)
    assert logits.dtype == np.float64
    assert (logits.argmax(axis=1) == others.targets.argmax(axis=1)).mean() > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_category_leaves_the_other_logits_bit_identical(kind):
    examples = make_examples(60)
    before = with_targets(examples, examples.targets[:, :2])
    small, large = (fit(kind, some, folds=make_folds(60)) for some in (before, examples))
    assert (large.logits(examples)[:, :2] == small.logits(before)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_model(kind):
    examples = make_examples(45)
    first, second = (fit(kind, examples, folds=make_folds(45)).logits(examples) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_logits_are_of_all_rows_and_worse_than_those_of_rows_seen(kind):
    examples = make_examples(48)
    fitted = fit(kind, examples, folds=make_folds(48))
    assert fitted.held_out.shape == examples.targets.shape
    seen = np.where(examples.targets > 0, fitted.logits(examples), -fitted.logits(examples))
    held = np.where(examples.targets > 0, fitted.held_out, -fitted.held_out)
    assert held.mean() < seen.mean()


def test_unknown_kind_names_the_nearest():
    with pytest.raises(TrainingError, match="did you mean 'linear'"):
        fit("liner", make_examples(6), folds=make_folds(6))


def test_heads_without_vectors_say_what_to_do():
    bare = Examples(contents=["а"], vectors=None, targets=np.eye(1), weights=np.ones(1), groups=["1"])
    with pytest.raises(TrainingError, match="Encode the texts first"):
        fit_heads(bare, folds=np.zeros(1, int))


def test_heads_do_not_mind_the_scale_of_the_vectors():
    examples = make_examples(60)
    larger = Examples(
        contents=examples.contents,
        vectors=examples.vectors * 8 + 2,
        targets=examples.targets,
        weights=examples.weights,
        groups=examples.groups,
    )
    plain, moved = (fit_heads(some, folds=make_folds(60)) for some in (examples, larger))
    assert moved.logits(larger) == pytest.approx(plain.logits(examples), abs=1e-3)


def test_heads_survive_equal_vectors():
    examples = make_examples(12)
    equal = Examples(
        contents=examples.contents,
        vectors=np.ones((12, 4), np.float32),
        targets=examples.targets,
        weights=examples.weights,
        groups=examples.groups,
    )
    assert np.isfinite(fit_heads(equal, folds=make_folds(12)).logits(equal)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_weight_is_an_error(kind):
    examples = make_examples(6)
    idle = Examples(
        contents=examples.contents,
        vectors=examples.vectors,
        targets=examples.targets,
        weights=np.zeros(6),
        groups=examples.groups,
    )
    with pytest.raises(TrainingError, match="not a single labelled text"):
        fit(kind, idle, folds=make_folds(6))


def test_linear_keeps_terms_and_weights_side_by_side():
    fitted = fit_linear(make_examples(30), folds=make_folds(30))
    words, characters = fitted.ngrams
    assert "парламент" in words.terms
    assert any(" " in term for term in words.terms)
    assert {len(term) for term in characters.terms} == {2, 3, 4, 5}
    assert fitted.coef.shape == (3, len(words.terms) + len(characters.terms))
    assert len(words.idf) == len(words.terms)


def test_linear_gives_unknown_words_the_intercept():
    examples = make_examples(30)
    fitted = fit_linear(examples, folds=make_folds(30))
    strange = Examples(
        contents=["zzz"], vectors=None, targets=np.zeros((1, 3)), weights=np.ones(1), groups=["z"]
    )
    assert fitted.logits(strange)[0] == pytest.approx(fitted.intercept)


def test_texts_without_words_are_an_error():
    silent = Examples(
        contents=["!!!", "?"], vectors=None, targets=np.eye(2), weights=np.ones(2), groups=["1", "2"]
    )
    with pytest.raises(TrainingError, match="hold no words"):
        fit_linear(silent, folds=np.array([0, 1]))
