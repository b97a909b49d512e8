"""What a trainer is handed, whatever its kind."""

from dataclasses import replace

import numpy as np
import pytest
from small_examples import make_examples, make_folds

from rubricator.config import Encode, Train
from rubricator.label_space import LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.train.kinds import finetune
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext


@pytest.mark.parametrize(
    ("settings", "kind"), [({}, "finetune"), ({}, "lora"), ({"rest": "lora"}, "cascade")]
)
def test_texts_that_count_nothing_are_not_encoded(settings, kind, tmp_path, monkeypatch):
    examples, folds = make_examples(30), make_folds(30)
    weights = np.where(np.arange(30) % 5 == 0, 0.0, 1.0)
    contents, asked = [], []

    def record(_kind, given, given_folds, context):
        contents.extend(given.contents)
        assert len(given_folds) == len(given)
        rows = given_folds == 0
        assert context.should_continue(given.targets, rows)
        return FitResult(model=HeadsModel(np.ones((3, 8)), np.zeros(3)), oof_logits=given.targets * 2.0 - 1)

    def should_continue(logits, rows):
        asked.append((logits, rows))
        return True

    monkeypatch.setattr(finetune, "_fit", record)
    context = TrainingContext(
        settings=Train(cascade=settings),
        encode=Encode(),
        space=LabelSpace.of_size(3, single=True),
        seed=0,
        folder=tmp_path,
        should_continue=should_continue,
    )
    fitted = fit(kind, replace(examples, weights=weights), folds=folds, context=context)
    used = weights > 0
    assert contents == [content for content, counts in zip(examples.contents, used, strict=True) if counts]
    assert fitted.oof_logits.shape == examples.targets.shape
    assert (fitted.oof_logits[used].argmax(axis=1) == examples.targets[used].argmax(axis=1)).all()
    # Whoever asks whether to go on speaks of all rows.
    ((logits, rows),) = asked
    assert rows.tolist() == (used & (folds == 0)).tolist()
    assert (logits[used] == examples.targets[used]).all()
