"""Low-rank adapters: merged into the encoder that is served."""

import copy

import pytest
from scipy.special import expit
from small_examples import make_examples, make_folds

from small_encoder import make_bench, write_encoder

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from rubricator.encode import Encoder  # noqa: E402
from rubricator.encode.card import read_card  # noqa: E402
from rubricator.errors import EncoderError, TrainingError  # noqa: E402
from rubricator.train.finetune import fit, fit_lora  # noqa: E402
from rubricator.train.finetune.texts import Texts  # noqa: E402

ROWS = 24


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def train(tiny, folder, *, examples=None, **lora):
    examples = make_examples(ROWS, single=False) if examples is None else examples
    bench = make_bench(tiny, folder, single=False, lora={"learning_rate": 5e-3} | lora)
    return fit_lora(examples, folds=make_folds(len(examples), 3), bench=bench)


def test_what_is_served_says_what_was_trained(tiny, tmp_path, monkeypatch):
    networks, serve = [], fit.served
    examples = make_examples(ROWS, single=False)

    def watched(network, plan):
        networks.append(copy.deepcopy(network).eval())
        networks[0].recall_below(on=False)
        return serve(network, plan)

    monkeypatch.setattr(fit, "served", watched)
    fitted = train(tiny, tmp_path, examples=examples)
    encoder = Encoder.load(fitted.encoders["lora"], precision="fp32", threads=1)
    logits = fitted.model.logits(examples.inputs({"lora": encoder.encode}))
    assert type(fitted.model).of_files(fitted.model.files()).encoder == "lora"
    texts = Texts(examples.contents, read_card(fitted.encoders["lora"]), tiny)
    trained = networks[0](texts.batch(range(ROWS), torch.device("cpu"))).detach().double().numpy()
    assert expit(logits) == pytest.approx(expit(trained), abs=1e-2)
    assert (logits.argmax(axis=1) == examples.targets.argmax(axis=1)).mean() > 0.7
    assert encoder.describe()["max_tokens"] == 48


def keep(model, card, source, folder, *, progress):
    torch.save(model.state_dict(), folder / "weights.pt")


def weights(folder):
    (path,) = (folder / "lora").glob("encoder-*/weights.pt")
    return torch.load(path, weights_only=True)


def test_adapters_change_the_layers_that_are_named_and_no_others(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "export_trained", keep)
    train(tiny, tmp_path / "all")
    fitted = train(tiny, tmp_path / "some", targets=["query", "value"], rank=2)
    every, some = weights(tmp_path / "all"), weights(tmp_path / "some")
    assert list(every) == list(some)
    changed = {name for name in every if (every[name] != some[name]).any()}
    assert changed
    assert all("layer.2" in name and name.endswith("weight") for name in changed)
    assert fitted.facts["layers"] == 1


def test_training_twice_gives_the_same_model(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "export_trained", keep)
    first, second = (train(tiny, tmp_path / name, dropout=0.2) for name in "ab")
    assert first.model.files() == second.model.files()
    assert (first.held_out == second.held_out).all()


def test_layers_that_are_not_there(tiny, tmp_path):
    with pytest.raises(TrainingError, match="called q_proj") as caught:
        train(tiny, tmp_path, targets=["q_proj"])
    assert "dense, key, query, value" in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_four_bits_take_a_gpu(tiny, tmp_path):
    with pytest.raises(EncoderError, match="on a GPU"):
        train(tiny, tmp_path, four_bit=True)
