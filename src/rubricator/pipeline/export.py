"""Export: the winner and all it needs to serve, in one audited folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.artifact import CardFacts, Manifest, render_card, write_artifact
from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.boilerplate import Repeated
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, read_labels
from rubricator.dataset.metrics import METRICS, read_metrics
from rubricator.dataset.precision_table import PRECISION, PrecisionTable, write_table
from rubricator.dataset.split import DatasetSplit
from rubricator.encode import Encoder, open_named
from rubricator.evaluate.report.model_descriptions import described
from rubricator.models.training_files import read_training
from rubricator.models.training_result import WORDS, TrainingResult
from rubricator.monitor.reference import reference_bytes
from rubricator.pipeline.kept_parts import KEPT_PARTS, keep_parts
from rubricator.pipeline.precision import served_encoders
from rubricator.pipeline.reference import reference_of_run
from rubricator.pipeline.stage import Run, Stage
from rubricator.progress import Progress, silent
from rubricator.stats.coverage import COVERAGE
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import shown_version

_SERVES = {"both": "for bulk and single texts alike", "bulk": "in bulk", "single": "for a single text"}
_HEADLINE = ("macro_f1", "micro_f1", "weighted_f1", "accuracy", "subset_accuracy", "hamming_loss")


def write_winner(
    folder: Path,
    trained: TrainingResult,
    taxonomy: Taxonomy,
    config: Config,
    card: CardFacts,
    *,
    metrics: Mapping[str, Any],
    data_fingerprint: str,
    boilerplate: Sequence[Repeated] = (),
    taxonomy_version: str = "",
    reference: bytes | None = None,
    encoders: Mapping[str, Encoder] | None = None,
    progress: Progress = silent,
) -> Manifest:
    """Write the artifact of the model that was chosen; `encoders` are those it was trained with by default.

    Raises:
        ArtifactError: The folder holds something else or cannot be written.
        EncoderError: An encoder cannot be had.
    """
    winner = trained.choice.name
    model, own = trained.served
    return write_artifact(
        folder,
        name=config.name,
        kind=winner,
        model=model,
        encoders=open_named(model.encoders, own, config, progress=progress) if encoders is None else encoders,
        taxonomy=taxonomy,
        rule=trained.rules[winner],
        columns=config.data.columns,
        clean=config.clean,
        max_characters=config.data.max_characters,
        metrics={**metrics, COVERAGE: [asdict(point) for point in trained.coverage]},
        data_fingerprint=data_fingerprint,
        boilerplate=boilerplate,
        card=render_card(card),
        taxonomy_version=taxonomy_version,
        reference=reference,
    )


def _card(
    run: Run,
    split: DatasetSplit,
    label_set: LabelSet,
    trained: TrainingResult,
    precision: PrecisionTable | None,
) -> CardFacts:
    winner, head = trained.choice.name, read_metrics(run.folder).head
    sizes = Counter(split.part.values())
    by_people = int((label_set.sources.teaches & (label_set.sources.part == "train")).sum())
    taught = f"{by_people:,} of them labelled by people, the others by teachers"
    again = trained.refitted
    served = () if again is None else (again.about,)
    titles = {category.key: category.title for category in run.taxonomy.categories}
    synthetic = (trained.synthetic_about(titles),) if trained.synthetic else ()
    return CardFacts(
        name=run.config.name,
        created=datetime.now(UTC),
        kind=winner,
        about=described(winner, trained.facts[winner]),
        encoder=run.config.encode.written(trained.served[0].encoders),
        taxonomy=run.taxonomy,
        taxonomy_version=_shown_version(run),
        rule=trained.rules[winner],
        training=(f"{sizes['train']:,} texts, {taught}.", *split.notes, *synthetic, *served),
        measured=f"{head.about}.",
        texts=head.texts,
        confidence=head.confidence,
        headline={name.replace("_", " "): getattr(head, name) for name in _HEADLINE if getattr(head, name)},
        categories=head.categories,
        precision=precision,
    )


def _shown_version(run: Run) -> str:
    return shown_version(run.taxonomy, run.config.path(run.config.taxonomy))


def _work(run: Run) -> list[str]:
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    trained, _ = read_training(run.folder)
    folder = run.folder / "artifact"
    reference = reference_of_run(run, dataset, split, label_set, trained)
    encoders, table, lines = _encoders(run, dataset, label_set, trained)
    (run.folder / KEPT_PARTS).unlink(missing_ok=True)  # killed from here on, none are those of the artifact
    manifest = write_winner(
        folder,
        trained,
        run.taxonomy,
        run.config,
        _card(run, split, label_set, trained, table),
        metrics=files.read_json(run.folder / METRICS),
        data_fingerprint=dataset.fingerprint,
        boilerplate=dataset.boilerplate,
        taxonomy_version=_shown_version(run),
        reference=reference_bytes(reference),
        encoders=encoders,
        progress=run.progress,
    )
    keep_parts(run, dataset, split)
    (run.folder / PRECISION).unlink(missing_ok=True)
    if table is not None:
        write_table(run.folder, table)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return [f"{manifest.identifier} ({manifest.kind}, {size / 2**20:.0f} MiB) in {folder}", *lines]


def _encoders(
    run: Run, dataset: Dataset, label_set: LabelSet, trained: TrainingResult
) -> tuple[dict[str, Encoder], PrecisionTable | None, list[str]]:
    """The encoders of the artifact, what they were measured at, and a line about the choice."""
    model, own = trained.served
    encoders = open_named(model.encoders, own, run.config, progress=run.progress)
    settings = run.config.export
    if settings is None:
        return encoders, None, []
    if not encoders:
        line = (
            f"{trained.choice.name} looks through no encoder: there is nothing to quantise or to trim, and "
            "the artifact is as it was trained"
        )
        return encoders, None, [line]
    encoders, table = served_encoders(run, settings, dataset, label_set, trained, encoders)
    row = table.row(table.chosen)
    line = (
        f"{row.name}, the quickest {_SERVES[settings.serves]} of those kept: {WORDS[table.metric]} "
        f"{row.figure:.4f} ({0 - row.drop:+.4f} to single precision), {row.flips:.2%} of texts decided "
        "otherwise"
    )
    return encoders, table, [line, *_trimmed(table)]


def _trimmed(table: PrecisionTable) -> list[str]:
    return [
        f"vocabulary of {name}: {after:,} of {before:,} pieces"
        for name, (before, after) in table.vocabulary.items()
    ]


STAGE = Stage(
    name="export",
    about="Write the artifact: the winner with all it needs to serve.",
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"name", "data", "clean", "encode", "label", "export"}),
        "taxonomy": _shown_version(run),
    },
    after=("read", "split", "label", "train", "evaluate"),
    writes=("artifact", KEPT_PARTS, PRECISION),
    work=_work,
)
