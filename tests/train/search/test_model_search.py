"""Who is tried, who is stopped, and what may still better the winner."""

from dataclasses import replace

import numpy as np
import pytest

from rubricator.config import Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.errors import EncoderError, TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.train import time_limit
from rubricator.train.search import candidates
from rubricator.train.search.candidates import ModelSearch, is_costly, suitable
from rubricator.train.search.hyperparameters import tuned
from rubricator.train.search.label_weights import proxy_kind
from rubricator.train.search.pseudo_labels import fit_with_pseudo_labels, surely
from rubricator.train.search.validation import ValidationSet
from rubricator.train.time_limit import EarlyStoppedError, TimeLimit
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext

ROWS, WIDTH = 90, 6
WORDS = (("выборы", "парламент", "закон"), ("банк", "цены", "биржа"), ("матч", "тренер", "гол"))


def examples(noise: float = 0.5, seed: int = 4) -> Examples:
    rng = np.random.default_rng(seed)
    targets = np.eye(3)[np.arange(ROWS) % 3]
    vectors = targets @ np.eye(3, WIDTH) + rng.normal(scale=noise, size=(ROWS, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Examples(
        contents=[" ".join(rng.choice(WORDS[row % 3], size=3)) for row in range(ROWS)],
        vectors=vectors.astype(np.float32),
        targets=targets,
        weights=np.ones(ROWS),
        groups=[str(row) for row in range(ROWS)],
    )


FOLDS = np.arange(ROWS) // 3 % 5


def search(tmp_path, learning: Examples, unlabelled: Examples | None = None, **settings) -> ModelSearch:
    context = TrainingContext(
        settings=Train(**settings),
        encode=Encode(),
        space=LabelSpace.of_size(3, single=True),
        seed=1,
        folder=tmp_path,
        limit=TimeLimit(Train(**settings).time_limit),
    )
    validation_set = ValidationSet(
        np.arange(ROWS),
        learning,
        FOLDS,
        held_out=False,
        about="",
        space=LabelSpace.of_size(3, single=True),
        thresholds=None,
        seed=1,
    )
    nobody = learning.subset(np.zeros(0, dtype=np.intp))
    return ModelSearch(learning, unlabelled or nobody, FOLDS, validation_set, context)


def fake(logits: np.ndarray, *, ask: bool = False, averaged: bool = False):
    """A trainer whose held-out logits are known; with `ask` it asks after every fold whether to go on."""

    def fit(kind, learning, *, folds, context):
        so_far = np.full_like(logits, np.nan)
        for fold in range(5 if ask else 0):
            so_far[folds == fold] = logits[folds == fold]
            done = folds <= fold
            if not context.should_continue(so_far, done):
                raise EarlyStoppedError("stopped", fix="")
        model = HeadsModel(np.ones((3, WIDTH)), np.zeros(3))
        return FitResult(model=model, oof_logits=logits, averaged=averaged)

    return fit


def trainers(monkeypatch, by_kind) -> None:
    def fit(kind, learning, *, folds, context):
        if kind not in by_kind:
            raise TrainingError(f"no {kind} here", fix="")
        return by_kind[kind](kind, learning, folds=folds, context=context)

    monkeypatch.setattr(candidates, "fit", fit)


def test_the_named_kinds_and_the_best_two_together_compete(tmp_path):
    learning = examples()
    ran = search(tmp_path, learning, models=["linear", "heads"])
    choice = ran.run()
    assert list(ran.candidates) == ["linear", "heads", "ensemble"]
    both = ran.candidates["ensemble"].fitted.model
    assert {member.kind for member in both.members} == {"linear", "heads"}
    assert choice.scores[choice.name].accuracy == max(score.accuracy for score in choice.scores.values())
    assert choice.scores["heads"].intervals["accuracy"][0] < choice.scores["heads"].accuracy


def test_the_best_is_put_together_with_the_one_it_gains_most_from(tmp_path, monkeypatch):
    learning = examples()
    logits, other = learning.targets * 4 - 2, learning.targets * 4 - 2
    logits[:12], other[40:60] = -0.2 * logits[:12], -0.2 * other[40:60]
    trainers(monkeypatch, {"linear": fake(other), "heads": fake(logits), "cascade": fake(logits)})
    ran = search(tmp_path, learning, models=["linear", "heads", "cascade"])
    scores = ran.run().scores
    assert scores["heads"] == scores["cascade"]
    assert scores["heads"].accuracy > scores["linear"].accuracy
    assert ran.candidates["ensemble"].fitted.facts["members"] == ["heads", "linear"]


@pytest.mark.parametrize(("blunders", "chosen"), [(12, "ensemble"), (1, "heads")])
def test_two_together_are_chosen_only_where_their_gain_is_no_chance(tmp_path, monkeypatch, blunders, chosen):
    learning = examples()
    logits, other = learning.targets * 4 - 2, learning.targets * 4 - 2
    logits[:blunders], other[40:60] = -0.2 * logits[:blunders], -0.2 * other[40:60]
    trainers(monkeypatch, {"linear": fake(other), "heads": fake(logits)})
    choice = search(tmp_path, learning, models=["linear", "heads"]).run()
    assert choice.scores["ensemble"].accuracy > choice.scores["heads"].accuracy
    assert choice.name == chosen


@pytest.mark.parametrize(("blunders", "chosen"), [(1, "finetune"), (12, "linear")])
def test_the_mean_of_what_was_judged_wins_unless_another_is_clearly_ahead(
    tmp_path, monkeypatch, blunders, chosen
):
    learning = examples()
    logits, good = learning.targets * 4 - 2, learning.targets * 4 - 2
    logits[:10], good[10:20] = -logits[:10], -good[10:20]
    logits[20 : 20 + blunders] *= -1
    trainers(monkeypatch, {"linear": fake(good), "finetune": fake(logits, averaged=True)})
    ran = search(tmp_path, learning, models=["linear", "finetune"], ensemble=False)
    choice = ran.run()
    assert choice.scores["linear"].accuracy > choice.scores["finetune"].accuracy
    assert choice.name == chosen
    # Where validation is a part of its own, it has judged the mean itself.
    ran._validation_set = replace(ran._validation_set, held_out=True)
    assert ran.choice().name == "linear"


def test_without_the_ensemble_there_is_none(tmp_path):
    ran = search(tmp_path, examples(), models=["linear", "heads"], ensemble=False)
    ran.run()
    assert list(ran.candidates) == ["linear", "heads"]


def test_the_same_model_twice_is_no_ensemble(tmp_path, monkeypatch):
    learning = examples()
    right = learning.targets * 6 - 3
    trainers(monkeypatch, {"heads": fake(right), "cascade": fake(right.copy())})
    ran = search(tmp_path, learning, models=["heads", "cascade"])
    ran.run()
    assert list(ran.candidates) == ["heads", "cascade"]


def test_auto_stops_what_cannot_win_and_says_so(tmp_path, monkeypatch):
    learning = examples()
    right, wrong = learning.targets * 6 - 3, learning.targets * -6 + 3
    trainers(monkeypatch, {"linear": fake(right), "finetune": fake(wrong, ask=True)})
    ran = search(tmp_path, learning, models="auto")
    assert ran.run().name == "linear"
    assert ran.dropped["finetune"] == "stopped after 1 of 5 folds: it could not win any more"
    assert ran.dropped["heads"] == "could not be trained: no heads here"
    assert list(ran.candidates) == ["linear"]


def test_auto_goes_on_where_the_encoder_of_one_kind_cannot_be_had(tmp_path, monkeypatch):
    def without_encoder(kind, learning, *, folds, context):
        raise EncoderError("the folder has no weights", fix="Copy them.")

    learning = examples()
    right = fake(learning.targets * 6 - 3)
    trainers(monkeypatch, {"linear": right, "static": without_encoder, "heads": right})
    ran = search(tmp_path, learning, models="auto", ensemble=False)
    ran.run()
    assert list(ran.candidates) == ["linear", "heads"]
    assert ran.dropped["static"] == "could not be trained: the folder has no weights"
    # Where nothing else is left, every reason is told.
    trainers(monkeypatch, {"static": without_encoder})
    with pytest.raises(TrainingError, match=r"static: could not be trained: the folder has no weights"):
        search(tmp_path / "other", learning, models="auto").run()


@pytest.mark.parametrize(
    ("models", "proxy"), [("auto", "heads"), (["linear", "heads"], "linear"), (["finetune"], "heads")]
)
def test_questions_about_labels_are_answered_by_a_cheap_kind(models, proxy):
    assert proxy_kind(Train(models=models)) == proxy
    assert proxy_kind(Train(models=models), vectors=False) == "linear"


def test_auto_lets_what_is_better_finish(tmp_path, monkeypatch):
    learning = examples()
    poor = learning.targets * 2 + np.random.default_rng(0).normal(scale=2, size=learning.targets.shape)
    trainers(monkeypatch, {"linear": fake(poor), "finetune": fake(learning.targets * 6 - 3, ask=True)})
    assert search(tmp_path, learning, models="auto", ensemble=False).run().name == "finetune"


def test_when_the_minutes_are_up_the_first_kind_is_finished_and_no_other_begun(tmp_path, monkeypatch):
    learning = examples()
    right = learning.targets * 6 - 3
    trainers(monkeypatch, {kind: fake(right, ask=True) for kind in ("linear", "heads", "finetune")})
    for models in ("auto", ["linear", "heads", "finetune"]):
        ran = search(tmp_path, learning, models=models, minutes=1e-9)
        assert ran.run().name == "linear"
        assert list(ran.candidates) == ["linear"]
        assert ran.dropped["heads"] == "not tried: the minutes were up"


def test_what_would_not_be_done_in_time_is_stopped_within_a_fold(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time_limit.time, "monotonic", lambda: clock[0])

    def slow(logits, seconds):
        """A trainer that shows its progress and takes so long for a hundred steps."""

        def trainer(kind, learning, *, folds, context):
            with context.progress("Slowly", total=100) as advance:
                for _ in range(100):
                    clock[0] += seconds / 100
                    advance(1)
            return FitResult(model=HeadsModel(np.zeros((3, WIDTH)), np.zeros(3)), oof_logits=logits)

        return trainer

    learning = examples()
    right = learning.targets * 6 - 3
    kinds = {"linear": slow(right, 90), "heads": slow(right, 20), "static": slow(right, 4000)}
    trainers(monkeypatch, kinds)
    ran = search(tmp_path, learning, models="auto", minutes=1, ensemble=False)
    ran.run()
    # The first kind takes what it takes; then the minute is over.
    assert list(ran.candidates) == ["linear"]
    assert ran.dropped["heads"] == "not tried: the minutes were up"
    ran = search(tmp_path / "more", learning, models="auto", minutes=10, ensemble=False)
    ran.run()
    assert list(ran.candidates) == ["linear", "heads"]
    assert ran.dropped["static"] == (
        "Slowly: 1% done after 40 s, the rest would take about 3960 s and 450 s were left"
    )
    assert clock[0] < 300


def test_what_a_killed_search_had_finished_is_not_trained_again(tmp_path, monkeypatch):
    learning = examples()
    right = learning.targets * 6 - 3
    trainers(monkeypatch, {"linear": fake(right * 0.7), "heads": fake(right), "static": interrupted})
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, learning, models="auto").run()
    trainers(monkeypatch, {"static": fake(right * 0.5)})
    again = search(tmp_path, learning, models="auto", ensemble=False)
    again.run()
    assert list(again.candidates) == ["linear", "heads", "static"]
    np.testing.assert_array_equal(again.candidates["heads"].logits, right)
    # Other labels, other folds, other settings: nothing that was kept is taken.
    trainers(monkeypatch, {})
    for other in (examples(seed=5), replace(learning, weights=np.full(ROWS, 0.5))):
        ran = search(tmp_path, other, models=["heads"], minutes=1)
        with pytest.raises(TrainingError, match="no heads here"):
            ran.run()


def interrupted(kind, learning, *, folds, context):
    raise KeyboardInterrupt


def test_a_kind_that_was_named_must_be_trainable(tmp_path, monkeypatch):
    trainers(monkeypatch, {})
    with pytest.raises(TrainingError, match="no heads here"):
        search(tmp_path, examples(), models=["heads"]).run()


def test_hybrid_is_thought_of_only_where_there_are_features():
    plain = examples()
    assert "hybrid" not in suitable(plain)
    assert suitable(replace(plain, vectors=None)) == ("linear", "static")
    assert "hybrid" in suitable(replace(plain, features=[{"length": 3.0}] * ROWS))
    assert "hybrid" not in suitable(replace(plain, features=[{"length": None}] * ROWS))


def test_what_takes_long_is_not_built_once_more_per_golden_fold():
    assert is_costly(Train(models="auto"))
    assert is_costly(Train(models=["finetune"]))
    assert is_costly(Train(models=["heads"], minutes=5))
    assert not is_costly(Train(models=["heads", "linear"]))


def right_but_for(blunders: int, learning: Examples) -> np.ndarray:
    logits = learning.targets * 4 - 2
    logits[:blunders] *= -1
    return logits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("blunders", "joined", "stay"), [(2, 7, True), (8, 7, False), (5, 7, False), (2, 0, False)]
)
def test_pseudo_labels_stay_only_if_validation_improves(tmp_path, monkeypatch, blunders, joined, stay):
    learning = examples()
    trainers(monkeypatch, {"heads": fake(right_but_for(5, learning))})
    logits = right_but_for(blunders, learning)
    model = HeadsModel(np.zeros((3, WIDTH)), np.ones(3))
    monkeypatch.setattr(
        candidates,
        "fit_with_pseudo_labels",
        lambda *_: (FitResult(model=model, oof_logits=logits), logits, joined),
    )
    ran = search(tmp_path, learning, examples(seed=9), models=["heads"], pseudo_labels=0.6, ensemble=False)
    ran.run()
    heads = ran.candidates["heads"]
    assert (heads.fitted.model is model) == stay
    assert ("pseudo_labels" in heads.fitted.facts) == stay
    assert ("heads with pseudo-labels" in ran.dropped) != stay
    assert heads.validated.score.accuracy == pytest.approx(1 - (blunders if stay else 5) / ROWS)


def test_a_model_is_sure_of_all_it_says_or_not_at_all():
    probabilities = np.array([[0.95, 0.04], [0.95, 0.4], [0.5, 0.5]])
    assert surely(probabilities, 0.9, LabelSpace.of_size(2, single=False)).tolist() == [True, False, False]
    assert surely(probabilities, 0.9, LabelSpace.of_size(2, single=True)).tolist() == [True, True, False]


def test_tuning_finds_the_better_settings_and_repeats_itself():
    def merit(settings: Train) -> float:
        if settings.imbalance.weights == "effective":
            raise ValueError("cannot be trained")
        return (settings.imbalance.weights == "balanced") - abs(settings.imbalance.logit_adjustment - 0.5)

    first = tuned("heads", Train(), merit, trials=12, seconds=60, seed=3)
    again = tuned("heads", Train(), merit, trials=12, seconds=60, seed=3)
    assert first == again
    settings, value, tried = first
    assert settings.imbalance.weights == "balanced"
    assert value == merit(settings) > 0.5
    assert tried == 12


@pytest.mark.slow
@pytest.mark.parametrize(("blunders", "replaced"), [(2, True), (8, False), (5, False)])
def test_a_tuned_winner_replaces_the_plain_one_only_if_it_is_better(
    tmp_path, monkeypatch, blunders, replaced
):
    learning = examples()

    def fit(kind, learning, *, folds, context):
        plain = context.settings is ran._context.settings
        return fake(right_but_for(5 if plain else blunders, learning))(
            kind, learning, folds=folds, context=context
        )

    trainers(monkeypatch, {"heads": fit})
    ran = search(tmp_path, learning, models=["heads"], tune=2)
    plain = ran._context.settings
    ran.run()
    heads = ran.candidates["heads"]
    assert ("tuned" in heads.fitted.facts) == replaced
    assert ("heads, tuned" in ran.dropped) != replaced
    assert (ran._context.settings is plain) != replaced, "what is made of this kind later has its settings"
    assert heads.validated.score.accuracy == pytest.approx(1 - (blunders if replaced else 5) / ROWS)


def test_pseudo_labels_give_held_out_logits_of_the_labelled_texts_alone(tmp_path):
    learning, more = examples(noise=0.9), examples(noise=0.05, seed=9)
    ran = search(tmp_path, learning, pseudo_labels=0.6)
    apart = replace(ran._validation_set, examples=examples(seed=5), held_out=True)
    first = fit("heads", learning, folds=FOLDS, context=ran._context)
    second, logits, joined = fit_with_pseudo_labels(
        "heads", first, learning, more, FOLDS, apart, ran._context
    )
    assert joined > 0
    # Two models are put together row by row: the ensemble needs those of the labelled texts from both.
    assert second.oof_logits.shape == first.oof_logits.shape
    assert logits.shape == apart.examples.targets.shape
