from dataclasses import replace

import numpy as np
import pytest
from small_examples import make_examples, make_folds

from rubricator.config import Encode, Train
from rubricator.label_space import LabelSpace
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.heads.co_training import teach
from rubricator.train.training_context import TrainingContext

pytestmark = pytest.mark.slow


@pytest.fixture(params=[True, False], ids=["single", "several"])
def single(request):
    return request.param


@pytest.fixture
def context(tmp_path, single):
    space = LabelSpace.of_size(3, single=single)
    return TrainingContext(settings=Train(), encode=Encode(), space=space, seed=0, folder=tmp_path)


def two_views(rows, seed, single):
    """The second encoder sees the same texts with noise of its own."""
    examples = make_examples(rows, seed=seed, single=single)
    return replace(
        examples, more_vectors={"second": make_examples(rows, seed=seed + 50, single=single).vectors}
    )


def test_what_a_view_says_of_a_fold_does_not_depend_on_the_labels_there(context, single):
    examples, unlabelled, folds = two_views(36, 0, single), two_views(90, 1, single), make_folds(36)
    away = folds == 2
    other = replace(examples, targets=np.where(away[:, None], examples.targets[:, ::-1], examples.targets))
    first, second = (teach(one, unlabelled, folds=folds, context=context) for one in (examples, other))
    for name in ("base", "second"):
        assert (first[name].oof_kernel[away] == second[name].oof_kernel[away]).all()
        assert (first[name].oof_neighbours[away] == second[name].oof_neighbours[away]).all()
        assert not (first[name].oof_kernel[~away] == second[name].oof_kernel[~away]).all()


def test_labels_of_unlabelled_texts_are_not_looked_at(context, single):
    examples, unlabelled, folds = two_views(36, 0, single), two_views(90, 1, single), make_folds(36)
    other = replace(unlabelled, targets=1 - unlabelled.targets)
    first, second = (teach(examples, one, folds=folds, context=context) for one in (unlabelled, other))
    assert (first["base"].model.dual == second["base"].model.dual).all()


def test_a_view_learns_texts_that_the_other_is_sure_of(context, single):
    examples, unlabelled = two_views(36, 0, single), two_views(90, 1, single)
    model = teach(examples, unlabelled, folds=make_folds(36), context=context)["second"].model
    taught = len(model.anchors) - len(examples)
    assert 15 <= taught <= 70
    assert set(np.round(model.counts, 6)) == {0.1, 1.0}


def test_rows_without_weight_are_predicted_but_teach_nothing(context, single):
    examples, unlabelled, folds = two_views(48, 0, single), two_views(60, 1, single), make_folds(48)
    quiet = replace(examples, weights=np.where(np.arange(48) < 36, 1.0, 0.0))
    other = replace(quiet, targets=np.where(quiet.weights[:, None] > 0, quiet.targets, 0.5))
    first, second = (teach(one, unlabelled, folds=folds, context=context)["base"] for one in (quiet, other))
    assert np.isfinite(first.oof_kernel).all()
    assert (first.oof_kernel == second.oof_kernel).all()


def test_the_folds_choose_whether_heads_were_taught(context, single):
    examples, unlabelled, folds = two_views(36, 0, single), two_views(90, 1, single), make_folds(36)
    fitted = fit_heads(examples, folds=folds, context=replace(context, unlabelled=unlabelled))
    assert any("taught kernel" in tried["parts"] for tried in fitted.facts["tried"])
    alone = fit_heads(examples, folds=folds, context=context)
    assert not any("taught kernel" in tried["parts"] for tried in alone.facts["tried"])


def test_with_one_encoder_nobody_is_taught(context, single):
    one = make_examples(36, single=single)
    fitted = fit_heads(one, folds=make_folds(36), context=replace(context, unlabelled=make_examples(60)))
    assert not any("taught kernel" in tried["parts"] for tried in fitted.facts["tried"])
