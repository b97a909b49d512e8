"""Whether a trained encoder, exported and read again, says what the network said: the same for every way."""

import copy

import pytest
import torch
from scipy.special import expit

from rubricator.encode import Encoder
from rubricator.encode.card import read_card
from rubricator.train.kinds.finetune import fit
from rubricator.train.kinds.finetune.token_batches import Texts


def watched(monkeypatch, train):
    """What `train()` gives, and the network as it was before it was made ready to serve."""
    networks, serve = [], fit.served

    def keep(network, plan):
        networks.append(copy.deepcopy(network).eval())
        networks[0].recall_below(on=False)
        return serve(network, plan)

    monkeypatch.setattr(fit, "served", keep)
    return train(), networks[0]


def served_as_trained(kind, fitted, network, examples, source):
    encoder = Encoder.load(fitted.encoders[kind], precision="fp32", threads=1)
    logits = fitted.model.logits(examples.inputs({kind: encoder.encode}))
    assert type(fitted.model).of_files(fitted.model.files()).encoder == kind
    texts = Texts(examples.contents, read_card(fitted.encoders[kind]), source)
    rows = range(len(examples))
    trained = network(texts.batch(rows, torch.device("cpu"))).detach().double().numpy()
    assert expit(logits) == pytest.approx(expit(trained), abs=1e-2)
    assert (logits.argmax(axis=1) == examples.targets.argmax(axis=1)).mean() > 0.7
    assert encoder.describe()["max_tokens"] == 48
