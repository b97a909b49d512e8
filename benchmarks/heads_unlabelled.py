"""Without any label: the teacher that compares texts with descriptions, before and now."""

from __future__ import annotations

from typing import Any

from machine import ROOT
from splits import SEED

from rubricator.config import read_config
from rubricator.dataset.split import golden_targets
from rubricator.label.aggregation.probabilities import teacher_probabilities, teacher_scores
from rubricator.label.quality.views import view_scores
from rubricator.label.teachers.encoders import teacher_encoders
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher
from rubricator.pipeline.read import read
from rubricator.stats.significance import change, resample
from rubricator.taxonomy import Taxonomy

ZERO = {
    "sib200-zero": ("accuracy", "subset_accuracy", "test"),
    "news-zero": ("macro_f1", "macro_f1", None),
    "reviews-zero": ("weighted_f1", "weighted_f1", None),
}
"""Config → the figure, its name in `GroupedCounts`, and the part of the golden texts that measures."""
BEFORE, NOW = "whole, first encoder", "pieces, both encoders"
DRAWS = 2000


def unlabelled(name: str) -> dict[str, Any]:
    """Descriptions as a whole through the first encoder, against their pieces through all usable ones.

    Both look at the whole corpus and no label; rules have no say.
    """
    figure, counted, part = ZERO[name]
    config = read_config(ROOT / "benchmarks/real" / f"{name}.yaml")
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    dataset = read(config, taxonomy)
    contents = [text.content for text in dataset.texts]
    encoders = teacher_encoders(contents, config)
    teacher = EncoderTeacher(taxonomy, contents, encoders)
    answers = {answer.text_id: answer for answer in teacher.ask(dataset.texts)}
    views = {scores.teacher: scores for scores in view_scores(answers, dataset.texts, taxonomy.space)}
    now = teacher_scores(teacher.name, teacher.scale, answers, dataset.texts, taxonomy.space)
    compared = {BEFORE: views[f"{encoders[0].name}, whole description"], NOW: now, **views}
    measured = [
        row
        for row, text in enumerate(dataset.texts)
        if text.id in dataset.golden and part in (None, text.part)
    ]
    truth = golden_targets(dataset, taxonomy)[measured] > 0.5
    groups = [dataset.groups[dataset.texts[row].id] for row in measured]
    samples = {}
    for way, scores in compared.items():
        [opinion] = teacher_probabilities(
            [scores],
            taxonomy.space,
            truth={},
            groups=[dataset.groups[text.id] for text in dataset.texts],
            seed=SEED,
        )
        decisions = taxonomy.space.decide(opinion.probabilities[measured])
        samples[way] = resample(truth, decisions, groups, draws=DRAWS, seed=SEED)
    values = {way: written(one.estimate(counted)) for way, one in samples.items()}
    return {
        "figure": figure,
        "texts": len(measured),
        "corpus": len(contents),
        "encoders": [encoder.name for encoder in encoders],
        **values,
        "gain": written(change(samples[BEFORE], samples[NOW], counted)),
    }


def written(estimate: Any) -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
