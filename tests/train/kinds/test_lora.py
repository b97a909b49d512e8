"""Low-rank adapters: merged into the encoder that is served."""

from importlib.util import find_spec

import pytest
from small_encoder import make_bench, write_encoder
from small_examples import make_examples, make_folds

torch = pytest.importorskip("torch")
if find_spec("peft") is None:  # seconds to import
    pytest.skip("the package peft is not installed", allow_module_level=True)

from small_trained import served_as_trained, watched  # noqa: E402

from rubricator.errors import EncoderError, TrainingError  # noqa: E402
from rubricator.train.kinds.finetune import fit, fit_lora  # noqa: E402

LONGER = {"epochs": 12, "head_rate": 0.05}
ROWS = 24


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def train(tiny, folder, *, examples=None, finetune=None, **lora):
    examples = make_examples(ROWS, single=False) if examples is None else examples
    told = {"learning_rate": 5e-3} | lora
    context = make_bench(tiny, folder, single=False, lora=told, **(finetune or {}))
    return fit_lora(examples, folds=make_folds(len(examples), 3), context=context)


@pytest.mark.slow
def test_what_is_served_says_what_was_trained(tiny, tmp_path, monkeypatch):
    examples = make_examples(ROWS, single=False)
    fitted, trained = watched(monkeypatch, lambda: train(tiny, tmp_path, examples=examples, finetune=LONGER))
    served_as_trained("lora", fitted, trained, examples, tiny)


def keep(model, card, source, folder, *, progress):
    torch.save(model.state_dict(), folder / "weights.pt")


def weights(folder):
    (path,) = (folder / "lora").glob("encoder-*/weights.pt")
    return torch.load(path, weights_only=True)


@pytest.mark.slow
def test_adapters_change_the_layers_that_are_named_and_no_others(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "export_trained", keep)
    train(tiny, tmp_path / "all")
    fitted = train(tiny, tmp_path / "some", targets=["query", "value"], rank=2)
    every, some = weights(tmp_path / "all"), weights(tmp_path / "some")
    assert list(every) == list(some)
    changed = {name for name in every if (every[name] != some[name]).any()}
    assert changed
    assert all("layer.1" in name and name.endswith("weight") for name in changed)
    assert fitted.facts["layers"] == 1


@pytest.mark.slow
def test_training_twice_gives_the_same_model(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "export_trained", keep)
    first, second = (train(tiny, tmp_path / name, dropout=0.2) for name in "ab")
    assert first.model.files() == second.model.files()
    assert (first.oof_logits == second.oof_logits).all()


def test_layers_that_are_not_there(tiny, tmp_path):
    with pytest.raises(TrainingError, match="called q_proj") as caught:
        train(tiny, tmp_path, targets=["q_proj"])
    assert "dense, key, query, value" in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_four_bits_take_a_gpu(tiny, tmp_path):
    with pytest.raises(EncoderError, match="on a GPU"):
        train(tiny, tmp_path, four_bit=True)
