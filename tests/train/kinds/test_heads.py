"""Heads are as large a mix as the folds ask for, and no larger."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from rubricator.config import Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.label_space import LabelSpace
from rubricator.models.anchors import AnchorsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.heads import HeadsModel
from rubricator.models.registry import read_model
from rubricator.train.kinds.heads import fit, fit_heads, fit_lines
from rubricator.train.kinds.heads.fit import _simplest
from rubricator.train.kinds.heads.mixing import mixed
from rubricator.train.training_context import TrainingContext

WIDTH = 16
PLACES = np.random.default_rng(7).normal(size=(4, WIDTH))


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def targets_of(rows, *, single=True, categories=4):
    targets = np.eye(categories)[np.arange(rows) % categories]
    if not single:
        targets[::5, 0] = 1
        targets[::9, 3] = 0
    return targets


def examples_of(targets, vectors, *, weights=None, more=None):
    rows = len(targets)
    return Examples(
        contents=["снег идёт"] * rows,
        vectors=vectors,
        targets=targets,
        weights=np.ones(rows) if weights is None else weights,
        groups=[str(row) for row in range(rows)],
        more_vectors=more or {},
    )


def straight(rows=80, *, noise=1.0, seed=0, single=True):
    """Categories that lines keep apart."""
    rng = np.random.default_rng(seed)
    targets = targets_of(rows, single=single)
    return examples_of(targets, unit(targets @ PLACES + rng.normal(scale=noise, size=(rows, WIDTH))))


def islands(rows=240, *, noise=0.35, seed=0, single=True):
    """Each category lies in six places, which no line keeps from those of the others."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(3).normal(size=(24, WIDTH))
    targets = targets_of(rows, single=single)
    at = np.arange(rows) % 4 + 4 * rng.integers(0, 6, rows)
    return examples_of(targets, unit(places[at] + rng.normal(scale=noise, size=(rows, WIDTH))))


def folds_of(rows, folds=4):
    return np.arange(rows) // 4 % folds


def context_of(tmp_path, *, single=True, categories=4, described=None, **train):
    return TrainingContext(
        settings=Train(**train),
        encode=Encode(),
        space=LabelSpace.of_size(categories, single=single),
        seed=0,
        folder=tmp_path,
        described=described or {},
    )


def go(examples, tmp_path, **options):
    context = context_of(tmp_path, categories=examples.categories, **options)
    return fit_heads(examples, folds=folds_of(len(examples)), context=context)


def shares(fitted):
    """Share of each part by its name and encoder."""
    return {(part["part"], part["encoder"]): part["share"] for part in fitted.facts.get("parts", ())}


def loss(logits, targets, *, single=True):
    """Cross-entropy of a softmax, or of a sigmoid each, by hand."""
    if not single:
        return (np.logaddexp(0, logits) - targets * logits).sum(axis=1).mean()
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return -(targets * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean()


@pytest.fixture(autouse=True)
def one_thread():
    """As in training: small products lose by more."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.mark.parametrize("single", [True, False])
def test_where_lines_do_they_are_alone(tmp_path, single):
    examples = straight(single=single, noise=1.4)
    fitted = go(examples, tmp_path, single=single)
    lines = fit_lines(examples, folds=folds_of(80), context=context_of(tmp_path, single=single))
    assert isinstance(fitted.model, HeadsModel)
    assert (fitted.oof_logits == lines.oof_logits).all()
    assert (fitted.model.coef == lines.model.coef).all()
    assert [mix["parts"] for mix in fitted.facts["tried"]] == [["lines"], ["lines", "kernel", "neighbours"]]
    assert [mix["chosen"] for mix in fitted.facts["tried"]] == [True, False]
    oof = loss(lines.oof_logits, examples.targets, single=single)
    assert fitted.facts["tried"][0]["log_loss"] < oof + 0.1, "the mix brings lines to scale"


@pytest.mark.parametrize("single", [True, False])
def test_where_lines_do_not_neighbours_and_kernel_help(tmp_path, single):
    examples, others = islands(single=single), islands(seed=1, single=single)
    fitted = go(examples, tmp_path, single=single)
    lines = fit_lines(examples, folds=folds_of(240), context=context_of(tmp_path, single=single))
    assert isinstance(fitted.model, EnsembleModel)
    assert sum(shares(fitted).values()) == pytest.approx(1)
    assert shares(fitted).get(("kernel", BASE), 0) + shares(fitted).get(("neighbours", BASE), 0) > 0.3
    ours, theirs = (m.logits(others.inputs()) for m in (fitted.model, lines.model))
    assert loss(ours, others.targets, single=single) < 0.8 * loss(theirs, others.targets, single=single)


@pytest.mark.parametrize("single", [True, False])
def test_what_the_folds_say_is_no_better_than_what_texts_that_nobody_saw_show(tmp_path, single):
    examples, others = islands(noise=1, single=single), islands(1200, noise=1, seed=5, single=single)
    fitted = go(examples, tmp_path, single=single)
    said = loss(fitted.oof_logits, examples.targets, single=single)
    found = loss(fitted.model.logits(others.inputs()), others.targets, single=single)
    assert 0.5 * said < found < 1.15 * said


def test_the_model_is_the_mix_of_its_parts(tmp_path):
    """Kernel and neighbours become one member, and weights sum to one: the logits stay what was mixed."""
    examples = islands()
    fitted = go(examples, tmp_path)
    assert fitted.model.weight.sum() == pytest.approx(1)
    assert sum(isinstance(member, AnchorsModel) for member in fitted.model.members) == 1
    parts = [
        fitted.model.members[row].logits(examples.inputs()) * fitted.model.weight[row]
        for row in range(len(fitted.model.members))
    ]
    expected = sum(parts) * fitted.model.slope[0] + fitted.model.intercept[0]
    np.testing.assert_allclose(fitted.model.logits(examples.inputs()), expected)


def test_what_is_served_is_what_was_trained(tmp_path):
    examples, others = islands(), islands(20, seed=2)
    fitted = go(examples, tmp_path)
    served = read_model(fitted.model.files())
    assert (served.logits(others.inputs()) == fitted.model.logits(others.inputs())).all()
    one = Inputs(["а"], vectors={BASE: others.vectors[3:4]})
    assert (served.logits(one)[0] == fitted.model.logits(others.inputs())[3]).all()


@pytest.mark.parametrize("settings", [{"heads": {"mix": False}}, {"imbalance": {"weights": "balanced"}}])
def test_without_mix_or_with_settings_of_imbalance_there_are_lines_alone(tmp_path, settings):
    fitted = go(islands(), tmp_path, **settings)
    assert isinstance(fitted.model, HeadsModel)
    assert "tried" not in fitted.facts


def test_a_second_encoder_has_a_say_only_where_it_helps(tmp_path):
    weak, noise = straight(160, noise=2.5), np.random.default_rng(8).normal(size=(160, 5))
    helpful = replace(weak, more_vectors={"second": straight(160, noise=1.5, seed=3).vectors})
    idle = replace(weak, more_vectors={"second": unit(noise)})
    with_help, without = go(helpful, tmp_path), go(idle, tmp_path)
    assert with_help.model.encoders == {BASE: WIDTH, "second": WIDTH}
    assert sum(share for (_, encoder), share in shares(with_help).items() if encoder == "second") > 0.3
    assert without.model.encoders == {BASE: WIDTH}
    assert [mix["encoders"] for mix in without.facts["tried"]] == [[BASE], [BASE], [BASE, "second"]]


def test_descriptions_say_most_where_two_texts_a_category_are_labelled(tmp_path):
    rng = np.random.default_rng(2)
    described = {BASE: PLACES - PLACES.mean(axis=0) + rng.normal(scale=0.2, size=PLACES.shape)}
    weights = np.where(np.arange(120) < 8, 1.0, 0.0)
    examples = replace(straight(120, noise=1.6), weights=weights)
    context = context_of(tmp_path, described=described)
    fitted = fit_heads(examples, folds=np.arange(120) // 4 % 2, context=context)
    assert max(shares(fitted), key=shares(fitted).get) == ("description", BASE)
    others = straight(200, noise=1.6, seed=9)
    lines = fit_lines(examples, folds=np.arange(120) // 4 % 2, context=context)
    ours, theirs = (
        (m.logits(others.inputs()).argmax(axis=1) == others.targets.argmax(axis=1)).mean()
        for m in (fitted.model, lines.model)
    )
    assert ours > theirs + 0.05


def test_descriptions_that_mislead_have_no_say(tmp_path):
    turned = np.roll(PLACES - PLACES.mean(axis=0), 1, axis=0)
    fitted = go(straight(noise=1.4), tmp_path, described={BASE: turned})
    assert ("description", BASE) not in shares(fitted)


def test_single_words_have_a_say_where_labels_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_MANY", 150)
    vague = straight(160, noise=4.0)
    words = ["снег и метель", "ставка банка", "гол на стадионе", "роман и повесть"]
    telling = replace(vague, contents=[f"{words[row % 4]}, {row}" for row in range(160)])
    assert shares(go(telling, tmp_path))["terms", None] > 0.3
    assert ("terms", None) not in shares(go(vague, tmp_path))
    few = replace(telling, weights=np.where(np.arange(160) < 140, 1.0, 0.0))
    assert not any("terms" in mix["parts"] for mix in go(few, tmp_path).facts["tried"])


@pytest.mark.parametrize("single", [True, False])
def test_one_text_a_category_is_enough(tmp_path, single):
    examples = straight(4, single=True, noise=0.3)
    context = context_of(tmp_path, single=single, described={BASE: PLACES - PLACES.mean(axis=0)})
    fitted = fit_heads(examples, folds=np.arange(4) % 2, context=context)
    others = straight(40, noise=0.3, seed=1)
    found = fitted.model.logits(others.inputs())
    assert np.isfinite(found).all()
    assert np.isfinite(fitted.oof_logits).all()


@pytest.mark.parametrize("single", [True, False])
def test_a_category_that_no_text_has_stays_unlikely_and_is_noted(tmp_path, single):
    examples = islands(single=single)
    empty = replace(examples, targets=np.column_stack([examples.targets, np.zeros(240)]))
    fitted = go(empty, tmp_path, single=single)
    assert list(fitted.notes) == [4]
    logits = fitted.model.logits(empty.inputs())
    assert np.isfinite(logits).all()
    assert LabelSpace.of_size(5, single=single).probabilities(logits)[:, 4].max() < 0.1


def test_soft_targets_and_weights_reach_every_part(tmp_path):
    examples = islands()
    soft = replace(examples, targets=examples.targets * 0.7 + 0.075)
    spoilt = np.arange(240) % 6 == 0
    wrong = np.where(spoilt[:, None], np.roll(examples.targets, 1, axis=1), examples.targets)
    idle = replace(examples, targets=wrong, weights=np.where(spoilt, 0.0, 1.0))
    others = islands(seed=1)
    space = LabelSpace.of_size(4, single=True)
    sure, doubtful = (
        space.probabilities(go(some, tmp_path).model.logits(others.inputs())).max(axis=1).mean()
        for some in (examples, soft)
    )
    assert doubtful < sure - 0.1
    by_idle = go(idle, tmp_path).model.logits(others.inputs())
    without = examples.subset(~spoilt)
    context = context_of(tmp_path)
    absent = fit_heads(without, folds=folds_of(240)[~spoilt], context=context).model.logits(others.inputs())
    np.testing.assert_allclose(by_idle, absent, atol=1e-3)


def test_a_mix_never_counts_an_opinion_against_itself_and_leaves_noise_out():
    rng = np.random.default_rng(0)
    targets = targets_of(200)
    good = 3 * targets + rng.normal(size=(200, 4))
    noise, contrary = rng.normal(size=(200, 4)), -good
    space, folds = LabelSpace.of_size(4, single=True), folds_of(200)
    mix = mixed([good, noise, contrary], targets, np.ones(200), folds, space=space)
    assert (mix.weights >= 0).all()
    assert mix.weights[1] == mix.weights[2] == 0
    assert mix.shares([good, noise, contrary]) == pytest.approx([1, 0, 0])
    assert loss(mix.oof_logits, targets) < loss(good, targets)
    assert mix.losses.mean() == pytest.approx(loss(mix.oof_logits, targets))


def test_opinions_that_say_the_same_share_it():
    targets = targets_of(120)
    logits = 2 * targets + np.random.default_rng(1).normal(size=(120, 4))
    space, folds = LabelSpace.of_size(4, single=True), folds_of(120)
    mix = mixed([logits, logits * 5], targets, np.ones(120), folds, space=space)
    assert mix.shares([logits, logits * 5]) == pytest.approx([0.5, 0.5], abs=1e-3)


@pytest.mark.parametrize("single", [True, False])
def test_weights_of_a_fold_come_from_the_others(single):
    rng = np.random.default_rng(4)
    targets, folds = targets_of(120, single=single), folds_of(120)
    opinions = [3 * targets + rng.normal(scale=2, size=(120, 4)) for _ in range(2)]
    space = LabelSpace.of_size(4, single=single)
    turned = np.where((folds == 1)[:, None], np.roll(targets, 1, axis=1), targets)
    before, after = (
        mixed(opinions, some, np.ones(120), folds, space=space).oof_logits for some in (targets, turned)
    )
    assert (before[folds == 1] == after[folds == 1]).all()
    assert (before[folds != 1] != after[folds != 1]).all()


def test_weights_of_texts_count_in_the_mix():
    rng = np.random.default_rng(4)
    targets, folds, half = targets_of(120), folds_of(120), np.arange(120) % 8 < 4
    knows = [np.where(side[:, None], 4 * targets, 0) + rng.normal(size=(120, 4)) for side in (half, ~half)]
    space = LabelSpace.of_size(4, single=True)
    mix = mixed(knows, targets, np.where(half, 1.0, 0.0), folds, space=space)
    assert mix.shares(knows)[0] > 0.95


def test_a_larger_mix_must_be_ahead_by_a_standard_error():
    rng = np.random.default_rng(0)
    losses = rng.uniform(0.5, 1.5, 100)
    clearly, hardly = losses - 0.2, losses - rng.normal(0.01, 1, 100)
    ones = np.ones(100)
    assert _simplest([losses, hardly], ones) == 0
    assert _simplest([losses, hardly, clearly], ones) == 2
    assert _simplest([losses, clearly, clearly], ones) == 1
    assert _simplest([losses], ones) == 0
