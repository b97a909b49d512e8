"""Export: the winner and all it needs to serve, in one audited folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from rubricator.artifact import CardFacts, Manifest, render_card, write_artifact
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.metrics import METRICS, read_metrics
from rubricator.dataset.split import DatasetSplit
from rubricator.encode import Encoder, load_trained, open_encoder
from rubricator.evaluate.report.model_descriptions import described
from rubricator.models.training_files import read_training
from rubricator.models.training_result import TrainingResult
from rubricator.pipeline.stage import Run, Stage

_HEADLINE = ("macro_f1", "micro_f1", "weighted_f1", "accuracy", "subset_accuracy", "hamming_loss")


def export(
    run: Run,
    dataset: Dataset,
    split: DatasetSplit,
    label_set: LabelSet,
    trained: TrainingResult,
    encoders: Mapping[str, Encoder],
) -> Manifest:
    """Write the winner into the folder `artifact` of the run, its card beside it.

    Raises:
        ArtifactError: The folder holds something else or cannot be written.
    """
    config, winner = run.config, trained.choice.name
    return write_artifact(
        run.folder / "artifact",
        name=config.name,
        kind=winner,
        model=trained.winner,
        encoders=encoders,
        taxonomy=run.taxonomy,
        rule=trained.rules[winner],
        columns=config.data.columns,
        clean=config.clean,
        max_characters=config.data.max_characters,
        metrics=files.read_json(run.folder / METRICS),
        data_fingerprint=dataset.fingerprint,
        card=render_card(_card(run, split, label_set, trained)),
    )


def _card(run: Run, split: DatasetSplit, label_set: LabelSet, trained: TrainingResult) -> CardFacts:
    winner, head = trained.choice.name, read_metrics(run.folder).head
    sizes = Counter(split.part.values())
    by_people = int((label_set.sources.teaches & (label_set.sources.part == "train")).sum())
    taught = f"{by_people:,} of them labelled by people, the others by teachers"
    return CardFacts(
        name=run.config.name,
        created=datetime.now(UTC),
        kind=winner,
        about=described(winner, trained.facts[winner]),
        encoder=run.config.encode.encoder if trained.winner.encoders else "",
        taxonomy=run.taxonomy,
        rule=trained.rules[winner],
        training=(f"{sizes['train']:,} texts, {taught}.", *split.notes),
        measured=f"{head.about}.",
        texts=head.texts,
        confidence=head.confidence,
        headline={name.replace("_", " "): getattr(head, name) for name in _HEADLINE if getattr(head, name)},
        categories=head.categories,
    )


def _work(run: Run) -> list[str]:
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    trained, _ = read_training(run.folder)
    encode = run.config.encoding
    encoders = {
        name: load_trained(trained.encoders[name], encode)
        if name in trained.encoders
        else open_encoder(encode, progress=run.progress)
        for name in trained.winner.encoders
    }
    manifest = export(run, dataset, split, label_set, trained, encoders)
    folder = run.folder / "artifact"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return [f"{manifest.identifier} ({manifest.kind}, {size / 2**20:.0f} MiB) in {folder}"]


STAGE = Stage(
    name="export",
    about="Write the artifact: the winner with all it needs to serve.",
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"name", "data", "clean", "encode", "label"}),
        "taxonomy": run.taxonomy.version,
    },
    after=("read", "split", "label", "train", "evaluate"),
    writes=("artifact",),
    work=_work,
)
