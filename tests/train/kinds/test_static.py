import json
from dataclasses import replace

import numpy as np
import pytest
from small_encoder import write_encoder
from small_examples import make_examples, make_folds
from tokenizers import Tokenizer, models, pre_tokenizers

from rubricator.config import Encode, Static, Train
from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.static import StaticEmbedding
from rubricator.progress import silent
from rubricator.train.kinds.static import distil as distilling
from rubricator.train.kinds.static.distil import distil
from rubricator.train.kinds.static.fit import fit_static
from rubricator.train.training_context import TrainingContext


@pytest.fixture(scope="module")
def encode(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder / "letters")
    return Encode(
        encoder=str(folder / "letters"),
        cache=str(folder / "cache"),
        runtime="torch",
        precision="fp32",
        threads=1,
        max_tokens=48,
    )


def bench_of(encode, folder, *, single=True, **static):
    settings = Train(static=Static(**static))
    return TrainingContext(
        settings=settings, encode=encode, space=LabelSpace.of_size(3, single=single), seed=0, folder=folder
    )


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("classifier", ["lines", "network"])
def test_learns_twice_the_same_and_scores_every_text(encode, tmp_path, single, classifier):
    examples = make_examples(60, single=single)
    context = bench_of(encode, tmp_path, single=single, width=16, classifier=classifier)
    first, second = (fit_static(examples, folds=make_folds(60), context=context) for _ in range(2))
    assert first.model.files() == second.model.files()
    assert first.oof_logits.shape == (60, 3)
    assert np.isfinite(first.oof_logits).all()
    found = first.model.logits(examples.inputs())
    if single:
        assert (found.argmax(axis=1) == examples.targets.argmax(axis=1)).mean() > 0.8
    assert (first.oof_logits.argmax(axis=1) == examples.targets.argmax(axis=1)).mean() > 0.6
    assert (first.facts["width"], first.facts["classifier"]) == (16, classifier)
    assert first.facts["pieces"] == len(first.model.embedding.table)


def test_a_new_category_leaves_the_others_bit_identical(encode, tmp_path):
    examples = make_examples(45, single=False)
    context = bench_of(encode, tmp_path, single=False, classifier="lines")
    fewer = Examples(
        contents=examples.contents,
        vectors=None,
        targets=examples.targets[:, :2],
        weights=examples.weights,
        groups=examples.groups,
    )
    small, large = (fit_static(some, folds=make_folds(45), context=context) for some in (fewer, examples))
    inputs = examples.inputs()
    assert (large.model.logits(inputs)[:, :2] == small.model.logits(inputs)).all()
    assert (large.oof_logits[:, :2] == small.oof_logits).all()


@pytest.mark.slow
def test_auto_takes_what_is_better_on_folds(encode, tmp_path):
    examples = make_examples(60)
    lines, network, chosen = (
        fit_static(examples, folds=make_folds(60), context=bench_of(encode, tmp_path, classifier=classifier))
        for classifier in ("lines", "network", "auto")
    )
    losses = chosen.facts["held_out_log_loss"]
    assert losses == lines.facts["held_out_log_loss"] | network.facts["held_out_log_loss"]
    best = min(losses, key=losses.get)
    assert chosen.facts["classifier"] == best
    assert (chosen.oof_logits == {"lines": lines, "network": network}[best].oof_logits).all()


def test_the_network_moves_the_pieces_it_saw_and_no_others(encode, tmp_path):
    examples = make_examples(60)
    context = bench_of(encode, tmp_path, classifier="network")
    plain = distil(examples.contents, encode, pieces=32_000, width=384, progress=silent)
    tuned = fit_static(examples, folds=make_folds(60), context=context).model.embedding
    moved = (tuned.table != plain.table).any(axis=1)
    seen = sorted({piece for pieces in plain.pieces(examples.contents) for piece in pieces})
    assert set(np.flatnonzero(moved)) <= set(seen)
    assert moved[seen].mean() > 0.8


def test_held_out_logits_of_the_network_never_saw_their_fold(encode, tmp_path):
    examples, folds = make_examples(60), make_folds(60)
    held = folds == 1
    turned = replace(examples, targets=np.where(held[:, None], examples.targets[:, ::-1], examples.targets))
    context = bench_of(encode, tmp_path, classifier="network")
    before, after = (fit_static(some, folds=folds, context=context).oof_logits for some in (examples, turned))
    assert (before[held] == after[held]).all()
    assert (before[~held] != after[~held]).any()


@pytest.mark.slow
def test_texts_without_weight_are_scored_and_not_learnt_from(encode, tmp_path):
    examples = make_examples(48)
    idle = np.arange(48) >= 36
    weights, spoilt = np.where(idle, 0.0, 1.0), np.where(idle[:, None], 0.5, examples.targets)
    fitted = [
        fit_static(
            Examples(
                contents=examples.contents,
                vectors=None,
                targets=targets,
                weights=weights,
                groups=examples.groups,
            ),
            folds=make_folds(48),
            context=bench_of(encode, tmp_path),
        )
        for targets in (examples.targets, spoilt)
    ]
    assert fitted[0].model.files() == fitted[1].model.files()
    assert np.isfinite(fitted[0].oof_logits[idle]).all()


def test_what_was_distilled_is_kept(encode, monkeypatch):
    first = distil(["дом у реки"], encode, pieces=100, width=8, progress=silent)
    monkeypatch.setattr(distilling, "open_runtime", lambda *_, **__: pytest.fail("distilled again"))
    again = distil(["дом у реки"], encode, pieces=100, width=8, progress=silent)
    assert (again.table == first.table).all()
    assert again.tokenizer == first.tokenizer
    with pytest.raises(pytest.fail.Exception, match="distilled again"):
        distil(["дом у реки"], encode, pieces=100, width=9, progress=silent)


def test_each_piece_stands_where_a_text_would(encode):
    letters = (distilling.resolve(encode.encoder, cache=None).folder / "tokenizer.json").read_text()
    assert distilling._frame(letters) == ([0], [2])
    assert distilling._frame(unigram()[1]) == ([], [])
    batches = list(distilling._batches(letters, [5, 9]))
    assert batches[0][0].tolist() == [[0, 5, 2], [0, 9, 2]]
    assert batches[0][1].all()


def test_frequent_pieces_weigh_less_and_columns_go_by_variance():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 6)) * [9, 5, 3, 1, 1, 1]
    table = distilling._reduced(vectors.astype(np.float32), 4).astype(float)
    assert table.shape == (400, 4)
    lengths = np.linalg.norm(table, axis=1)
    assert lengths[:20].mean() < lengths[-20:].mean()
    spread = table[50:].std(axis=0)
    assert (np.diff(spread) < 0).all()


def unigram():
    pieces = ["<unk>", "▁дом", "▁house", "▁家", "ик", "▁лес", "▁е", "д", "о", "м", "h", "家", "1"]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(at)) for at, piece in enumerate(pieces)], 0, False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<s>"])
    return pieces, tokenizer.to_str()


def word_pieces():
    pieces = ["[PAD]", "[UNK]", "дом", "##ик", "лес", "house", "д", "##о", "h"]
    tokenizer = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return pieces, tokenizer.to_str()


def test_pieces_of_other_scripts_are_left_out_and_letters_stay():
    pieces, whole = unigram()
    kept = [pieces[number] for number in distilling._piece_ids(whole, ["домик"], 2)]
    assert kept == ["<unk>", "▁дом", "ик", "▁е", "д", "о", "м", "1"]
    assert "▁лес" in [pieces[number] for number in distilling._piece_ids(whole, ["домик"], 100)]


@pytest.mark.parametrize("make", [unigram, word_pieces])
def test_a_pruned_tokenizer_cuts_the_texts_as_before(make):
    pieces, whole = make()
    kept = distilling._piece_ids(whole, ["домик лес"], 2)
    pruned = distilling._pruned(whole, kept)
    before = Tokenizer.from_str(whole).encode("домик лес", add_special_tokens=False)
    after = Tokenizer.from_str(pruned).encode("домик лес", add_special_tokens=False)
    assert after.tokens == before.tokens
    assert [kept[number] for number in after.ids] == before.ids
    unknown = distilling._unknown(pruned)
    assert pieces[kept[unknown]] in ("<unk>", "[UNK]")
    assert json.loads(pruned)["added_tokens"] == []
    table = np.zeros((len(kept), 2), np.float16)
    assert not StaticEmbedding(pruned, unknown, table).vectors(["<s> дом"]).any()


def test_no_weight_and_nothing_known_are_errors(encode, tmp_path):
    examples, context = make_examples(6), bench_of(encode, tmp_path)
    idle, foreign = (
        Examples(
            contents=contents, vectors=None, targets=examples.targets, weights=weights, groups=examples.groups
        )
        for contents, weights in ((examples.contents, np.zeros(6)), (["字"] * 6, np.ones(6)))
    )
    with pytest.raises(TrainingError, match="not a single labelled text"):
        fit_static(idle, folds=make_folds(6), context=context)
    with pytest.raises(TrainingError, match="knows nothing"):
        fit_static(foreign, folds=make_folds(6), context=context)
