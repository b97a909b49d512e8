"""What an artifact keeps when the list of categories has changed, and what it must learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rubricator.artifact.read import Artifact, read_artifact
from rubricator.errors import TaxonomyError
from rubricator.pipeline.category import taxonomy_file
from rubricator.pipeline.stage import Run
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

COSTLY = ("finetune", "lora")
"""Kinds, and names of their encoders, that train one encoder for all categories together."""
SETTLED = "The artifact has the list of today: there is nothing to apply."


@dataclass(frozen=True, slots=True)
class Extension:
    """What the artifact keeps and what it must learn.

    Attributes:
        artifact: The one that is served.
        taxonomy: The list of today.
        kept: Key of today → the column of the artifact that means it.
        new: Keys of today that no column means.
        gone: Keys of the artifact of which nothing stays.
        whole: Why all categories must learn anew; empty where columns are kept as they are.
    """

    artifact: Artifact
    taxonomy: Taxonomy
    kept: dict[str, int]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    whole: str = ""

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do."""
        return self.artifact.manifest.taxonomy.version == self.taxonomy.version

    @property
    def learns(self) -> tuple[str, ...]:
        """Keys that are labelled, trained and calibrated."""
        return self.taxonomy.keys if self.whole else self.new

    def lines(self) -> Iterator[str]:
        """What will be done, for people."""
        old = self.artifact.manifest.taxonomy.keys
        if self.whole:
            yield f"{self.whole}: all are trained anew, and the new model is compared with the old one"
        kept = "trained anew, compared with the old model" if self.whole else "kept bit by bit"
        for key, column in self.kept.items():
            before = "" if old[column] == key else f" (was {old[column]})"
            yield f"{key}{before}: {kept}"
        for key in self.new:
            former = ", in place of what it meant before" if key in self.gone else ""
            yield f"{key}: labelled, trained and calibrated{former}"
        yield from (f"{key}: left out" for key in self.gone if key not in self.new)


def plan_extension(run: Run, history: History | None = None) -> Extension:
    """Compare the list of today with that of the artifact; its `history` is by default that in its folder.

    Raises:
        ArtifactError: The run has no artifact.
        TaxonomyError: The history does not know the artifact's list.
    """
    artifact = read_artifact(run.folder / "artifact")
    old, history = artifact.manifest.taxonomy, history or History.beside(taxonomy_file(run))
    meant = _meanings(history, old, run.taxonomy)
    column = {meaning: number for number, meaning in enumerate(meant)}
    today = history.meanings(run.taxonomy) or {key: key for key in run.taxonomy.keys}
    kept = {key: column[today[key]] for key in run.taxonomy.keys if today[key] in column}
    gone = tuple(key for number, key in enumerate(old.keys) if number not in kept.values())
    new = tuple(key for key in run.taxonomy.keys if key not in kept)
    whole = _whole(artifact, run.taxonomy, changed=bool(new or gone), new=bool(new or not kept))
    return Extension(artifact, run.taxonomy, kept, new, gone, whole)


def _whole(artifact: Artifact, today: Taxonomy, *, changed: bool, new: bool) -> str:
    """Why columns cannot be kept; empty where they can."""
    kind, single = artifact.manifest.kind, artifact.manifest.taxonomy.single
    if today.single != single:
        return f"The model was trained as {artifact.manifest.taxonomy.task}, the list is {today.task}"
    if single and changed:
        return "Where exactly one category is right, they share one decision"
    if new and (kind in COSTLY or set(COSTLY) & set(artifact.model.encoders)):
        return f"A model of the kind {kind} trains its encoder for all categories together"
    return ""


def _meanings(history: History, old: Taxonomy, today: Taxonomy) -> Sequence[str]:
    """What each column of the artifact means, by the names that versions give."""
    for version in reversed(history.versions):
        if version.digest == old.version:
            return [version.meanings[key] for key in old.keys]
    if old.version == today.version:
        known = history.meanings(today)
        return [known.get(key, key) for key in old.keys]
    raise TaxonomyError(
        f"The history of {history.file} has no version {old.version}, with which the artifact was made: "
        "nobody knows which categories still mean the same.",
        fix="Run `rubricator run`; change the list by `rubricator category` afterwards.",
    )
