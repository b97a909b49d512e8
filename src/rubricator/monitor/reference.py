"""The reference: what predictions of a model were like before it served."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rubricator.errors import DataError, MissingExtraError
from rubricator.label_space import LabelSpace
from rubricator.monitor.observe import unknown_share, vocabulary_of
from rubricator.monitor.sample import Sample, column
from rubricator.records import Text, content_hash
from rubricator.stats.arrays import Bools, Floats

FEWEST = 200
"""Rows below which no window can be told from chance."""
_MOST = 5000
_MOST_LANGUAGES = 1000  # telling one takes a millisecond or two
_FORMAT = 1
_NUMBERS = ("at", "probabilities", "characters", "unknown", "vectors")
_ARRAYS = (*_NUMBERS, "decided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model's predictions were like on texts that it had not learned from.

    Attributes:
        model: Identifier of the artifact; in its own file empty: it is made of that file, too.
        vocabulary: Hashes of the words that its texts know.
        labelled: Rows whose categories a person stated so that they measure, shape [n].
        truth: Those categories, shape [n, k].
        about: Where the rows come from, as a sentence.
        digest: Names the content.
    """

    model: str
    taxonomy_version: str
    space: LabelSpace
    titles: Mapping[str, str]
    sample: Sample
    vocabulary: NDArray[np.uint32]
    labelled: Bools
    truth: Bools
    about: str
    digest: str = ""

    def require_rows(self) -> None:
        """Refuse a reference that is too small.

        Raises:
            DataError: It has fewer rows than can be told from chance.
        """
        if len(self.sample) < FEWEST:
            raise DataError(
                f"The reference of {self.model or 'the model'} has {len(self.sample):,} rows; windows are "
                f"compared with {FEWEST} at least.",
                fix="Make one from more texts: `rubricator monitor reference ARTIFACT TEXTS`.",
            )


Observed = tuple[Floats, Bools, Floats]
"""Probabilities, decisions and projected vectors (NaN without) of some texts."""


def make_reference(
    texts: Sequence[Text],
    observed: Observed,
    space: LabelSpace,
    *,
    titles: Mapping[str, str],
    about: str,
    model: str = "",
    taxonomy_version: str = "",
    features: Sequence[str] = (),
    known: Sequence[str] = (),
    vocabulary: NDArray[np.uint32] | None = None,
    truth: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Reference:
    """A reference of at most 5,000 cleaned texts, drawn at random where there are more.

    Words are known that occur in two of the contents in `known` (where there are none, in the texts
    themselves, half of them measured by the words of the other half). A `vocabulary` takes the place of both.
    `truth` holds by text id the categories that a person stated so that they measure.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(texts))[:_MOST])
    drawn = [texts[row] for row in rows]
    contents = [text.content for text in drawn]
    truth = truth or {}
    if vocabulary is None and known:
        vocabulary = vocabulary_of(known)
    sample = Sample(
        ids=np.array([text.id for text in drawn], dtype=np.str_),
        at=np.array([text.time.timestamp() if text.time else np.nan for text in drawn], dtype=np.float64),
        probabilities=observed[0][rows],
        decided=observed[1][rows],
        characters=np.array([len(content) for content in contents], dtype=np.float64),
        unknown=_unknown(contents, vocabulary),
        languages=np.array(told_languages(contents), dtype=np.str_),
        sources=np.array([text.source for text in drawn], dtype=np.str_),
        vectors=observed[2][rows],
        features={name: column([text.features.get(name) for text in drawn]) for name in features},
    )
    return Reference(
        model=model,
        taxonomy_version=taxonomy_version,
        space=space,
        titles=dict(titles),
        sample=sample,
        vocabulary=vocabulary_of(contents) if vocabulary is None else vocabulary,
        labelled=np.array([text.id in truth for text in drawn], dtype=bool),
        truth=space.indicators([truth.get(text.id, ()) for text in drawn]),
        about=about,
    )


def told_languages(contents: Sequence[str]) -> list[str]:
    """The language of each text; empty where it cannot be told, or nothing here can tell it."""
    from rubricator.encode.languages import language_of  # py3langid, an extra

    step = max(1, math.ceil(len(contents) / _MOST_LANGUAGES))
    try:
        return [language_of(text) if row % step == 0 else "" for row, text in enumerate(contents)]
    except MissingExtraError:
        return [""] * len(contents)


def _unknown(contents: Sequence[str], vocabulary: NDArray[np.uint32] | None) -> Floats:
    if vocabulary is not None:
        return np.array([unknown_share(content, vocabulary) for content in contents], dtype=np.float64)
    halves = [vocabulary_of(contents[start::2]) for start in (0, 1)]
    shares = [unknown_share(content, halves[1 - row % 2]) for row, content in enumerate(contents)]
    return np.array(shares, dtype=np.float64)


def reference_bytes(reference: Reference) -> bytes:
    """The reference as one file: arrays in safetensors, the rest as JSON in its header. No text is in it."""
    sample, space = reference.sample, reference.space
    arrays: dict[str, NDArray[Any]] = {name: getattr(sample, name) for name in _ARRAYS}
    arrays["vectors"] = sample.vectors.astype(np.float16)
    arrays["probabilities"] = sample.probabilities.astype(np.float32)
    arrays |= {"vocabulary": reference.vocabulary, "labelled": reference.labelled, "truth": reference.truth}
    facts = {
        "format": _FORMAT,
        "model": reference.model,
        "taxonomy_version": reference.taxonomy_version,
        "keys": space.keys,
        "single": space.single,
        "none": space.none,
        "titles": dict(reference.titles),
        "about": reference.about,
        "ids": sample.ids.tolist(),
        "languages": sample.languages.tolist(),
        "sources": sample.sources.tolist(),
        "features": {name: values.tolist() for name, values in sample.features.items()},
    }
    return save(arrays, metadata={"rubricator": json.dumps(facts, ensure_ascii=False)})


def parse_reference(data: bytes, *, model: str = "", where: str = "The reference") -> Reference:
    """Read what `reference_bytes` wrote; `model` names it where it does not itself.

    Raises:
        DataError: It is something else, or damaged.
    """
    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        facts = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["rubricator"])
        if facts["format"] != _FORMAT:
            raise DataError(
                f"{where} has format {facts['format']}; this version of Rubricator reads {_FORMAT}.",
                fix="Make it anew: `rubricator monitor reference`.",
            )
        space = LabelSpace(tuple(facts["keys"]), facts["single"], facts["none"])
        sample = Sample(
            ids=np.array(facts["ids"], dtype=np.str_),
            languages=np.array(facts["languages"], dtype=np.str_),
            sources=np.array(facts["sources"], dtype=np.str_),
            features={name: column(values) for name, values in facts["features"].items()},
            decided=arrays["decided"],
            **{name: arrays[name].astype(np.float64) for name in _NUMBERS},
        )
        _check_lengths(sample)
        return Reference(
            model=facts["model"] or model,
            taxonomy_version=facts["taxonomy_version"],
            space=space,
            titles=facts["titles"],
            sample=sample,
            vocabulary=arrays["vocabulary"],
            labelled=arrays["labelled"],
            truth=arrays["truth"],
            about=facts["about"],
            digest=content_hash("reference:1", data)[:12],
        )
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"{where} cannot be read: {error}.", fix="Make it anew: `rubricator monitor reference`."
        ) from error


def read_references(place: Path) -> list[Reference]:
    """Those of every version in a registry that has one; of any other place the one that is there.

    Raises:
        ArtifactError: An artifact is damaged.
        DataError: There is none, or it is damaged.
    """
    from rubricator.artifact import ModelRegistry

    if not (place / "versions").is_dir():
        return [read_reference(place)]
    registry = ModelRegistry(place)
    folders = [registry.artifact(one.name) for one in registry.versions() if not one.problem]
    references = []
    for folder in folders:
        with suppress(DataError):
            references.append(read_reference(folder))
    if not references:
        raise DataError(
            f"No version in the registry {place} has a reference.",
            fix="Make one: `rubricator monitor reference ARTIFACT TEXTS`.",
        )
    return references


def _check_lengths(sample: Sample) -> None:
    if any(len(getattr(sample, name)) != len(sample) for name in (*_ARRAYS, "languages", "sources")):
        raise ValueError("its columns differ in length")


def read_reference(place: Path) -> Reference:
    """The reference in a file, in the folder of an artifact, or in that of a run.

    Raises:
        ArtifactError: The artifact is damaged.
        DataError: There is none, or it is damaged.
    """
    from rubricator.artifact import read_artifact

    if place.is_file():
        return parse_reference(place.read_bytes(), where=str(place))
    folder = place / "artifact" if (place / "artifact").is_dir() else place
    artifact = read_artifact(folder)
    if artifact.reference is None:
        raise DataError(
            f"{folder} has no reference: an older version wrote it.",
            fix=f"Make one: `rubricator monitor reference {folder} TEXTS`, and name its file.",
        )
    return parse_reference(
        artifact.reference, model=artifact.manifest.identifier, where=f"The reference in {folder}"
    )
