"""Kinds that take longer learn from synthetic texts too, and say nothing of them."""

from dataclasses import replace

import numpy as np
import pytest
import small_encoder
import small_features
from small_examples import make_examples, make_folds

from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.models.heads import HeadsModel
from rubricator.train.trainers import fit

ROWS = 48


def beside(context, examples):
    """The context with a child of every other of these examples, and the same with children of nobody."""
    pool = replace(examples, synthetic=np.ones(len(examples), dtype=bool)).subset(np.arange(0, ROWS, 2))
    pool = replace(pool, groups=[f"child-{row}" for row in range(len(pool))])
    for parent in ("{}", "nobody-{}"):
        families = [{parent.format(2 * row)} for row in range(len(pool))]
        synthetic = SyntheticExamples(pool, families, ["llm"] * len(pool))
        yield replace(context, synthetic=synthetic)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stacking", "network"])
def test_hybrid(way, tmp_path):
    pytest.importorskip("torch")
    examples, folds = small_features.make_hybrid(ROWS), make_folds(ROWS)
    context = small_features.make_bench(tmp_path, way=way)
    alone = fit("hybrid", examples, folds=folds, context=context)
    taught, nobody = (fit("hybrid", examples, folds=folds, context=one) for one in beside(context, examples))
    assert taught.oof_logits.shape == alone.oof_logits.shape
    assert not np.allclose(taught.oof_logits, alone.oof_logits)
    np.testing.assert_array_equal(nobody.oof_logits, alone.oof_logits)


@pytest.mark.slow
def test_finetune(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from rubricator.train.kinds.finetune import fit as finetune

    def keep(model, card, source, folder, *, progress):
        torch.save(model.state_dict(), folder / "weights.pt")

    monkeypatch.setattr(finetune, "export_trained", keep)
    encoder = small_encoder.write_encoder(tmp_path / "encoder")
    examples, folds = make_examples(ROWS), make_folds(ROWS, 3)
    fits = {}
    context = small_encoder.make_bench(encoder, tmp_path / "alone")
    fits["alone"] = fit("finetune", examples, folds=folds, context=context)
    for name, one in zip(("taught", "nobody"), beside(context, examples), strict=True):
        fits[name] = fit("finetune", examples, folds=folds, context=replace(one, folder=tmp_path / name))
    assert isinstance(fits["taught"].model, HeadsModel)
    assert fits["taught"].oof_logits.shape == (ROWS, 3)
    assert not np.allclose(fits["taught"].oof_logits, fits["alone"].oof_logits)
    np.testing.assert_array_equal(fits["nobody"].oof_logits, fits["alone"].oof_logits)
