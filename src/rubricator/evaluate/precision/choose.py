"""Chooses the precision that encoders are served in: the quickest of those that keep decisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from rubricator.config import Export
from rubricator.dataset.precision_table import PrecisionRow, PrecisionTable
from rubricator.encode import Encoder
from rubricator.encode.compression.footprint import peak_memory
from rubricator.encode.compression.variants import Variant, variants_of
from rubricator.errors import EncoderError
from rubricator.evaluate.precision.candidates import Candidates, Combination, name_of
from rubricator.evaluate.precision.speed import ROUNDS, Speed, cores, measure_in_turn, processor
from rubricator.evaluate.precision.trial import Trial, Verdict
from rubricator.models.training_result import WORDS
from rubricator.progress import Progress, silent

_MEMORY_TEXTS = 32
_AS_QUICK = 0.97  # what rounds on one machine differ by


def choose_precision(
    encoders: Mapping[str, Encoder],
    trial: Trial,
    settings: Export,
    *,
    cache: Path,
    threads: int = 0,
    progress: Progress = silent,
) -> tuple[dict[str, Encoder], PrecisionTable]:
    """The encoders of a model in the precision that serves it, and the table behind the choice.

    `encoders` are those it was trained with, by name; `cache` keeps those in 8 bits.

    Raises:
        EncoderError: A variant that was asked for cannot be had, or none keeps to what is allowed; the
            message says what each would cost.
        MissingExtraError: A variant that was asked for takes a package that is not installed.
    """
    variants, left_out = _variants(settings)
    options = {"cache": cache, "threads": threads, "progress": progress}
    candidates = Candidates(encoders, trial, settings, **options)  # type: ignore[arg-type]
    verdicts = {one: candidates.verdict(one) for one in candidates.combinations(variants)}
    if not any(map(candidates.keeps, verdicts.values())):
        raise _too_costly(candidates, verdicts, trial, settings)
    ways = {name_of(one): candidates.classifier(one) for one in verdicts}
    speeds, bulk = measure_in_turn(ways, len(trial.contents), progress=progress)
    texts = [trial.contents[row] for row in bulk.tolist()]
    rows = []
    with progress("Measuring memory", total=len(verdicts)) as step:
        for one, verdict in verdicts.items():
            rows.append(_row(candidates, one, verdict, speeds[name_of(one)], texts))
            step(1)
    fastest = _fastest([row for row in rows if row.kept])
    chosen = fastest[settings.serves]
    table = PrecisionTable(
        metric=trial.metric,
        about=trial.about,
        texts=len(trial.contents),
        reference=candidates.reference.figure,
        processor=processor(),
        cores=cores(),
        rounds=ROUNDS,
        max_accuracy_drop=settings.max_accuracy_drop,
        max_flips=settings.max_flips,
        serves=settings.serves,
        chosen=chosen,
        fastest=fastest,
        rows=tuple(rows),
        left_out=left_out,
    )
    return candidates.encoders(next(one for one in verdicts if name_of(one) == chosen)), table


def _variants(settings: Export) -> tuple[list[Variant], dict[str, str]]:
    variants, left_out = variants_of(settings.runtime, settings.precision)
    if not variants:
        reasons = "; ".join(left_out.values()) or "ONNX Runtime has no bf16 on processors"
        raise EncoderError(
            f"No encoder is computed in {settings.precision} here (runtime {settings.runtime}): {reasons}.",
            fix="Ask for another precision, or for the runtime `openvino`.",
        )
    return variants, left_out


def _row(
    candidates: Candidates, one: Combination, verdict: Verdict, speed: Speed, texts: list[str]
) -> PrecisionRow:
    encoders = candidates.encoders(one)
    first = encoders[candidates.names[0]]
    tokens = sum(int(mask.sum()) for _, mask in first.batches(texts)) / len(texts)
    return PrecisionRow(
        name=name_of(one),
        variants={name: str(variant) for name, variant in zip(encoders, one, strict=True)},
        figure=verdict.figure,
        drop=candidates.drop(verdict),
        flips=verdict.flips,
        worst=verdict.worst,
        texts_per_second=speed.texts_per_second,
        tokens_per_second=speed.texts_per_second * tokens / cores(),
        p50=speed.p50,
        p95=speed.p95,
        bytes=sum(encoder.bytes for encoder in encoders.values()),
        memory=peak_memory(list(encoders.values()), texts[:_MEMORY_TEXTS]),
        kept=candidates.keeps(verdict),
    )


def _fastest(rows: list[PrecisionRow]) -> dict[str, str]:
    """The quickest in bulk, for a text alone, and by the product of both."""
    return {
        "bulk": _first(rows, lambda row: row.texts_per_second),
        "single": _first(rows, lambda row: 1 / row.p50),
        "both": _first(rows, lambda row: row.texts_per_second / row.p50),
    }


def _first(rows: list[PrecisionRow], speed: Callable[[PrecisionRow], float]) -> str:
    """Of those that are as quick as measuring can tell, the one that changes the least."""
    best = max(map(speed, rows))
    as_quick = [row for row in rows if speed(row) >= _AS_QUICK * best]
    return min(as_quick, key=lambda row: (row.flips, row.worst, -speed(row))).name


def _too_costly(
    candidates: Candidates, verdicts: Mapping[Combination, Verdict], trial: Trial, settings: Export
) -> EncoderError:
    word = WORDS[trial.metric]
    costs = "; ".join(
        f"{name_of(one)} would lose {max(candidates.drop(verdict), 0):.4f} of {word} and decide "
        f"{verdict.flips:.2%} of texts otherwise"
        for one, verdict in verdicts.items()
    )
    least = min(verdicts.values(), key=lambda one: (max(candidates.drop(one), 0), one.flips))
    drop = max(_rounded_up(candidates.drop(least)), settings.max_accuracy_drop)
    flips = max(_rounded_up(least.flips), settings.max_flips)
    return EncoderError(
        f"Nothing that was asked for loses at most {settings.max_accuracy_drop:g} of {word} and decides at "
        f"most {settings.max_flips:.2%} of {len(trial.contents):,} texts otherwise: {costs}.",
        fix=f"Allow it: `--max-accuracy-drop {drop:g} --max-flips {flips:g}`; or ask for another precision. "
        "The artifact of before is as it was.",
    )


def _rounded_up(share: float) -> float:
    return math.ceil(share * 1e4 - 1e-6) / 1e4
