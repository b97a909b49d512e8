"""One text through the teachers of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from rubricator.config import LlmTeacherConfig
from rubricator.dataset import files
from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.sources import label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.errors import DataError
from rubricator.ingest.clean import Cleaner, is_blank
from rubricator.label.aggregation.labels import label_texts
from rubricator.label.aggregation.probabilities import teacher_scores
from rubricator.label.asking.runner import ask
from rubricator.label.teachers.factory import open_teachers
from rubricator.label.teachers.protocol import Teacher
from rubricator.label_space import LabelSpace
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run
from rubricator.project.results import Shown
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.review.reviews import read_reviews
from rubricator.store import Store


@dataclass(frozen=True, slots=True)
class TeacherAnnotation:
    """What one teacher says of a text.

    Attributes:
        categories: 0 or 1 per category key; all 0 where it could not tell.
        corrupted: Whether its answer cannot be read.
        generation: Its answer as it came: what a language model wrote, the words that rules found.
    """

    teacher: str
    categories: Mapping[str, int]
    corrupted: bool
    generation: str
    seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class Annotation(Shown):
    """What the teachers agree on about a text.

    Attributes:
        text: The text, cleaned.
        categories: 0 or 1 per category key.
        probabilities: By category key; empty where nobody could tell.
        corrupted: Whether no teacher gave an answer that can be read.
        generation: What the language model wrote; of several, a JSON object of what each wrote.
    """

    text: Text
    categories: Mapping[str, int]
    probabilities: Mapping[str, float]
    corrupted: bool
    generation: str
    teachers: tuple[TeacherAnnotation, ...]

    def to_frame(self) -> pl.DataFrame:
        """A row per teacher, and one for what they agree on."""
        rows = [(one.teacher, one) for one in self.teachers] + [("agreement", self)]
        return pl.DataFrame(
            [
                {"teacher": name, **one.categories, "corrupted": one.corrupted, "generation": one.generation}
                for name, one in rows
            ]
        )

    def sentences(self) -> Sequence[str]:
        """The categories with their probabilities."""
        if self.corrupted:
            return ("No teacher gave an answer that can be read.",)
        if not self.probabilities:
            return ("No teacher has an opinion.",)
        named = [f"{key} ({self.probabilities[key]:.2f})" for key, on in self.categories.items() if on]
        return (", ".join(named) or "no category",)


def annotate(run: Run, text: Text | str) -> Annotation:
    """Ask every teacher about one text.

    Nothing but the texts of the run need be there: a prompt can be tried before it costs anything. What
    language models answer is stored, so nothing is paid twice. Teachers that compare a text with the others,
    and those that golden texts correct, take it for one more text of the run.

    Raises:
        DataError: The text is empty.
        EncoderError: A teacher needs an encoder that cannot be had.
        EngineError: A language model is out of reach.
        StoreError: The database refused.
    """
    dataset = files.read_dataset(run.folder)
    text = _cleaned(text, run, dataset)
    dataset, split = _joined(dataset, files.read_split(run.folder), text)
    with (
        open_store(run) as store,
        open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers,
    ):
        answers = {one.name: _ask(one, dataset, text, store, run) for one in teachers}
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
        scores = [
            teacher_scores(one.name, one.scale, answers[one.name], dataset.texts, run.taxonomy.space)
            for one in teachers
        ]
    sources = label_sources(dataset, split, reviews, run.taxonomy)
    # What a person said of the same words would be repeated; here the teachers are heard.
    sources = sources.without(np.array([one.id == text.id for one in dataset.texts]))
    labels, aggregation = label_texts(scores, dataset, sources, run.taxonomy, run.config)
    label = next((one for one in labels if one.text_id == text.id), None)
    opinions = tuple(
        _opinion(one, answers[one.teacher].get(text.id), run.taxonomy.space)
        for one in aggregation.probabilities
    )
    models = {one.name for one in run.config.label.teachers if isinstance(one, LlmTeacherConfig)}
    raw = {one.teacher: one.generation for one in opinions if one.teacher in models}
    generation = json.dumps(raw, ensure_ascii=False) if len(raw) > 1 else next(iter(raw.values()), "")
    return Annotation(
        text=text,
        categories={key: int(label is not None and key in label.categories) for key in run.taxonomy.keys},
        probabilities={} if label is None else dict(label.probabilities),
        corrupted=all(one.corrupted for one in opinions),
        generation=generation,
        teachers=opinions,
    )


def _cleaned(text: Text | str, run: Run, dataset: Dataset) -> Text:
    if isinstance(text, str):
        text = Text(id="", body=text)
    if is_blank(text.original):
        raise DataError("The text is empty.", fix="Give one with something to read.")
    content = Cleaner(run.config.clean, dataset.boilerplate).content(text)
    return replace(text, id=f"annotated-{content_hash('annotated:1', content)}", content=content)


def _joined(dataset: Dataset, split: DatasetSplit, text: Text) -> tuple[Dataset, DatasetSplit]:
    """The texts of the run and one more, in a group of its own unless it is there already."""
    same = next((one.id for one in dataset.texts if one.content == text.content), None)
    group = text.id if same is None else dataset.groups[same]
    joined = replace(dataset, texts=[*dataset.texts, text], groups={**dataset.groups, text.id: group})
    # A part of its own would teach: what is asked about must not set anything.
    return joined, replace(split, part={**split.part, text.id: "test"})


def _ask(teacher: Teacher, dataset: Dataset, text: Text, store: Store, run: Run) -> dict[str, Answer]:
    """A teacher that costs something answers about the text alone; what it said of others is looked up."""
    if not teacher.metered:
        return {answer.text_id: answer for answer in teacher.ask(dataset.texts)}
    keys = {one.id: teacher.key(one) for one in dataset.texts}
    stored = store.find(list(keys.values()))
    asked = ask([teacher], [text], store, again=run.again, stamp=run.taxonomy.version, progress=run.progress)
    answers = asked.answers[teacher.name]
    return {id_: stored[key] for id_, key in keys.items() if key in stored} | dict(answers)


def _opinion(opinion: TeacherProbabilities, answer: Answer | None, space: LabelSpace) -> TeacherAnnotation:
    """The text is the last one of the run."""
    decided = space.decide(opinion.probabilities[-1:])[0]
    return TeacherAnnotation(
        opinion.teacher,
        dict(zip(space.keys, decided.astype(int).tolist(), strict=True)),
        corrupted=answer is None or answer.status is not Status.OK,
        generation="" if answer is None else answer.raw,
        seconds=0.0 if answer is None else answer.seconds,
        cost=0.0 if answer is None else answer.cost,
    )
