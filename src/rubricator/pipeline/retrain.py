"""Retrain: a challenger learns from corrections, and is compared with the champion on reviews new to both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.artifact import Manifest, ModelRegistry
from rubricator.artifact.read import audit_artifact
from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.errors import ArtifactError, ConfigError, DataError
from rubricator.evaluate.comparison.challenge import (
    Challenge,
    challenge,
    common_categories,
    reasons,
    what_would_decide,
)
from rubricator.pages.formatting import plural
from rubricator.pipeline.category import taxonomy_file
from rubricator.pipeline.challenger import FOLDER, build
from rubricator.pipeline.decided import Material, gather
from rubricator.pipeline.extension.estimate import full_seconds
from rubricator.pipeline.feedback import decisions_of
from rubricator.pipeline.promote import load_fit, read_smoke
from rubricator.pipeline.stage import Run
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.stats.promotion import Verdict
from rubricator.taxonomy.versions import History
from rubricator.whole_files import whole_file

DECISION, LOOKS = "decision.json", "looks.json"
_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainSettings:
    """What is asked of a challenger.

    Attributes:
        feedback: Databases that services write, and tables of decisions.
        champion: Folder of an artifact or of a run; None for the registry's champion, or else the run's own.
        registry: Folder of versions.
        wanted: So many corrections must be new before a challenger is trained.
        confidence: Of the promotions of challengers that are no better, however many are tried on a champion,
            all but 1 - confidence are avoided.
        margin: How much F1 a category may lose.
        since: Reviews from before do not measure.
        share: The newest so large a share of the blind reviews measures, the others teach.
    """

    feedback: tuple[str, ...] = ()
    champion: Path | None = None
    registry: Path = Path("models")
    wanted: int = 50
    confidence: float = 0.95
    margin: float = 0.1
    since: datetime | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("confidence", self.confidence), ("margin", self.margin)):
            if not 0 < value < 1:
                raise ConfigError(f"The {name} is {value:g}.", fix="Give a share between 0 and 1.")
        if not 0 < self.share <= 1:
            raise ConfigError(f"The share is {self.share:g}.", fix="Give a share above 0, 1 at most.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainPlan:
    """What would happen.

    Attributes:
        champion: What the challenger would be compared with, and its folder.
        enough: Whether there is enough to train a challenger and to measure it.
        lines: What would happen and what it costs, for people.
    """

    champion: Manifest
    folder: Path
    material: Material
    enough: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """What came of it.

    Attributes:
        challenger: `name@id` of what was trained; None where there was too little to.
        challenge: The comparison; None likewise.
        look: Which comparison with this champion it is, from 1.
        promoted: Whether the challenger serves now.
        file: Where the decision lies as JSON.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    champion: str
    challenger: str | None
    challenge: Challenge | None
    plan: RetrainPlan
    look: int
    promoted: bool
    file: Path
    settings: RetrainSettings = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        settings = asdict(self.settings) | {"feedback": list(self.settings.feedback)}
        times = [one.review.when for one in self.plan.material.measured]
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "champion": self.champion,
            "challenger": self.challenger,
            "promoted": self.promoted,
            "look": self.look,
            "corrections": {"new": self.plan.material.new, "wanted": self.settings.wanted},
            "blind_reviews": {
                "texts": len(times),
                "from": min(times).isoformat() if times else None,
                "to": max(times).isoformat() if times else None,
            },
            "comparison": None if self.challenge is None else asdict(self.challenge),
            "settings": {
                name: value if isinstance(value, int | float | list | None) else str(value)
                for name, value in settings.items()
            },
        }


def plan_retraining(run: Run, settings: RetrainSettings) -> RetrainPlan:
    """Find out what there is to learn from and to measure on; the texts of the run are read and split.

    Raises:
        ArtifactError: There is no champion.
        DataError: Decisions cannot be read.
        StoreError: A database refused.
        TaxonomyError: The history of the list cannot be read.
    """
    folder = _champion(run, settings)
    manifest, history = audit_artifact(folder), History.beside(taxonomy_file(run))
    decisions = decisions_of(settings.feedback, manifest, run.taxonomy, history)
    material = gather(run, decisions, manifest, history, since=settings.since, share=settings.share)
    enough = material.new >= settings.wanted and bool(material.measured)
    lines = (
        f"Champion: {manifest.identifier}, made {manifest.created:%Y-%m-%d %H:%M} UTC, in {folder}.",
        *_counts(material, settings),
        *material.notes,
        *(_costs(run, material) if enough else ()),
    )
    return RetrainPlan(champion=manifest, folder=folder, material=material, enough=enough, lines=lines)


def retrain(run: Run, settings: RetrainSettings, *, promote: bool = False) -> Retrained:
    """Train a challenger where there is enough new, compare it, and decide.

    The decision is written beside the challenger, whatever it is. With `promote`, a challenger whose verdict
    is PROMOTE joins the registry, with the decision as its note, and serves.

    Raises:
        RubricatorError: There is no champion, decisions cannot be read, a stage cannot do its work, or the
            registry refuses the challenger. The champion serves on.
    """
    plan = plan_retraining(run, settings)
    place = run.folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    if not plan.enough:
        return _written(
            Retrained(
                verdict=Verdict.HOLD,
                reasons=tuple(_too_little(plan.material, settings)),
                champion=plan.champion.identifier,
                challenger=None,
                challenge=None,
                plan=plan,
                look=0,
                promoted=False,
                file=place / DECISION,
                settings=settings,
            )
        )
    artifact = build(run, plan.material.teaching)
    challenger = audit_artifact(artifact)
    compared, look = _compare(run, plan, artifact, challenger, settings)
    verdict = compared.evidence.verdict
    why = [*reasons(compared.evidence), what_would_decide(compared.evidence)]
    done = Retrained(
        verdict=verdict,
        reasons=tuple(reason for reason in why if reason),
        champion=plan.champion.identifier,
        challenger=challenger.identifier,
        challenge=compared,
        plan=plan,
        look=look,
        promoted=False,
        file=place / DECISION,
        settings=settings,
    )
    _written(done)
    if promote and verdict is Verdict.PROMOTE:
        _promote(artifact, done)
        return _written(replace(done, promoted=True))
    return done


def _champion(run: Run, settings: RetrainSettings) -> Path:
    """The folder that was named, the registry's champion, or else the artifact of the run."""
    if settings.champion is not None:
        inside = settings.champion / "artifact"
        return inside if inside.is_dir() else settings.champion
    registry = ModelRegistry(settings.registry)
    if settings.registry.is_dir() and (name := registry.champion()) is not None:
        return registry.artifact(name)
    own = run.folder / "artifact"
    if not own.is_dir():
        raise ArtifactError(
            f"There is no champion: {settings.registry} names none, and {run.folder} has no artifact.",
            fix="Run `rubricator run` first, or name one with --champion DIR or --registry DIR.",
        )
    return own


def _counts(material: Material, settings: RetrainSettings) -> list[str]:
    teaching = len(material.teaching) + material.own
    return [
        f"{material.new:,} of {settings.wanted:,} wanted corrections are new; {teaching:,} would teach.",
        f"{plural(len(material.measured), 'blind review')} would measure both models, and teach neither.",
    ]


def _costs(run: Run, material: Material) -> list[str]:
    new = sum(not one.known for one in material.teaching)
    lines = [
        f"A challenger is trained in {run.folder / FOLDER}; a whole run took {full_seconds(run):,.0f} s."
    ]
    try:
        annotations = read_annotations(
            run.folder, len(files.read_dataset(run.folder).texts), run.taxonomy.keys
        )
    except DataError:  # the run itself has not come so far, or is of another list
        return lines
    paid = sum(usage.cost for usage in annotations.usage) * new / 1000
    seconds = sum(usage.seconds or 0.0 for usage in annotations.usage) * new
    return [
        *lines,
        f"The teachers are asked about {plural(new, 'text')} that the run has not: about {seconds:,.0f} s"
        + (f" and {paid:,.2f} in money." if paid else "."),
    ]


def _too_little(material: Material, settings: RetrainSettings) -> list[str]:
    lines = []
    if material.new < settings.wanted:
        lines.append(
            f"Too few corrections are new: {material.new:,} came since the champion was made, "
            f"{settings.wanted:,} are wanted ({settings.wanted - material.new:,} more)."
        )
    if not material.measured:
        lines.append(
            "No blind review can measure: drawn by lot (`chosen: random`), judged without a suggestion "
            "(`shown: blind`) since the champion was made, of a text that it did not learn from."
        )
    elif material.new < settings.wanted and settings.share == 1:
        lines.append(
            f"{plural(len(material.measured), 'blind review')} measure and do not teach; a smaller --share "
            "lets the older ones teach."
        )
    return [*lines, *material.notes]


def _compare(
    run: Run,
    plan: RetrainPlan,
    artifact: Path,
    challenger: Manifest,
    settings: RetrainSettings,
) -> tuple[Challenge, int]:
    measured = plan.material.measured
    texts = [one.text for one in measured]
    common = common_categories(plan.champion.taxonomy, run.taxonomy, History.beside(taxonomy_file(run)))
    with run.progress("Comparing", total=2 * len(texts)) as done:
        old, new = (_predicted(Predictor.load(folder), texts, done) for folder in (plan.folder, artifact))
    groups = [one.group for one in measured]
    reviews = [one.review for one in measured]
    look = _look(run, plan.champion.identifier, challenger.identifier, texts, reviews)
    compared = challenge(
        reviews,
        old,
        new,
        groups,
        common=common,
        taxonomy=run.taxonomy,
        margin=settings.margin,
        confidence=settings.confidence,
        look=look,
    )
    return compared, look


def _predicted(predictor: Predictor, texts: Sequence[Text], done: Any) -> list[Prediction]:
    """Contents are cleaned already, by the run or by the service."""
    predictions: list[Prediction] = []
    for start in range(0, len(texts), _BATCH):
        chunk = texts[start : start + _BATCH]
        predictions += predictor.classify(chunk)
        done(len(chunk))
    return predictions


def _look(run: Run, champion: str, challenger: str, texts: Sequence[Text], reviews: Sequence[Any]) -> int:
    """Which look at the champion this is; the same comparison once more is none of its own."""
    said = sorted((text.content, review.categories) for text, review in zip(texts, reviews, strict=True))
    look = {
        "champion": champion,
        "challenger": challenger,
        "reviews": hashlib.sha256(repr(said).encode()).hexdigest(),
    }
    path = run.folder / FOLDER / LOOKS
    looks = files.read_json(path) if path.is_file() else []
    if look not in looks:
        looks.append(look)
        with whole_file(path) as part:
            files.write_json(part, looks)
    same = [one for one in looks if one["champion"] == champion]
    return same.index(look) + 1


def _written(done: Retrained) -> Retrained:
    with whole_file(done.file) as part:
        files.write_json(part, done.as_dict())
    return done


def _promote(artifact: Path, done: Retrained) -> None:
    registry = ModelRegistry(done.settings.registry)
    note = f"{done.verdict}: {' '.join(done.reasons)}"
    smoke = read_smoke(done.settings.registry)
    if registry.champion() is None:  # so that a rollback leads back to what served until now
        before = registry.add(done.plan.folder).identifier
        registry.promote(before, note="the champion before the first challenger")
    manifest = registry.add(artifact, note=note)
    registry.promote(manifest.identifier, check=lambda folder: load_fit(folder, smoke=smoke), note=note)
