"""Training an encoder of two layers: what comes out, what is kept, what goes wrong."""

import csv
import dataclasses
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_encoder import make_bench, write_encoder
from small_examples import make_examples, make_folds

torch = pytest.importorskip("torch")

from small_trained import served_as_trained, watched  # noqa: E402

from rubricator.config import Finetune, Imbalance  # noqa: E402
from rubricator.errors import TrainingError  # noqa: E402
from rubricator.label_space import LabelSpace  # noqa: E402
from rubricator.train.kinds.finetune import fit, fit_finetune, fold_trainer  # noqa: E402
from rubricator.train.kinds.finetune.contrastive import alikeness, pair_loss, rounds  # noqa: E402
from rubricator.train.kinds.finetune.history import Scores, measured  # noqa: E402
from rubricator.train.kinds.finetune.loss import aims  # noqa: E402
from rubricator.train.kinds.finetune.oom import BatchPortions, is_shortage  # noqa: E402
from rubricator.train.kinds.finetune.plan import make_plan  # noqa: E402
from rubricator.train.time_limit import EarlyStoppedError  # noqa: E402

ROWS = 24


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def unexported(monkeypatch):
    """Exporting takes longer than all the rest: it is tried once, below."""
    seen = []

    def keep(model, card, source, folder, *, progress):
        weights = {name: weight.clone() for name, weight in model.state_dict().items()}
        seen.append(weights)
        torch.save(weights, folder / "weights.pt")

    monkeypatch.setattr(fit, "export_trained", keep)
    return seen


def train(tiny, folder, *, single=True, examples=None, **others):
    examples = make_examples(ROWS, single=single) if examples is None else examples
    context = make_bench(tiny, folder, single=single, **others)
    return fit_finetune(examples, folds=make_folds(len(examples), 3), context=context)


def table(folder):
    with (folder / "finetune" / "epochs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_what_is_served_says_what_was_trained(tiny, tmp_path, monkeypatch):
    examples = make_examples(ROWS)
    fitted, trained = watched(monkeypatch, lambda: train(tiny, tmp_path, examples=examples))
    served_as_trained("finetune", fitted, trained, examples, tiny)


@pytest.mark.slow
def test_training_twice_gives_the_same_model(tiny, tmp_path, unexported):
    first, second = (train(tiny, tmp_path / name, dropout=0.3, contrastive=True) for name in "ab")
    assert first.model.files() == second.model.files()
    assert (first.oof_logits == second.oof_logits).all()
    assert all((unexported[0][name] == unexported[1][name]).all() for name in unexported[0])


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
def test_every_row_is_judged_by_a_model_that_did_not_see_it(tiny, tmp_path, unexported, single):
    examples = make_examples(ROWS, single=single)
    weights = np.ones(ROWS)
    weights[::7] = 0
    examples = dataclasses.replace(examples, weights=weights)
    fitted = train(tiny, tmp_path, single=single, examples=examples)
    assert fitted.oof_logits.shape == examples.targets.shape
    assert (np.abs(fitted.oof_logits).sum(axis=1) > 0).all()
    # What a row is called in its own fold changes nothing about its logits.
    targets = examples.targets.copy()
    targets[0] = np.roll(targets[0], 1)
    weights = weights.copy()
    weights[0] = 1
    with_row, changed = (
        train(
            tiny,
            tmp_path / name,
            single=single,
            examples=dataclasses.replace(examples, weights=weights, targets=given),
            epochs=1,
        )
        for name, given in (("x", examples.targets), ("y", targets))
    )
    own = make_folds(ROWS, 3) == 0
    assert (with_row.oof_logits[own] == changed.oof_logits[own]).all()
    assert (with_row.oof_logits[~own] != changed.oof_logits[~own]).any()


def test_the_table_tells_every_epoch(tiny, tmp_path, unexported):
    train(tiny, tmp_path)
    rows = table(tmp_path)
    assert list(rows[0]) == [
        *("fold", "epoch", "train_loss", "validation_loss", "weighted_f1"),
        *("macro_f1", "accuracy", "learning_rate", "seconds"),
    ]
    assert [(row["fold"], row["epoch"]) for row in rows] == [
        (str(fold), str(epoch)) for fold in range(3) for epoch in (1, 2)
    ]
    assert all(float(row["train_loss"]) > 0 for row in rows)


def test_what_is_served_is_the_mean_of_every_fold_at_its_best(tiny, tmp_path, monkeypatch, unexported):
    scores = iter([0.5, 0.9, 0.4, 0.9, 0.5, 0.4, 0.4, 0.5, 0.9] + [0.5] * 99)
    monkeypatch.setattr(fold_trainer, "measured", lambda *_, **__: Scores(1.0, next(scores), 0.0, 0.0))
    plain, after = fold_trainer.FoldTrainer._epoch, {}

    def watched_epoch(self, *given):
        state = plain(self, *given)
        after[self._fold.name, len(state.history)] = {
            name: weight.clone() for name, weight in state.weights.items()
        }
        return state

    monkeypatch.setattr(fold_trainer.FoldTrainer, "_epoch", watched_epoch)
    fitted = train(tiny, tmp_path, epochs=3)
    best = [after["0", 2], after["1", 1], after["2", 3]]
    mean = {name: sum(one[name] for one in best) / 3 for name in best[0]}
    (exported,) = unexported
    learned = {name.removeprefix("pooled."): weight for name, weight in mean.items() if "heads" not in name}
    assert len(learned) > 4
    for name, weight in learned.items():
        assert torch.allclose(exported[name], weight, atol=1e-6), name
    assert fitted.model.coef == pytest.approx(10 * mean["heads.weight"].numpy(), abs=1e-5)


class Killed(BaseException):
    pass


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_been(tiny, tmp_path, monkeypatch, unexported):
    whole = train(tiny, tmp_path / "whole", dropout=0.2)
    plain, epochs = fold_trainer.FoldTrainer._epoch, []

    def counted(self, *given):
        if len(epochs) == 3:
            raise Killed
        epochs.append((self._fold.name, len(given[1].history)))
        return plain(self, *given)

    monkeypatch.setattr(fold_trainer.FoldTrainer, "_epoch", counted)
    with pytest.raises(Killed):
        train(tiny, tmp_path / "cut", dropout=0.2)
    killed, epochs[:] = list(epochs), ["enough"] * 9
    resumed = train(tiny, tmp_path / "cut", dropout=0.2)
    assert killed[-1] == ("1", 0)
    assert epochs[9] == ("1", 1)
    assert resumed.model.files() == whole.model.files()
    assert (resumed.oof_logits == whole.oof_logits).all()
    again = len(epochs)
    train(tiny, tmp_path / "cut", dropout=0.2)
    assert len(epochs) == again
    for path in (tmp_path / "cut" / "finetune").glob("encoder-*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    lost = train(tiny, tmp_path / "cut", dropout=0.2)
    assert len(epochs) == again + 6, "the folds no longer held what the encoder was made of"
    assert lost.model.files() == whole.model.files()
    assert [row["fold"] for row in table(tmp_path / "cut")] == [
        row["fold"] for row in table(tmp_path / "whole")
    ]
    assert not list((tmp_path / "cut" / "finetune").glob("*.part"))


@pytest.mark.slow
def test_what_other_settings_left_is_not_used(tiny, tmp_path, unexported, caplog):
    fresh = train(tiny, tmp_path / "fresh", epochs=2)
    train(tiny, tmp_path / "old", epochs=2, head_rate=1e-2)
    with caplog.at_level("WARNING", logger="rubricator"):
        other = train(tiny, tmp_path / "old", epochs=2)
    assert other.model.files() == fresh.model.files()
    assert "of another encoder, other settings or other texts" in caplog.text
    assert len([path for path in (tmp_path / "old/finetune").glob("encoder-*") if path.is_dir()]) == 1


def test_a_damaged_checkpoint_is_not_used(tiny, tmp_path, unexported, caplog):
    fresh = train(tiny, tmp_path, epochs=1)
    for path in (tmp_path / "finetune").glob("fold-*.pt"):
        path.write_bytes(path.read_bytes()[:100])
    assert train(tiny, tmp_path, epochs=1).model.files() == fresh.model.files()
    assert "cannot be read" in caplog.text


@pytest.mark.slow
def test_the_frozen_layers_give_the_same_recalled_as_run(tiny, tmp_path, monkeypatch, unexported):
    from rubricator.train.kinds.finetune import prepare

    recalled = train(tiny, tmp_path / "a", dropout=0.0, epochs=1)
    monkeypatch.setattr(prepare, "_ROOM", 0)
    run = train(tiny, tmp_path / "b", dropout=0.0, epochs=1)
    assert recalled.oof_logits == pytest.approx(run.oof_logits, abs=0.05)


@pytest.mark.slow
def test_other_architectures_and_all_layers(tmp_path, unexported):
    other = write_encoder(tmp_path / "encoder", kind="distilbert")
    top = train(other, tmp_path / "top", epochs=1)
    start = torch.load(next((tmp_path / "top/finetune").glob("encoder-*/weights.pt")), weights_only=True)
    train(other, tmp_path / "all", epochs=1, layers="all", embeddings="trained")
    (path,) = (tmp_path / "all/finetune").glob("encoder-*/weights.pt")
    whole = torch.load(path, weights_only=True)
    changed = {name for name in start if (start[name] != whole[name]).any()}
    assert any("word_embeddings" in name for name in changed) or any("embed" in name for name in changed)
    assert any("layer.0" in name for name in changed)
    assert top.facts["layers"] == 1


def test_memory_that_runs_out_halves_the_batch(tiny, tmp_path, monkeypatch, unexported, caplog):
    plain = fold_trainer.FoldTrainer._classified

    def short(self, rows, of):
        if len(rows) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return plain(self, rows, of)

    calm = train(tiny, tmp_path / "calm", epochs=1, dropout=0.0)
    monkeypatch.setattr(fold_trainer.FoldTrainer, "_classified", short)
    tight = train(tiny, tmp_path / "tight", epochs=1, dropout=0.0)
    assert "in parts of 4 texts" in caplog.text
    assert "in parts of 2 texts" in caplog.text
    assert tight.oof_logits == pytest.approx(calm.oof_logits, abs=0.05)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory."),
    ],
)
def test_portions_halve_for_good_and_say_when_nothing_helps(error):
    portions, done = BatchPortions(8), []

    def work(rows):
        if len(rows) > 2:
            raise error
        done.extend(rows)

    portions.go(np.arange(8), work, done.clear)
    assert done == list(range(8))
    assert portions.size == 2

    def never(rows):
        raise error

    with pytest.raises(TrainingError, match="not suffice to train on one text"):
        portions.go(np.arange(7), never, done.clear)


def test_other_errors_pass_through():
    assert not is_shortage(RuntimeError("shapes do not fit"))

    def work(rows):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        BatchPortions(4).go(np.arange(3), work, lambda: None)


@pytest.mark.slow
def test_patience_ends_a_fold(tiny, tmp_path, monkeypatch, unexported):
    scores = iter([0.5, 0.6, 0.4, 0.4, 0.4, 0.4] * 9)
    monkeypatch.setattr(fold_trainer, "measured", lambda *_, **__: Scores(1.0, next(scores), 0.0, 0.0))
    train(tiny, tmp_path, epochs=6, patience=2)
    assert [row["epoch"] for row in table(tmp_path) if row["fold"] == "0"] == ["1", "2", "3", "4"]


def test_stops_when_it_cannot_win(tiny, tmp_path, unexported):
    asked = []

    def should_continue(logits, rows):
        asked.append(rows.sum())
        return len(asked) < 2

    context = dataclasses.replace(make_bench(tiny, tmp_path, epochs=1), should_continue=should_continue)
    with pytest.raises(EarlyStoppedError, match="after 2 of 3 folds"):
        fit_finetune(make_examples(ROWS), folds=make_folds(ROWS, 3), context=context)
    assert asked == [9, 18]


def test_weights_that_run_away_say_what_to_lower(tiny, tmp_path, unexported, monkeypatch):
    monkeypatch.setattr(fold_trainer.FoldTrainer, "_step", lambda self, *_: float("nan"))
    with pytest.raises(TrainingError, match="learning_rate"):
        train(tiny, tmp_path, epochs=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": np.zeros(ROWS)}, "not a single labelled text"),
        ({"targets": np.tile([1.0, 0.0, 0.0], (ROWS, 1))}, "have the same categories"),
    ],
)
def test_examples_that_allow_nothing(tiny, tmp_path, change, words):
    with pytest.raises(TrainingError, match=words):
        train(tiny, tmp_path, examples=dataclasses.replace(make_examples(ROWS), **change))


def test_one_fold_is_not_enough(tiny, tmp_path):
    with pytest.raises(TrainingError, match="in one fold"):
        fit_finetune(make_examples(6), folds=np.zeros(6, int), context=make_bench(tiny, tmp_path))


def test_embeddings_lie_below_every_layer():
    with pytest.raises(ValueError, match="layers: all"):
        Finetune(embeddings="trained", layers=2)


def test_contrastive_where_texts_are_few(tiny, tmp_path):
    few, more = make_examples(12), make_examples(90)
    context = make_bench(tiny, tmp_path, contrastive="auto")
    assert make_plan("finetune", few, context).contrastive
    assert not make_plan("finetune", more, context).contrastive


def test_contrastive_training_runs(tiny, tmp_path, unexported):
    fitted = train(tiny, tmp_path, epochs=1, contrastive=True, single=False)
    assert fitted.facts["contrastive"] is True
    assert np.isfinite(fitted.oof_logits).all()


def test_pairs_are_alike_as_far_as_their_categories_are():
    targets = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]])
    alike = alikeness(targets)
    assert alike[0, 1] == 1
    assert alike[0, 2] == 0
    assert alike[0, 3] == 0.5
    assert alike[4, 5] == 1
    apart = torch.eye(3)
    assert pair_loss(apart, torch.eye(3)) == 0
    assert pair_loss(torch.ones(2, 1), torch.eye(2)) == 1
    assert pair_loss(torch.ones(1, 1), torch.eye(1)) == 0
    assert rounds(56, 16) == 4
    assert rounds(3, 16) == 20


@given(st.integers(2, 6), st.booleans(), st.integers(0, 99), st.sampled_from([None, 0.0, 2.0]))
def test_the_loss_is_cross_entropy_where_nothing_is_set(categories, single, seed, gamma):
    generator = np.random.default_rng(seed)
    targets = generator.dirichlet(np.ones(categories), size=5)
    logits = generator.normal(size=(5, categories))
    imbalance = Imbalance() if gamma is None else Imbalance(loss="focal", gamma=gamma)
    goal = aims(targets, np.ones(5), imbalance, space=LabelSpace.of_size(categories, single=single))
    losses = goal.loss(torch.tensor(logits), torch.arange(5)).numpy()
    assert (losses > 0).all()
    space = LabelSpace.of_size(categories, single=single)
    expected = measured(logits, targets, np.ones(5), space=space).validation_loss
    if gamma:
        assert losses.mean() < expected
    else:
        assert losses.mean() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("single", [True, False])
def test_every_setting_of_imbalance_trains(tiny, tmp_path, unexported, single):
    context = make_bench(tiny, tmp_path, single=single, epochs=1)
    settings = Imbalance(
        weights="balanced", loss="focal", logit_adjustment=1, sampling="balanced", label_smoothing=0.1
    )
    context = dataclasses.replace(
        context, settings=context.settings.model_copy(update={"imbalance": settings})
    )
    examples = make_examples(ROWS, single=single)
    fitted = fit_finetune(examples, folds=make_folds(ROWS, 3), context=context)
    assert np.isfinite(fitted.oof_logits).all()


def test_scores_of_logits():
    targets = np.array([[1.0, 0], [1, 0], [0, 1]])
    logits = np.array([[3.0, -3], [-3, 3], [-3, 3]])
    single = measured(logits, targets, np.ones(3), space=LabelSpace.of_size(2, single=True))
    assert single.accuracy == pytest.approx(2 / 3)
    assert single.macro_f1 == pytest.approx(2 / 3)
    several = LabelSpace.of_size(2, single=False)
    assert measured(logits, targets, np.array([1, 0, 1.0]), space=several).weighted_f1 == 1
    assert single.merit("loss") == (-single.validation_loss, -single.validation_loss)
