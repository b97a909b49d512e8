"""What each precision of the encoders costs in decisions and saves in time, on finished runs.

    python benchmarks/precision.py runs/news=examples/news/rubricator.yaml --json results/precision.json

For each run, given with its settings, all that `rubricator export --precision auto` tries: metric and flips
on validation, speed in turn, and what a trimmed vocabulary leaves. Nothing of the run is changed. Needs the
extra `export`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from machine import arguments, write

from rubricator.config import Export, read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.encode import open_named
from rubricator.models.training_files import read_training
from rubricator.pipeline.precision import TEXTS, served_encoders
from rubricator.pipeline.stage import Run
from rubricator.taxonomy import Taxonomy


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("runs", nargs="+", metavar="RUN=SETTINGS")
    options.add_argument("--trim", action="store_true", help="with trimmed vocabularies")
    options.add_argument("--texts", type=int, default=TEXTS, help="on how many texts ways are compared")
    given = options.parse_args()
    figures = {}
    for pair in given.runs:
        folder, _, settings = pair.partition("=")
        name = Path(folder).name
        figures[name] = measured(Path(folder), Path(settings), trim=given.trim, texts=given.texts)
        for row in figures[name]["rows"]:
            print(
                f"{name:<10} {row['name']:<18} {row['figure']:.4f} {row['flips']:>7.2%} {row['worst']:.3f} "
                f"{row['texts_per_second']:>7.1f} texts/s {row['p50'] * 1000:>6.1f} ms "
                f"{row['bytes'] / 2**20:>4.0f} MiB"
            )
    write(given.json, {"runs": figures})


def measured(folder: Path, settings: Path, *, trim: bool, texts: int) -> dict[str, Any]:
    """The table of one run, its vocabularies trimmed where that is wanted."""
    config = read_config(settings)
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder)
    dataset = files.read_dataset(folder)
    trained, _ = read_training(folder)
    model, own = trained.served
    encoders = open_named(model.encoders, own, config)
    label_set = read_labels(folder, dataset, run.taxonomy)
    allowed = Export(trim_vocabulary=trim)
    _, table = served_encoders(run, allowed, dataset, label_set, trained, encoders, texts=texts)
    return asdict(table)


if __name__ == "__main__":
    main()
