"""Brings the artifact of a run up to the list of today: labels, trains, measures, and only then replaces it.

Where a text may have several categories each has a model column, a calibration and a threshold of its own.
Those of a category whose meaning stayed are kept bit by bit, and only what is new is learnt, on the parts of
the run as they are. Where categories share a decision or an encoder all learn anew, and the new model takes
the old one's place unless it is surely worse. The old artifact serves until the new one is whole.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.artifact import CardFacts, render_card, write_artifact
from rubricator.dataset.metrics import PartMetrics
from rubricator.encode import Encoder
from rubricator.errors import TaxonomyError
from rubricator.evaluate.comparison.compare import Comparison
from rubricator.pipeline.category import taxonomy_file
from rubricator.pipeline.extension.estimate import full_seconds, keep_seconds
from rubricator.pipeline.extension.figures import Figures, measure_extension, open_encoders
from rubricator.pipeline.extension.labels import label_beside
from rubricator.pipeline.extension.plan import SETTLED, Extension, plan_extension
from rubricator.pipeline.extension.training import Learnt, learn
from rubricator.pipeline.extension.worth_review import Proposal, propose_reviews
from rubricator.pipeline.stage import Run, only_one
from rubricator.taxonomy.versions import shown_version

_FIGURES = ("macro_f1", "micro_f1", "weighted_f1")


@dataclass(frozen=True, slots=True)
class Extended:
    """An artifact that follows the list of today.

    Attributes:
        identifier: `name@id` of the new artifact.
        folder: Where it lies: in the place of the old one, or beside it where it was not put in place.
        in_place: Whether it serves in the old one's place.
        texts: Texts that the teachers were asked about; 0 where nothing was new.
        seconds: How long it took.
        full_seconds: How long the stages of the whole run took.
        figures: What was measured, and what it says.
        review: The texts most worth a review; None where nothing was new.
    """

    extension: Extension
    identifier: str
    folder: Path
    in_place: bool
    texts: int
    seconds: float
    full_seconds: float
    figures: Figures
    review: Proposal | None

    @property
    def before(self) -> PartMetrics | None:
        """Figures of the old categories before."""
        return self.figures.before

    @property
    def after(self) -> PartMetrics | None:
        """Figures now."""
        return self.figures.after

    @property
    def comparison(self) -> Comparison | None:
        """Old model against new, where all categories learnt anew."""
        return self.figures.comparison


def extend(run: Run, *, anyway: bool = False) -> Extended:
    """Bring the artifact of a run up to the list of today; with `anyway` also where it is surely worse.

    Raises:
        ArtifactError: The run has no artifact, or the new one cannot be written.
        TaxonomyError: Nothing changed, or nobody knows what the artifact's categories mean.
        RubricatorError: Texts or encoders are no longer those of the run, or there is nothing to learn from.
    """
    started = time.monotonic()
    with only_one(run.folder):
        plan = plan_extension(run)
        if plan.settled:
            raise TaxonomyError(
                SETTLED,
                fix="What people have said since is learnt by `rubricator run`, or by `rubricator retrain`.",
            )
        sub = label_beside(run)
        labelled = time.monotonic()
        learnt = learn(plan, sub)
        done = time.monotonic()
        encoders = open_encoders(plan, learnt, run)
        figures = measure_extension(plan, learnt, encoders, run)
        in_place = anyway or not figures.doubts
        folder = (run if in_place else sub).folder / "artifact"
        review = propose_reviews(sub, plan.new)
        identifier = _written(folder, plan, learnt, encoders, figures, run)
        rest = time.monotonic() - done
        keep_seconds(sub, learning=done - labelled, rest=rest, learns=len(plan.learns))
    return Extended(
        extension=plan,
        identifier=identifier,
        folder=folder,
        in_place=in_place,
        texts=len(learnt.inputs.dataset.texts) if plan.learns else 0,
        seconds=time.monotonic() - started,
        full_seconds=full_seconds(run),
        figures=figures,
        review=review,
    )


def _written(
    folder: Path, plan: Extension, learnt: Learnt, encoders: dict[str, Encoder], figures: Figures, run: Run
) -> str:
    old, dataset = plan.artifact.manifest, learnt.inputs.dataset
    manifest = write_artifact(
        folder,
        name=old.name,
        kind=learnt.kind,
        model=learnt.served,
        encoders=encoders,
        taxonomy=run.taxonomy,
        rule=learnt.rule,
        columns=old.columns,
        clean=old.clean,
        max_characters=old.max_characters,
        metrics=_metrics(figures.after),
        data_fingerprint=dataset.fingerprint,
        card=render_card(_card(plan, learnt, figures, run)),
        boilerplate=old.boilerplate,
        taxonomy_version=shown_version(run.taxonomy, taxonomy_file(run)),
    )
    return manifest.identifier


def _metrics(after: PartMetrics | None) -> dict[str, Any]:
    if after is None:
        return {}
    return {"headline": after.part, "parts": {after.part: json.loads(json.dumps(after.as_dict()))}}


def _card(plan: Extension, learnt: Learnt, figures: Figures, run: Run) -> CardFacts:
    manifest, after = plan.artifact.manifest, figures.after
    about = f"follows {manifest.identifier}, all categories having learnt anew"
    if not plan.whole:
        about = f"extends {manifest.identifier}, of which the columns of kept categories are the same"
    return CardFacts(
        name=manifest.name,
        created=datetime.now(UTC),
        kind=learnt.kind,
        about=about,
        encoder=run.config.encode.written(learnt.served.encoders),
        taxonomy=run.taxonomy,
        taxonomy_version=shown_version(run.taxonomy, taxonomy_file(run)),
        rule=learnt.rule,
        training=tuple(f"{line}." for line in (*plan.lines(), *(one.rstrip(".") for one in figures.reasons))),
        measured="There are no test texts." if after is None else f"{after.about}.",
        texts=0 if after is None else after.texts,
        confidence=0.95 if after is None else after.confidence,
        headline={} if after is None else {n.replace("_", " "): getattr(after, n) for n in _FIGURES},
        categories=() if after is None else after.categories,
    )
