"""How long bringing the artifact up to the list will take, by what the last run and the last time took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rubricator.config import LlmTeacherConfig, ReplayEngineConfig
from rubricator.dataset import files
from rubricator.pages.formatting import plural
from rubricator.pipeline.category_teachers import teacher_effects
from rubricator.pipeline.extension.plan import Extension
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import ENCODING, Run, beside, stage_record
from rubricator.records import Status
from rubricator.taxonomy.changes import Change

_TOOK = "stages/took.json"
_SAMPLE = 2000  # stored answers by which the pace of a teacher is known


@dataclass(frozen=True, slots=True)
class Cost:
    """One piece of the work.

    Attributes:
        seconds: None where nothing that was stored tells.
    """

    what: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What bringing the artifact up to the list costs.

    Attributes:
        texts: Texts that the teachers are asked about; 0 where nothing is new.
        questions: Questions to language models, by teacher; those that are answered already are among them.
        full_seconds: How long the stages of the last whole run took.
    """

    texts: int
    questions: dict[str, int]
    costs: tuple[Cost, ...]
    full_seconds: float

    @property
    def seconds(self) -> float:
        """All that is known of."""
        return sum(cost.seconds or 0.0 for cost in self.costs)

    def lines(self) -> Iterator[str]:
        """For people."""
        asked = f"{plural(self.texts, 'text')} asked about" if self.texts else "no text asked about"
        questions = [f"at most {count:,} questions to {name}" for name, count in self.questions.items()]
        yield "; ".join([asked, *questions])
        known = ", ".join(f"{one.what} {_time(one.seconds)}" for one in self.costs if one.seconds is not None)
        unknown = ", ".join(one.what for one in self.costs if one.seconds is None)
        yield f"about {_time(self.seconds)}: {known}" + (f"; nobody knows of: {unknown}" if unknown else "")
        if self.full_seconds:
            share = f"{self.seconds / self.full_seconds:.0%}"
            yield f"the last whole run took {_time(self.full_seconds)}; this takes about {share} of that"


def estimate(run: Run, plan: Extension) -> CostEstimate:
    """What a plan costs, by what the last run stored; nothing is done.

    Raises:
        DataError: The texts have not been read.
        StoreError: The database refused.
    """
    texts = len(files.read_dataset(run.folder).texts)
    # Only labels that come with the rows must be read again in another list.
    costs = [] if run.config.data.columns.labels is None else [Cost("reading", _of_stage(run, "read"))]
    questions: dict[str, int] = {}
    if plan.learns:
        before = plan.artifact.manifest.taxonomy
        effects = {
            one.teacher: one for one in teacher_effects(run.config, before, Change(run.taxonomy, ""), {})
        }
        for section in run.config.label.teachers:
            if not isinstance(section, LlmTeacherConfig) or isinstance(section.engine, ReplayEngineConfig):
                continue
            effect = effects[section.name]
            if not effect.asks:
                continue
            questions[section.name] = texts * (len(effect.asks) if effect.by_category else 1)
            pace = _pace(run, section.name)
            seconds = None if pace is None else pace * questions[section.name]
            costs.append(Cost(f"asking {section.name}", seconds))
        costs += [Cost("labelling", _labelling(run)), Cost("training", _training(run, plan))]
    costs.append(Cost("measuring and writing", _writing(run)))
    return CostEstimate(texts if plan.learns else 0, questions, tuple(costs), full_seconds(run))


def full_seconds(run: Run) -> float:
    """How long the stages of the run took when they were last done."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in run.folder.glob("stages/*.done")]
    return float(sum(record["seconds"] for record in records))


def keep_seconds(sub: Run, *, learning: float, rest: float, learns: int) -> None:
    """Keep what it took besides labelling, of which the stage keeps it, for the next estimate."""
    files.write_json(sub.file(_TOOK), {"learning": learning, "learns": learns, "rest": rest})


def _took(run: Run) -> dict[str, Any]:
    try:
        return dict(files.read_json(beside(run).folder / _TOOK))
    except (OSError, ValueError):
        return {}


def _labelling(run: Run) -> float | None:
    """Without the encoding of texts: their vectors are kept. That of the last time, or else of the run."""
    return _of_stage(beside(run), "label") or _of_stage(run, "label")


def _of_stage(run: Run, name: str) -> float | None:
    record = stage_record(run, name)
    if "seconds" not in record:
        return None
    return max(0.0, float(record["seconds"]) - float(record.get("work", {}).get(ENCODING, 0.0)))


def _training(run: Run, plan: Extension) -> float | None:
    """By the last time, or by what the kind took in the run; categories are taken to take alike."""
    if took := _took(run):
        return float(took["learning"]) * len(plan.learns) / max(1, int(took["learns"]))
    try:
        seconds = files.read_json(run.folder / "stages/train.json")["seconds"]
    except (OSError, ValueError, KeyError):
        return None
    kind = plan.artifact.manifest.kind
    if kind not in seconds:
        return None
    return float(seconds[kind]) * len(plan.learns) / len(plan.artifact.manifest.taxonomy.keys)


def _writing(run: Run) -> float | None:
    if took := _took(run):
        return float(took["rest"])
    parts = [_of_stage(run, "export"), _of_stage(run, "read")]
    return None if None in parts else sum(part or 0.0 for part in parts)


def _pace(run: Run, teacher: str) -> float | None:
    """Mean seconds of a teacher's stored answers; None where it has none."""
    with open_store(run) as store:
        seconds = [one.seconds for one in islice(store.answers(teacher), _SAMPLE) if one.status is Status.OK]
    return sum(seconds) / len(seconds) if seconds else None


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
