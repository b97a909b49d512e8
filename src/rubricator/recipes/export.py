"""Export: the winner and all it needs to serve, in one audited folder."""

from __future__ import annotations

from rubricator.artifact import HeadsModel, write_artifact
from rubricator.encode import open_encoder
from rubricator.recipes import files
from rubricator.recipes.report import data_fingerprint
from rubricator.recipes.stage import Run, Stage
from rubricator.recipes.trained import read_trained


def _work(run: Run) -> list[str]:
    config, taxonomy = run.config, run.taxonomy
    prepared = files.read_prepared(run.folder)
    road, _ = read_trained(run.folder)
    model, rule = road.models[road.choice.name], road.rules[road.choice.name]
    metrics = files.read_json(run.folder / "metrics.json")
    encoder = open_encoder(config.encode, progress=run.progress) if isinstance(model, HeadsModel) else None
    folder = run.folder / "artifact"
    manifest = write_artifact(
        folder,
        name=config.name,
        model=model,
        encoder=encoder,
        taxonomy=taxonomy,
        rule=rule,
        columns=config.data.columns,
        clean=config.clean,
        max_characters=config.data.max_characters,
        metrics=metrics,
        data_fingerprint=data_fingerprint(prepared),
        card="",
    )
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return [f"{manifest.identifier} ({manifest.kind}, {size / 2**20:.0f} MiB) in {folder}"]


STAGE = Stage(
    name="export",
    about="Write the artifact: the winner with all it needs to serve.",
    code=("rubricator.artifact", "rubricator.recipes.export"),
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"name", "data", "clean", "encode"}),
        "taxonomy": run.taxonomy.version,
    },
    after=("read", "train", "evaluate"),
    writes=("artifact",),
    work=_work,
)
