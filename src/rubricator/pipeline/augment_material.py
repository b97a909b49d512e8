"""What augmentation may know of a run: texts, folds and disputes, and who tells categories apart."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.augment.membership import Membership, NearestCentre
from rubricator.augment.seeds import Material
from rubricator.config import Config
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.reviews import Review, label_of
from rubricator.dataset.training_data import training_data
from rubricator.encode.languages import language_shares, may_be_in
from rubricator.encode.vectors import encode_texts
from rubricator.errors import ArtifactError, ConfigError
from rubricator.pipeline.stage import Run
from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors
from rubricator.taxonomy import Taxonomy
from rubricator.train.search.validation import spread_folds

LEAST_SHARE = 0.05
"""A language of a smaller share of the texts may be an error of the identifier."""
_ARTIFACT = "artifact"
_LOG = logging.getLogger(__name__)


def material_of(
    dataset: Dataset,
    label_set: LabelSet,
    taxonomy: Taxonomy,
    config: Config,
    reviews: Mapping[str, Review] | None = None,
) -> Material:
    """What augmentation may know of a run's texts.

    Texts that only measure, and their near-duplicates, are in no prompt. Folds are those that training
    validates models, or their settings, on.
    """
    sources = label_set.sources
    groups = [dataset.groups[text.id] for text in dataset.texts]
    measuring = (sources.human & ~sources.teaches) | np.isin(sources.part, ["validation", "test"])
    held = {group for group, away in zip(groups, measuring, strict=True) if away}
    train = (sources.part == "train") & ~np.isin(groups, list(held))
    train &= _in_language(dataset.texts, train, config)
    labelled = train & np.isfinite(label_set.targets).all(axis=1)
    targets = np.nan_to_num(label_set.targets)
    space = taxonomy.space
    return Material(
        texts=dataset.texts,
        groups=dataset.groups,
        taxonomy=taxonomy,
        train=train,
        labelled=labelled,
        belongs=space.decide(targets) & labelled[:, None],
        human=sources.human & sources.teaches & labelled,
        disputed=_disputed(dataset, label_set, taxonomy, reviews or {}),
        fold=_folds(dataset, label_set, groups, config),
    )


def _folds(dataset: Dataset, label_set: LabelSet, groups: Sequence[str], config: Config) -> Indices:
    """Fold of every text in model validation; texts without a label have that of their group, or -1."""
    fold = np.full(len(groups), -1, dtype=np.intp)
    data = training_data(dataset, label_set, None)
    rows = (label_set.sources.part == "train") & np.isfinite(label_set.targets).all(axis=1)
    fold[rows] = spread_folds(data, np.nan_to_num(label_set.targets), rows, config)
    of_group = {groups[row]: fold[row] for row in np.flatnonzero(rows).tolist()}
    return np.array([of_group.get(group, -1) for group in groups], dtype=np.intp)


def _in_language(texts: Sequence[Text], train: Bools, config: Config) -> Bools:
    """Texts that may be in the language that is asked for."""
    wanted = config.augment.texts_in if config.augment else None
    if wanted is None:
        return np.ones(len(texts), dtype=bool)
    shares = language_shares([text.content for text, own in zip(texts, train, strict=True) if own])
    if shares.get(wanted, 0.0) < LEAST_SHARE:
        found = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:3])
        found = found or "no language that can be told"
        raise ConfigError(
            f"`augment.texts_in` asks for texts in '{wanted}', and the training texts are in {found}: "
            "synthetic texts in another language would teach the model that the language tells the category.",
            fix="Remove `augment.texts_in`, or add real training texts in that language.",
        )
    return np.array([may_be_in(text.content, [wanted]) for text in texts], dtype=bool)


def _disputed(
    dataset: Dataset, label_set: LabelSet, taxonomy: Taxonomy, reviews: Mapping[str, Review]
) -> Bools:
    """Where people disagree: about near-duplicates of one group, or a review with a golden label."""
    sources = label_set.sources
    by_group: dict[str, list[int]] = {}
    for row in np.flatnonzero(sources.human).tolist():
        by_group.setdefault(dataset.groups[sources.ids[row]], []).append(row)
    disputed = np.zeros(sources.categories.shape, dtype=bool)
    for rows in by_group.values():
        said = sources.categories[rows]
        disputed[rows] |= said.any(axis=0) & ~said.all(axis=0)
    for row, id_ in enumerate(sources.ids):
        if id_ in dataset.golden and id_ in reviews:
            label = label_of(reviews[id_], taxonomy)
            if label is not None:
                disputed[row] |= taxonomy.space.indicators([label])[0] != sources.categories[row]
    return disputed


@dataclass
class _CurrentModel:
    """The artifact of the run, as it was trained before."""

    predictor: Predictor
    about: str = "model"

    def likeness(self, contents: Sequence[str]) -> Floats:
        return self.predictor.probabilities(contents) if contents else np.zeros((0, self._width))

    def decides(self, likeness: Floats) -> Bools:
        return self.predictor.rule.decide(likeness)

    @property
    def _width(self) -> int:
        return len(self.predictor.taxonomy.keys)


def membership_of(run: Run, material: Material) -> Membership:
    """The model that the run has, if it knows these categories by texts alone; else vectors stand in."""
    folder = run.folder / _ARTIFACT
    if folder.is_dir():
        try:
            predictor = Predictor.load(folder)
        except ArtifactError as error:
            _LOG.warning("the model of the run judges no synthetic texts: %s", error.problem)
        else:
            if predictor.taxonomy.keys == run.taxonomy.keys and not predictor.features:
                return _CurrentModel(predictor)

    def embed(contents: Sequence[str]) -> Vectors:
        texts = [Text(id=str(number), content=content) for number, content in enumerate(contents)]
        return encode_texts(texts, run.config, progress=run.progress)

    return NearestCentre(embed, material)
