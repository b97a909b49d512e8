"""All encoders of a model in every variant that is tried, and what each does to decisions."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from rubricator.config import Export
from rubricator.encode import Encoder
from rubricator.encode.compression.variants import Quantization, Variant, open_variant
from rubricator.evaluate.precision.speed import Classify, timed
from rubricator.evaluate.precision.trial import Trial, Verdict
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Vectors

# Ways that give several encoders different precisions: the quickest few that keep decisions, of so many that
# are quickest by the times of each encoder.
_MIXED, _TRIED = 2, 40
_LEAST = 1e-3  # stands for an allowance of nothing where one is divided by

Combination = tuple[Variant, ...]
"""A variant for each encoder of a model, in their order."""


def name_of(combination: Combination) -> str:
    """How tables call it; encoders that differ stand in their order."""
    return " + ".join(map(str, combination[:1] if len(set(combination)) == 1 else combination))


@dataclass(frozen=True, slots=True)
class _Opened:
    """One encoder in one variant, what it makes of the texts, and how long that took."""

    encoder: Encoder
    vectors: Vectors
    seconds: float


class Candidates:
    """The encoders of a model, opened in single precision at once and in other variants when asked for.

    Attributes:
        names: Of the encoders in the model.
        reference: The verdict on single precision, which every other stands beside.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        trial: Trial,
        settings: Export,
        *,
        cache: Path,
        threads: int = 0,
        progress: Progress = silent,
    ) -> None:
        self.names, self._encoders = tuple(encoders), encoders
        self._trial, self._settings, self._progress = trial, settings, progress
        self._options: dict[str, Any] = {"cache": cache, "threads": threads, "progress": progress}
        self._opened: dict[tuple[str, Variant], _Opened] = {}
        runtime = "onnx" if importlib.util.find_spec("openvino") is None else "openvino"
        self._single = (Variant(runtime, "fp32"),) * len(self.names)  # type: ignore[arg-type]
        for name in self.names:
            self._open(name, self._single[0], None)
        self._before = trial.probabilities(self._vectors(self._single))
        self.reference = trial.verdict(self._before, self._before)

    def combinations(self, variants: Sequence[Variant]) -> list[Combination]:
        """Each variant for all encoders, and the quickest few that mix them and keep to what is allowed."""
        for name, variant in product(self.names, variants):
            self._open(name, variant, self._quantization(name))
        alike: list[Combination] = [(variant,) * len(self.names) for variant in variants]
        mixed = [one for one in product(variants, repeat=len(self.names)) if one not in alike]
        quickest = sorted(mixed, key=self._seconds)[:_TRIED]
        return alike + [one for one in quickest if self.keeps(self.verdict(one))][:_MIXED]

    def encoders(self, combination: Combination) -> dict[str, Encoder]:
        """The encoders of a combination that was opened, by name."""
        return {name: one.encoder for name, one in self._of(combination).items()}

    def verdict(self, combination: Combination) -> Verdict:
        """What a combination does to decisions."""
        return self._trial.verdict(self._trial.probabilities(self._vectors(combination)), self._before)

    def drop(self, verdict: Verdict) -> float:
        """How much of the metric is lost; below 0 where it is more than in single precision."""
        return self.reference.figure - verdict.figure

    def keeps(self, verdict: Verdict) -> bool:
        """Whether it keeps to the drop and the flips that are allowed."""
        drop, flips = self._settings.max_accuracy_drop, self._settings.max_flips
        return self.drop(verdict) <= drop + 1e-9 and verdict.flips <= flips + 1e-9

    def classifier(self, combination: Combination) -> Classify:
        """Decides about texts of the trial as a service with these encoders does."""
        encoders = {name: encoder.encode for name, encoder in self.encoders(combination).items()}
        return partial(self._trial.classify, encoders=encoders)

    def _of(self, combination: Combination) -> dict[str, _Opened]:
        pairs = zip(self.names, combination, strict=True)
        return {name: self._opened[name, variant] for name, variant in pairs}

    def _vectors(self, combination: Combination) -> dict[str, Vectors]:
        return {name: one.vectors for name, one in self._of(combination).items()}

    def _seconds(self, combination: Combination) -> float:
        return sum(one.seconds for one in self._of(combination).values())

    def _open(self, name: str, variant: Variant, quantization: Quantization | None) -> None:
        if (name, variant) not in self._opened:
            encoder = open_variant(self._encoders[name], variant, quantization, **self._options)
            encode = partial(encoder.encode, self._trial.contents, progress=self._progress)
            self._opened[name, variant] = _Opened(encoder, *timed(encode))

    def _quantization(self, name: str) -> Quantization:
        """What 8 bits of one encoder are fitted to, the others being in single precision."""
        trial, allowed = self._trial, self._settings
        vectors = self._vectors(self._single)

        def judge(changed: Vectors) -> float:
            verdict = trial.verdict(trial.probabilities({**vectors, name: changed}), self._before)
            # Flips beyond what is allowed count as a fall of the metric by as many times its allowance.
            beyond = max(0.0, verdict.flips - allowed.max_flips) / max(allowed.max_flips, _LEAST)
            return verdict.figure - max(allowed.max_accuracy_drop, _LEAST) * beyond

        return Quantization(
            calibration=trial.calibration,
            validation=trial.contents,
            judge=judge,
            judged_by=f"{trial.fingerprint(self._before)} {allowed.max_flips} {name}",
            max_drop=allowed.max_accuracy_drop,
        )
