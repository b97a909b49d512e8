"""Whether a version is fit to serve: it is loaded and tried before anything points to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from rubricator.artifact import Manifest, ModelRegistry, Promotion
from rubricator.errors import ArtifactError, DataError
from rubricator.predict import Predictor
from rubricator.records import Text

SMOKE = "smoke.jsonl"
_FIX = "Correct the model, or the line if it asks too much."


class SmokeText(BaseModel):
    """A text that every version must answer.

    Attributes:
        categories: Those it must get, as far as the version knows them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    categories: tuple[str, ...] = ()


def load_fit(
    folder: Path, *, smoke: Sequence[SmokeText], threads: int = 0, key: Path | None = None
) -> Predictor:
    """Load an artifact and try it on a few texts.

    Raises:
        ArtifactError: It is broken, not signed by the owner of `key`, or does not answer as it must.
        EncoderError: An encoder cannot be run here.
        MissingExtraError: A signature is to be checked, and `cryptography` is not installed.
    """
    predictor = Predictor.load(folder, threads=threads, key=key)
    texts = [Text(id=str(line), body=one.text) for line, one in enumerate(smoke, start=1)]
    try:
        predictions = predictor.predict(texts)
    except DataError as error:
        raise ArtifactError(
            f"{predictor.manifest.identifier} does not answer the texts of {SMOKE}. {error.problem}", fix=_FIX
        ) from error
    known = set(predictor.taxonomy.keys)
    for wanted, prediction in zip(smoke, predictions, strict=True):
        missing = (set(wanted.categories) & known) - set(prediction.categories)
        if missing:
            raise ArtifactError(
                f"{predictor.manifest.identifier} gives the text in line {prediction.text_id} of {SMOKE} "
                f"{', '.join(prediction.categories) or 'no category'}; it must get "
                f"{', '.join(sorted(missing))}.",
                fix=_FIX,
            )
    return predictor


def register(artifact: Path, registry: Path) -> Manifest:
    """Copy an artifact into a folder of versions, which is made where it is not there.

    Raises:
        ArtifactError: It is broken, or cannot be copied.
    """
    return ModelRegistry(registry).add(artifact)


def promoted(registry: Path, version: str, *, key: Path | None = None, note: str = "") -> Promotion:
    """Make a version the champion once it was loaded and tried; see `ModelRegistry.promote`.

    Raises:
        ArtifactError: It is not fit to serve, or is the champion already.
        DataError: The file of texts to try it on cannot be read.
    """
    smoke = read_smoke(registry)
    return ModelRegistry(registry).promote(
        version, check=lambda folder: load_fit(folder, smoke=smoke, key=key), note=note
    )


def read_smoke(registry: Path) -> list[SmokeText]:
    """The texts in `smoke.jsonl` of a registry, one JSON object a line; none where there is no such file.

    Raises:
        DataError: The file cannot be read.
    """
    path = registry / SMOKE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.", fix="Correct it, or delete it.") from error
    smoke = []
    for number, line in enumerate(lines, start=1):
        try:
            smoke.append(SmokeText.model_validate_json(line))
        except ValidationError as error:
            raise DataError(
                f'{path}, line {number}, is no object like {{"text": "…", "categories": ["sport"]}}.',
                fix="Correct the line.",
            ) from error
    return smoke
