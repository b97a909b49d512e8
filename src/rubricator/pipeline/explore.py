"""Explore: what texts are like, from a run at any state or from a mere file; nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rubricator.config import Config
from rubricator.config.read import build_config, changed
from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.inputs import BASE
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import SYNTHETIC, read_synthetic
from rubricator.encode.descriptions import description_directions
from rubricator.encode.usable import usable_encoders
from rubricator.errors import DataError, EncoderError, MissingExtraError, nearest
from rubricator.explore.cautions import Caller, Caution, cautions
from rubricator.explore.known import Known
from rubricator.explore.map.files import write_map
from rubricator.explore.map.known_map import known_map
from rubricator.explore.map.points import MapPoints
from rubricator.explore.marking_words import find_phrases
from rubricator.explore.page import explore_page
from rubricator.explore.profile import Profile, profile_of
from rubricator.explore.themes import Themes, draft_taxonomy, find_themes
from rubricator.ingest.boilerplate import find_boilerplate
from rubricator.ingest.clean import step_effects
from rubricator.ingest.columns import OTHER_ROLES, ROLES, usual_columns
from rubricator.ingest.duplicates import group_duplicates
from rubricator.ingest.inferred_taxonomy import taxonomy_of
from rubricator.ingest.read import Corpus, read_texts
from rubricator.pages.page import write_page
from rubricator.pipeline import label, read
from rubricator.pipeline.stage import Run, is_current
from rubricator.progress import Progress, silent
from rubricator.records import Origin
from rubricator.tables.reading import Layout, open_table
from rubricator.taxonomy import Taxonomy

_NO_NAME = re.compile(r"[^\w.-]+")
_ANY = "text"
PAGE, FACTS, MAP = "explore.html", "explore.json", "explore-map"
_STEPS_OF = 1000


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was found, and the folder where `explore.html` and `explore.json` lie.

    `themes` and the `points` of the map are None without vectors.
    """

    folder: Path
    profile: Profile
    cautions: Sequence[Caution]
    themes: Themes | None = None
    points: MapPoints | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that the page shows, as plain values."""
        return {"cautions": [asdict(one) for one in self.cautions], **asdict(self.profile)}

    def suggest_taxonomy(self, path: Path) -> None:
        """Write the themes as a first list of categories, in YAML.

        Raises:
            DataError: There are fewer than two themes, the file is there, or it cannot be written.
        """
        if self.themes is None:
            raise DataError(
                "Without vectors there are no themes to make categories of.",
                fix="Leave --no-vectors out; `rubricator doctor` says which encoders there are.",
            )
        draft = draft_taxonomy(self.themes, name=self.profile.name)
        if path.exists():
            raise DataError(f"{path} is there already.", fix="Name another file: nothing is overwritten.")
        try:
            path.write_text(draft, encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"{path} cannot be written: {error.strerror}.", fix="Name a file that you can write."
            ) from error

    def write_map(self) -> list[Path]:
        """Write the map as pictures, PDF and JSON into the folder `explore-map`; nothing without vectors.

        Raises:
            DataError: They cannot be written.
        """
        return write_map(self.points, self.folder / MAP) if self.points else []


def settings_of_file(file: Path, named: Mapping[str, str], overrides: Sequence[str] = ()) -> Config:
    """Settings for a mere file: columns as they are named by role, the others found by what they are called.

    Raises:
        ConfigError: An override is wrong.
        DataError: The file cannot be read, has no such column, or nobody can tell which holds the text.
    """
    raw: dict[str, Any] = {"name": f"{_NO_NAME.sub('-', file.stem)[:80]}-explore"}
    raw["data"] = {"files": [str(file.absolute())], "columns": {"body": _ANY}}
    given = build_config(changed(raw, overrides), folder=Path(), where="What --set changes").data
    layout = Layout(encoding=given.encoding, header=given.header, sheet=given.sheet)
    names = open_table(file, layout).complete().columns
    columns = _columns(file, names, named)
    raw["data"]["columns"] = columns
    return build_config(changed(raw, overrides), folder=Path(), where="What --set changes")


def _columns(file: Path, names: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    absent = [name for name in named.values() if name not in names]
    if absent:
        raise DataError(
            f"{file} has no column '{absent[0]}'{nearest(absent[0], names)}.",
            fix=f"Its columns are: {', '.join(names)}.",
        )
    texts = {role: named[role] for role in ("title", "body") if role in named}
    usual = usual_columns(names, {**ROLES, **OTHER_ROLES})
    if texts:
        usual = {role: column for role, column in usual.items() if role not in ("title", "body")}
    columns = {**usual, **named}
    if not columns.keys() & {"title", "body"}:
        if len(names) != 1:
            raise DataError(
                f"None of the columns {', '.join(names)} of {file} is known to hold the text.",
                fix="Name it with --text COLUMN.",
            )
        columns["body"] = names[0]
    taken = set(named.values()) | {columns.get("body")}
    return {
        role: name for role, name in columns.items() if role in named or role == "body" or name not in taken
    }


def explore(run: Run, *, vectors: bool = True) -> Exploration:
    """Explore the texts of a run, which were read, with the labels and opinions that its stages kept.

    Without `vectors` nothing is encoded, and what compares texts by meaning is left out.

    Raises:
        DataError: The page cannot be written.
    """
    dataset = files.read_dataset(run.folder)
    known = _labelled(_known(dataset, run.config, run.taxonomy, run.progress), dataset, run)
    return _explored(known, run.config, run.folder, Caller(run.options), run.progress, vectors=vectors)


def explore_files(
    config: Config, folder: Path, *, options: str, vectors: bool = True, progress: Progress = silent
) -> Exploration:
    """Explore files for which there is no list of categories: those of the column of labels are taken.

    `options` are the arguments with which `explore` is called again. Nothing but the page and its figures is
    written into the folder.

    Raises:
        DataError: The files cannot be read, hold too many labels, or the page cannot be written.
    """
    corpus = read_texts(config, progress=progress)
    taxonomy = taxonomy_of(corpus.labels.values(), column=config.data.columns.labels or "")
    golden = config.golden.file
    config = config.model_copy(update={"golden": config.golden.model_copy(update={"file": None})})
    dataset = read.dataset_of(_labels_of(corpus, taxonomy), config, taxonomy, progress=progress)
    known = _known(dataset, config, taxonomy, progress)
    if golden:
        unread = f"The golden set {golden} is not read: there is no list of the categories that it names."
        known = replace(known, notes=(*known.notes, unread))
    if taxonomy is None and corpus.labels:
        known = replace(
            known, notes=(*known.notes, "All labels are the same: there are no categories to compare.")
        )
    return _explored(known, config, folder, Caller(options, file=True), progress, vectors=vectors)


def _labels_of(corpus: Corpus, taxonomy: Taxonomy | None) -> Corpus:
    return corpus if taxonomy else replace(corpus, labels={})


def _known(dataset: Dataset, config: Config, taxonomy: Taxonomy | None, progress: Progress) -> Known:
    """The texts with what people said of them."""
    texts, taken = dataset.texts, config.clean.boilerplate
    groups = dataset.groups
    if config.split.group_by:  # those groups say which texts stay together, not which are alike
        compared = config.duplicates.model_copy(update={"method": "minhash", "threshold": 0.5})
        own = config.duplicates if config.duplicates.method != "embeddings" else compared
        groups = group_duplicates(texts, own, progress=progress).of
    steps, sample = step_effects(texts, config.clean, most=_STEPS_OF)
    repeated = dataset.boilerplate if taken else find_boilerplate(texts, share=config.clean.boilerplate_share)
    known = Known.bare(
        config.name,
        texts,
        groups,
        facts=dataset.facts,
        steps=steps,
        steps_sample=sample,
        boilerplate=repeated,
        boilerplate_taken=taken,
    )
    if taxonomy is None:
        return known
    golden = [dataset.golden.get(text.id, ()) for text in texts]
    origin = [Origin.GOLDEN if text.id in dataset.golden else "" for text in texts]
    return replace(
        known,
        taxonomy=taxonomy,
        categories=taxonomy.space.indicators(golden),
        origin=np.array(origin, dtype="<U9"),
    )


def _labelled(known: Known, dataset: Dataset, run: Run) -> Known:
    """The same with what the label stage kept, if it was run on these texts."""
    synthetic = read_synthetic(run.folder / SYNTHETIC)
    known = replace(known, synthetic=synthetic)
    if not (run.folder / "stages/labels.parquet").is_file():
        return known
    try:
        annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
        label_set = read_labels(run.folder, dataset, run.taxonomy)
    except (DataError, KeyError, FileNotFoundError):
        label_set = None
    if label_set is None or label_set.sources.ids != tuple(text.id for text in dataset.texts):
        return replace(known, notes=(*known.notes, _OTHERS))
    stale = () if is_current(run, label.STAGE) else (_STALE,)
    space, agreement = run.taxonomy.space, annotations.agreement.probabilities
    has = np.isfinite(agreement).all(axis=1)
    sure = np.full(len(dataset.texts), np.nan)
    sure[has] = space.confidence(agreement[has], space.decide(agreement[has]))
    return replace(
        known,
        categories=label_set.decided,
        origin=label_set.sources.origin,
        agreement=sure,
        opinions=annotations.probabilities,
        notes=(*known.notes, *stale),
    )


_STALE = (
    "Labels are those that `rubricator label` left: settings, reviews or the program have changed since, or "
    "answers are missing."
)
_OTHERS = (
    "The labels in the folder of the run are of other texts or categories: `rubricator label` makes new ones."
)


def _explored(
    known: Known, config: Config, folder: Path, caller: Caller, progress: Progress, *, vectors: bool
) -> Exploration:
    known = _encoded(known, config, progress) if vectors else replace(known, notes=(*known.notes, _UNENCODED))
    seed, ids, contents = config.seed, [text.id for text in known.texts], known.contents
    phrases = find_phrases(contents, seed=seed, progress=progress)
    themes = points = None
    if known.vectors is not None:
        themes = find_themes(ids, contents, known.vectors, phrases=phrases, seed=seed, progress=progress)
        points = known_map(known, themes, seed=seed, progress=progress)
    profile = profile_of(known, phrases=phrases, themes=themes, seed=seed, progress=progress)
    found = Exploration(folder, profile, cautions(profile, known, caller), themes, points)
    write_page(folder / PAGE, explore_page(profile, found.cautions, points))
    files.write_json(folder / FACTS, found.facts)
    return found


_UNENCODED = "Nothing was encoded, as was asked for: what compares texts by meaning is left out."


def _encoded(known: Known, config: Config, progress: Progress) -> Known:
    """The same with vectors and lengths in tokens; without them, and a note why, if there is no encoder.

    Lengths are counted as the first encoder of the config reads texts. Vectors come from the last one that
    knows their language: of those bundled it is many times quicker.
    """
    contents = known.contents
    try:
        usable = usable_encoders(contents, config, progress=progress)
        name, cache = list(usable.caches.items())[-1]
        vectors = cache.encode(contents, progress=progress)
        made = cache.encode([text.content for text in known.synthetic]) if known.synthetic else None
        base = usable.caches[BASE].encoder
        directions = None
        if known.taxonomy is not None:
            directions = description_directions(known.taxonomy.categories, cache, progress=progress)
    except (EncoderError, MissingExtraError) as error:
        note = f"Nothing here that needs an encoder: {error.problem} {error.fix}".strip()
        return replace(known, notes=(*known.notes, note))
    return replace(
        known,
        encoder=config.encode.written([name]),
        vectors=vectors,
        synthetic_vectors=made,
        directions=directions,
        tokens=base.token_counts(contents),
        max_tokens=base.max_tokens,
        positions=base.positions,
        notes=(*known.notes, *usable.left_out),
    )
