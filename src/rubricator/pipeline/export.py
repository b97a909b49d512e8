"""Export: the winner and all it needs to serve, in one audited folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rubricator.artifact import (
    CardFacts,
    CategoryFigures,
    Figure,
    Manifest,
    render_card,
    write_artifact,
)
from rubricator.encode import Encoder, load_trained, open_encoder
from rubricator.dataset import files
from rubricator.evaluate.report.model_descriptions import described
from rubricator.pipeline.read import Prepared
from rubricator.evaluate.report.gather import data_fingerprint
from rubricator.train.search.model_search import Road
from rubricator.pipeline.split import Division
from rubricator.pipeline.stage import Run, Stage
from rubricator.train.search.files import read_trained

_HEADLINE = ("macro_f1", "micro_f1", "weighted_f1", "accuracy", "subset_accuracy", "hamming_loss")


def export(
    run: Run,
    prepared: Prepared,
    division: Division,
    road: Road,
    metrics: dict[str, Any],
    encoders: Mapping[str, Encoder],
) -> Manifest:
    """Write the winner into the folder `artifact` of the run, its card beside it.

    Raises:
        ArtifactError: The folder holds something else or cannot be written.
    """
    config, winner = run.config, road.choice.name
    return write_artifact(
        run.folder / "artifact",
        name=config.name,
        kind=winner,
        model=road.winner,
        encoders=encoders,
        taxonomy=run.taxonomy,
        rule=road.rules[winner],
        columns=config.data.columns,
        clean=config.clean,
        max_characters=config.data.max_characters,
        metrics=metrics,
        data_fingerprint=data_fingerprint(prepared),
        card=render_card(_card(run, division, road, metrics)),
    )


def _card(run: Run, division: Division, road: Road, metrics: dict[str, Any]) -> CardFacts:
    part = metrics["parts"][metrics["headline"]]
    winner = road.choice.name
    sizes = Counter(division.part.values())
    taught = f"{len(division.teaching):,} of them labelled by people, the others by teachers"
    return CardFacts(
        name=run.config.name,
        created=datetime.now(UTC),
        kind=winner,
        about=described(winner, road.facts[winner]),
        encoder=run.config.encode.encoder if road.winner.encoders else "",
        taxonomy=run.taxonomy,
        rule=road.rules[winner],
        training=(f"{sizes['train']:,} texts, {taught}.", *division.notes),
        measured=part["about"] + ".",
        texts=part["texts"],
        confidence=part["confidence"],
        headline={
            name.replace("_", " "): Figure(**part[name]) for name in _HEADLINE if part[name] is not None
        },
        categories={
            category["key"]: CategoryFigures(
                support=category["support"],
                f1=Figure(**category["f1"]),
                precision=category["precision"],
                recall=category["recall"],
            )
            for category in part["categories"]
        },
    )


def _work(run: Run) -> list[str]:
    prepared, division = files.read_prepared(run.folder), files.read_division(run.folder)
    road, _ = read_trained(run.folder)
    metrics = files.read_json(run.folder / "metrics.json")
    encode = run.config.encode
    encoders = {
        name: load_trained(road.encoders[name], encode)
        if name in road.encoders
        else open_encoder(encode, progress=run.progress)
        for name in road.winner.encoders
    }
    manifest = export(run, prepared, division, road, metrics, encoders)
    folder = run.folder / "artifact"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return [f"{manifest.identifier} ({manifest.kind}, {size / 2**20:.0f} MiB) in {folder}"]


STAGE = Stage(
    name="export",
    about="Write the artifact: the winner with all it needs to serve.",
    code=("rubricator.artifact", "rubricator.pipeline.export"),
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"name", "data", "clean", "encode", "label"}),
        "taxonomy": run.taxonomy.version,
    },
    after=("read", "split", "train", "evaluate"),
    writes=("artifact",),
    work=_work,
)
