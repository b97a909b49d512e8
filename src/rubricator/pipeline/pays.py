"""Pays: changes by rule and texts of language models, and what of both raises F1 on real texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.augment.cheap.changes import RealText, cheap_texts
from rubricator.augment.report.page import augment_page, examples_of
from rubricator.augment.seeds import Material
from rubricator.config import Augment
from rubricator.dataset import files
from rubricator.dataset.augmentation import (
    AUGMENTATION,
    Augmentation,
    CategoryEvidence,
    write_augmentation,
)
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.synthetic import (
    CANDIDATES,
    SYNTHETIC,
    Making,
    SyntheticText,
    read_synthetic,
    write_synthetic,
)
from rubricator.dataset.training_data import TrainingData, training_data
from rubricator.pages.formatting import plural
from rubricator.pages.page import write_page
from rubricator.pipeline.augment import STATISTICS, settings_of
from rubricator.pipeline.augment_material import material_of
from rubricator.pipeline.augment_page import PageMaterial, distances, maps
from rubricator.pipeline.stage import Run, Stage
from rubricator.pipeline.synthetic_rows import with_synthetic_texts
from rubricator.train.search.augmentation import made_for, weigh
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.time_limit import TimeLimit

PAGE = "augment.html"
"""Where people read what pays and why."""


def _work(run: Run) -> list[str]:
    settings = settings_of(run.config)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    written = read_synthetic(run.file(CANDIDATES))
    material = material_of(dataset, label_set, run.taxonomy, run.config)
    wanted = _wanted(material.real(), written, settings)
    cheap = cheap_texts(_real_texts(material), wanted, changes=settings.cheap.changes, seed=run.config.seed)
    limit = TimeLimit(run.config.train.time_limit)
    vectors = encode_for_training(dataset.texts, run.taxonomy, run.config, limit, progress=run.progress)
    plain = training_data(dataset, label_set, vectors.first, vectors.more, vectors.described)
    texts = [*cheap, *written]
    data, usable = with_synthetic_texts(plain, texts, dataset, split, run)
    keys = {key for text in written for key in text.categories} | set(wanted)
    found = replace(_evidence(run, settings, data, label_set, keys), notes=usable.notes)
    kept = [text for text in usable.texts if found.keeps(text)]
    write_synthetic(run.file(SYNTHETIC), kept)
    write_augmentation(run.folder, found)
    contents = {text.id: text.content for text in dataset.texts}
    _write_page(run, contents, PageMaterial(data, label_set.decided, usable.texts), found)
    return list(_lines(found, kept))


def _wanted(real: Mapping[str, int], written: Sequence[SyntheticText], settings: Augment) -> dict[str, int]:
    """How many changed texts each category gets: as many as a model wrote for it, else copies where few."""
    by_model = Counter(key for text in written for key in text.categories)
    rare = {
        key: number * settings.cheap.copies
        for key, number in real.items()
        if key in settings.categories or (number < settings.below and not settings.categories)
    }
    return rare | dict(by_model)


def _real_texts(material: Material) -> list[RealText]:
    """Labelled training texts; of a category that people labelled, those of people alone."""
    people_know = np.asarray(material.belongs[material.human].any(axis=0))
    keys = material.taxonomy.keys
    found = []
    for row in np.flatnonzero(material.labelled).tolist():
        places = np.flatnonzero(material.belongs[row])
        if material.human[row] or not people_know[places].any():
            text = material.texts[row]
            categories = tuple(keys[place] for place in places.tolist())
            found.append(RealText(text.id, text.content, categories, material.groups[text.id]))
    return found


def _evidence(
    run: Run, settings: Augment, data: TrainingData, label_set: LabelSet, keys: set[str]
) -> Augmentation:
    if not settings.pays.show or not keys:
        return _unmeasured(run, settings, data, label_set, keys)
    # The products are too small to share: a second thread mostly waits, the more on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        return weigh(
            data,
            label_set.targets,
            keys,
            taxonomy=run.taxonomy,
            config=run.config,
            pays=settings.pays,
            folder=run.file("stages/pays/any").parent,
            progress=run.progress,
        )


def _unmeasured(
    run: Run, settings: Augment, data: TrainingData, label_set: LabelSet, keys: set[str]
) -> Augmentation:
    """Texts of a language model where there are some, else changes by rule; as the settings have it."""
    making = set(data.synthetic.making) if data.synthetic else set()
    kept: Making = "llm" if "llm" in making else "cheap"
    reason = "Kept unmeasured: `augment.pays.show` is false."
    return Augmentation(
        model="",
        about="Nothing was measured.",
        seeds=0,
        confidence=settings.pays.confidence,
        macro_f1={},
        categories=tuple(
            CategoryEvidence(
                key=key,
                real=int((label_set.decided[:, column] & (data.part == "train")).sum()),
                judged=0,
                made=made_for(data.synthetic, column),
                kept=kept if making else None,
                reason=reason,
            )
            for column, key in enumerate(run.taxonomy.keys)
            if key in keys
        ),
    )


def _write_page(run: Run, contents: Mapping[str, str], material: PageMaterial, found: Augmentation) -> None:
    titles = {category.key: category.title for category in run.taxonomy.categories}
    statistics = files.read_json(run.file(STATISTICS))
    page = augment_page(
        found,
        name=run.config.name,
        titles=titles,
        stages=statistics["stages"],
        distances=distances(material, run),
        maps=maps(material, titles, run.taxonomy.keys),
        examples=examples_of(material.texts, found, contents),
    )
    write_page(run.folder / PAGE, page)


def _lines(found: Augmentation, kept: Sequence[SyntheticText]) -> Iterator[str]:
    pays = [one for one in found.categories if one.kept]
    yield (
        f"{plural(len(kept), 'synthetic text')} will train, for {len(pays)} of "
        f"{plural(len(found.categories), 'category', 'categories')}; why: {PAGE}"
    )
    yield from (f"{one.key}: {one.reason}" for one in found.categories)
    yield from (f"! {note}" for note in found.notes)


def _depends(run: Run) -> dict[str, str]:
    return {
        "config": run.config.model_dump_json(include={"augment", "train", "encode", "split", "seed"}),
        "taxonomy": run.taxonomy.version,
    }


STAGE = Stage(
    name="pays",
    about="Synthetic texts that raise F1 on real texts are kept for training.",
    depends=_depends,
    after=("read", "split", "label", "augment"),
    writes=(SYNTHETIC, AUGMENTATION, PAGE),
    work=_work,
    wanted=lambda run: run.config.augment is not None,
)
