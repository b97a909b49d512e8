"""No fit, and no fold of one, sees a relative of a text that is held out from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_artifacts import taxonomy_of
from small_examples import make_examples, make_folds

from rubricator.config import Config, Data, Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.dataset.training_data import TrainingData
from rubricator.label_space import LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.taxonomy import Task
from rubricator.train import trainers
from rubricator.train.search import label_weights
from rubricator.train.search.learning_curve import learning_curve
from rubricator.train.search.model_search import train_models
from rubricator.train.synthetic_rows import joining, with_synthetic
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext

SINGLE = LabelSpace.of_size(3, single=True)


def children(relatives, *, width: int = 8, seed: int = 3, making: str = "llm") -> SyntheticExamples:
    """Synthetic texts with these groups of parents, their categories in turn."""
    rows = make_examples(max(len(relatives), 1), width=width, seed=seed).subset(np.arange(len(relatives)))
    return SyntheticExamples(
        replace(
            rows, groups=[f"child-{row}" for row in range(len(rows))], synthetic=np.ones(len(rows), bool)
        ),
        relatives=[frozenset(one) for one in relatives],
        making=[making] * len(rows),
    )


def context(synthetic: SyntheticExamples | None, folder: Path, **train) -> TrainingContext:
    return TrainingContext(
        settings=Train(**train), encode=Encode(), space=SINGLE, seed=1, folder=folder, synthetic=synthetic
    )


def recorder(seen: list[tuple[Examples, np.ndarray]]):
    """A trainer that keeps what it was given."""

    def trainer(examples: Examples, *, folds: np.ndarray, context: TrainingContext) -> FitResult:
        assert context.synthetic is None
        seen.append((examples, folds))
        logits = np.random.default_rng(len(seen)).normal(size=examples.targets.shape)
        return FitResult(model=HeadsModel(np.ones((3, 8)), np.zeros(3)), oof_logits=logits)

    return trainer


def training(rng: np.random.Generator) -> tuple[TrainingData, np.ndarray]:
    """Texts in groups that lie in one part each, some labelled by people, and children of any of them."""
    rows = 90
    group = rng.integers(0, rng.integers(30, 90), size=rows)
    part = rng.choice(["train", "validation", "test"], p=[0.7, 0.15, 0.15], size=rows)[group]
    if rng.random() < 0.5:
        part = np.where(part == "validation", "train", part)
    golden = rng.random(rows) < rng.choice([0.2, 0.9])
    fold = np.where(np.isin(group, group[golden]) & (part == "train"), group % 3, -1)
    seed = int(rng.integers(1000))
    examples = replace(make_examples(rows, seed=seed), groups=[f"g{number}" for number in group])
    families = [
        {f"g{number}" for number in rng.choice(group, size=rng.integers(1, 4))}
        for _ in range(rng.integers(0, 40))
    ]
    targets = examples.targets.copy()
    targets[rng.random(rows) < 0.1] = np.nan
    synthetic = children(families, seed=seed + 1)
    return TrainingData(examples, golden, golden, part, fold, synthetic=synthetic), targets


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["auto", 0.0, 0.3]), st.booleans())
def test_no_fit_sees_a_relative_of_what_is_held_out(seed, weight, pseudo):
    data, targets = training(np.random.default_rng(seed))
    seen: list[tuple[Examples, np.ndarray]] = []
    columns = Data.model_validate({"files": ["x.csv"], "columns": {"body": "t"}})
    train = {"models": ["heads"], "ensemble": False, "weak_label_weight": weight}
    config = Config(
        data=columns, train={**train, "pseudo_labels": 0.9 if pseudo else None}, seed=seed, split={"folds": 3}
    )
    away = data.fold == 0
    held = (data.part == "validation") & ~away & np.isfinite(targets).all(axis=1)
    assume(len(set(np.array(data.examples.groups)[held])) not in (1, 2))  # too few for three folds
    taxonomy = taxonomy_of(Task.SINGLE_LABEL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainers, "TRAINERS", {"heads": recorder(seen)})
        patch.setattr(label_weights, "fit_lines", recorder(seen))
        train_models(
            replace(data, golden=data.golden & ~away, unbiased=data.unbiased & ~away),
            targets,
            train=(data.part == "train") & ~away,
            validation=(data.part == "validation") & ~away,
            taxonomy=taxonomy,
            config=config,
            folder=Path("unused"),
        )
        judged = {*np.array(data.examples.groups)[(data.part != "train") | away].tolist()}
        assert seen
        check(seen, data.synthetic, judged)
        seen.clear()
        learning_curve(data, targets, 0.3, taxonomy=taxonomy, config=config)
        check(seen, data.synthetic, {*np.array(data.examples.groups)[data.part != "train"].tolist()})


def check(seen, synthetic: SyntheticExamples, held_out: set[str]) -> None:
    family = {f"child-{row}": groups for row, groups in enumerate(synthetic.relatives)}
    for examples, folds in seen:
        assert not held_out.intersection(examples.groups)
        assert not any(held_out & family.get(group, frozenset()) for group in examples.groups)
        for fold in np.unique(folds):
            out = {g for g, one in zip(examples.groups, folds, strict=True) if one == fold}
            inside = {g for g, one in zip(examples.groups, folds, strict=True) if one != fold}
            assert not out & inside
            real = {group for group in out if group not in family}
            assert not any(real & family.get(group, frozenset()) for group in inside)


def test_a_child_lies_in_its_parents_fold_and_counts_what_the_least_of_them_does():
    examples = replace(make_examples(6), weights=np.array([1, 0.3, 1, 0, 1, 1.0]))
    folds = np.array([0, 0, 1, 1, 2, 2])
    synthetic = children(
        [{"0", "1"}, {"0", "2"}, {"3"}, {"4"}, {"elsewhere"}, {"5", "unlabelled"}, {"unlabelled"}]
    )
    found = joining(synthetic.with_free({"unlabelled"}), examples, folds)
    assert found.rows.tolist() == [0, 3, 5]
    assert found.folds.tolist() == [0, 2, 2]
    assert found.weights.tolist() == [0.3, 1, 1]


def test_out_of_fold_logits_and_questions_are_of_real_texts_alone(tmp_path):
    examples, folds = make_examples(12), make_folds(12)
    asked = []

    def trainer(examples, *, folds, context):
        logits = np.arange(len(examples) * 3.0).reshape(-1, 3)
        context.should_continue(logits, folds == 0)
        return FitResult(model=HeadsModel(np.ones((3, 8)), np.zeros(3)), oof_logits=logits)

    some = context(children([{"1"}, {"7"}]), tmp_path)
    some = replace(some, should_continue=lambda logits, rows: asked.append((logits, rows)) or True)
    fitted = with_synthetic(trainer)(examples, folds=folds, context=some)
    assert fitted.oof_logits.shape == (12, 3)
    assert [part.shape for part in asked[0]] == [(12, 3), (12,)]
    assert fitted.facts["synthetic_texts"] == 2


@pytest.mark.parametrize("name", ["linear", "heads", "cascade"])
def test_without_a_synthetic_text_that_may_join_nothing_changes_to_the_last_bit(name, tmp_path):
    examples, folds = make_examples(60), make_folds(60)
    alone = fit(name, examples, folds=folds, context=context(None, tmp_path))
    beside = fit(name, examples, folds=folds, context=context(children([{"gone"}] * 5), tmp_path))
    np.testing.assert_array_equal(alone.oof_logits, beside.oof_logits)
    assert alone.model.files() == beside.model.files()


@pytest.mark.parametrize("name", ["linear", "heads", "cascade"])
def test_synthetic_texts_teach_every_quick_kind(name, tmp_path):
    examples, folds = make_examples(60), make_folds(60)
    alone = fit(name, examples, folds=folds, context=context(None, tmp_path))
    taught = fit(
        name, examples, folds=folds, context=context(children([{str(n)} for n in range(20)]), tmp_path)
    )
    assert taught.oof_logits.shape == alone.oof_logits.shape
    assert not np.allclose(taught.oof_logits, alone.oof_logits)


def test_what_is_chosen_is_chosen_by_real_texts(tmp_path):
    """Children labelled at random would make every line look hopeless, if they were asked."""
    examples, folds = make_examples(60), make_folds(60)
    synthetic = children([{str(n % 60)} for n in range(240)])
    wrong = np.random.default_rng(0).permutation(synthetic.examples.targets)
    light = replace(synthetic.examples, targets=wrong, weights=np.full(240, 1e-9))
    alone = fit("heads", examples, folds=folds, context=context(None, tmp_path, heads={"mix": False}))
    beside = fit(
        "heads",
        examples,
        folds=folds,
        context=context(replace(synthetic, examples=light), tmp_path, heads={"mix": False}),
    )
    assert beside.facts["c"] == alone.facts["c"]


@pytest.mark.parametrize("name", ["linear", "heads", "cascade"])
@pytest.mark.parametrize("real", [0, 1])
def test_a_category_of_synthetic_texts_and_of_no_or_one_real_one_can_be_trained(name, real, tmp_path):
    examples, folds = make_examples(60), make_folds(60)
    kept = np.ones(60, dtype=bool)
    kept[np.flatnonzero(examples.targets[:, 2])[real:]] = False
    some = children([{"0"}, {"1"}, {"3"}] * 6)
    labels = np.tile(np.eye(3)[2], (18, 1))
    some = replace(some, examples=replace(some.examples, targets=labels))
    fitted = fit(name, examples.subset(kept), folds=folds[kept], context=context(some, tmp_path))
    assert np.isfinite(fitted.oof_logits).all()
    assert fitted.facts["synthetic_texts"] == 18
