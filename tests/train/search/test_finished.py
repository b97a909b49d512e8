"""A candidate is taken up again only where it would come out the same."""

from dataclasses import replace

import numpy as np
from small_examples import make_examples

from rubricator.config import Encode, Train
from rubricator.label_space import LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.train.search.finished import Finished, FinishedCandidates
from rubricator.train.training_context import FitResult, TrainingContext


def test_vectors_of_a_further_encoder_are_part_of_what_it_learnt_from(tmp_path) -> None:
    context = TrainingContext(
        settings=Train(), encode=Encode(), space=LabelSpace.of_size(3, single=True), seed=1, folder=tmp_path
    )
    examples, folds = make_examples(6), np.arange(6) % 2

    def kept(**more_vectors) -> FinishedCandidates:
        learning = replace(examples, more_vectors=more_vectors)
        return FinishedCandidates(learning, learning, folds, context)

    logits = np.zeros((6, 3))
    fitted = FitResult(model=HeadsModel(np.ones((3, 2)), np.zeros(3), "second"), oof_logits=logits)
    vectors = np.eye(6, 2, dtype=np.float32)
    kept(second=vectors).write("heads", Finished(fitted, logits, 1.0))
    assert kept(second=vectors).read("heads") is not None
    assert kept(second=vectors + 1).read("heads") is None
    assert kept(third=vectors).read("heads") is None
    assert kept().read("heads") is None
