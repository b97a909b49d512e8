"""The teachers' report: what each is worth, where they differ, whom the agreement believes and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from rubricator.config import Config
from rubricator.dataset.annotations import Annotations, TeacherUsage, TeacherWeight
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.label.aggregation.aggregator import Method
from rubricator.label.quality.cautions import label_cautions
from rubricator.label.quality.inter_annotator import (
    Pair,
    compare_teachers,
    expected_accuracy,
    measured_accuracy,
    support_counts,
)
from rubricator.label.quality.teacher_metrics import TeacherExamination, examine_teacher
from rubricator.label.quality.views import ViewReport, view_reports
from rubricator.pages.formatting import percent
from rubricator.pages.page import render_page
from rubricator.records import Answer, Origin, Status
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.shares import wilson
from rubricator.taxonomy import Taxonomy

_FEW_GOLDEN = 50
_SAME = 0.95
_MANY_FAILURES = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReport:
    """Plain facts about the teachers of a run and what they agreed on.

    Attributes:
        titles: Category key to name for people, in taxonomy order.
        golden: Number of golden texts, those reviewed blind among them; 0 leaves `examinations` empty and
            `measured` None.
        examinations: Each teacher against the golden texts, then their agreement.
        views: What each view of an encoder teacher is worth, for those that have several.
        weights_are: What the figures of `weights` are, in a sentence.
        expected: Expected share of texts on which all that teachers agreed on is right.
        expected_golden: What the agreement expected of itself on golden texts …
        measured: … and what it reached there.
        measured_interval: 95% interval of that.
        mix: Category key to origin of labels to their number.
        bare: Labels without any category, by origin.
        stood: Teacher to category key to agreed labels it stands for.
        cautions: Sentences that a reader must not miss.
    """

    name: str
    created: str
    titles: Mapping[str, str]
    single: bool
    method: Method
    texts: int
    golden: int
    examinations: Sequence[TeacherExamination]
    pairs: Sequence[Pair]
    views: Sequence[ViewReport]
    usage: Sequence[TeacherUsage]
    weights: Sequence[TeacherWeight]
    weights_are: str
    expected: float | None
    expected_golden: float | None
    measured: float | None
    measured_interval: Estimate | None
    mix: Mapping[str, Mapping[Origin, int]]
    bare: Mapping[Origin, int]
    labels: Mapping[Origin, int]
    stood: Mapping[str, Mapping[str, int]]
    cautions: Sequence[str]


def label_report(
    annotations: Annotations,
    dataset: Dataset,
    label_set: LabelSet,
    taxonomy: Taxonomy,
    config: Config,
    answers: Mapping[str, Mapping[str, Answer]],
) -> LabelReport:
    """The facts, from what the label stage kept; `answers` are those of encoder teachers, then by text id."""
    space, agreement = taxonomy.space, annotations.agreement
    is_golden = label_set.sources.unbiased
    truth = label_set.sources.truth(is_golden)
    labels = list(label_set.labels.values())
    decided = {label.text_id for label in labels if label.origin is Origin.AGREEMENT}
    is_agreed = np.array([text.id in decided for text in dataset.texts])
    groups = [dataset.groups[text.id] for text in dataset.texts]
    measured = measured_accuracy(agreement, truth, space)
    judged = int(np.isfinite(agreement.probabilities[is_golden]).all(axis=1).sum())
    facts = LabelReport(
        name=config.name,
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        titles={category.key: category.title for category in taxonomy.categories},
        single=taxonomy.single,
        method=config.label.agreement,
        texts=len(dataset.texts),
        golden=len(truth),
        examinations=[
            examine_teacher(report, one, truth, space, groups=groups, seed=config.seed)
            for report, one in zip(
                label_set.reports, (*annotations.probabilities, agreement) if truth else (), strict=True
            )
        ],
        pairs=compare_teachers(annotations.probabilities, space),
        views=view_reports(
            answers,
            dataset.texts,
            annotations,
            space,
            truth=truth,
            setting=label_set.sources.truth(is_golden & label_set.sources.teaches),
            groups=groups,
            seed=config.seed,
        ),
        usage=annotations.usage,
        weights=annotations.weights,
        weights_are=annotations.weights_are,
        expected=expected_accuracy(agreement, space, is_agreed),
        expected_golden=expected_accuracy(agreement, space, is_golden),
        measured=measured,
        measured_interval=None if measured is None else wilson(round(measured * judged), judged),
        mix={
            key: Counter(label.origin for label in labels if key in label.categories) for key in taxonomy.keys
        },
        bare=Counter(label.origin for label in labels if not label.categories),
        labels=Counter(label.origin for label in labels),
        stood=support_counts(labels, space),
        cautions=(),
    )
    cautions = [*_cautions(facts), *label_cautions(annotations, label_set, taxonomy)]
    return replace(facts, cautions=cautions)


def _golden_cautions(facts: LabelReport) -> Iterator[str]:
    if not facts.golden:
        yield (
            "No text is golden or was reviewed blind, so nothing here says who is right: only who answers, "
            "who agrees with whom, and what the agreement believes of itself. A hundred golden texts would "
            "tell."
        )
    elif facts.golden < _FEW_GOLDEN:
        yield f"Only {facts.golden} golden texts: the intervals are wide, and small differences mean nothing."
    if facts.examinations:
        categories = facts.examinations[0].report.categories
        absent = ", ".join(facts.titles[category.key] for category in categories if not category.support)
        if absent:
            yield f"No golden text has {absent}: no F1 there, and macro-F1 is the mean over the others."


def _cautions(facts: LabelReport) -> Iterator[str]:
    yield from _golden_cautions(facts)
    for pair in facts.pairs:
        if pair.same is not None and pair.same >= _SAME and pair.texts >= _FEW_GOLDEN:
            yield (
                f"{pair.one} and {pair.other} say the same on {percent(pair.same)} of {pair.texts:,} texts. "
                "If they come from one model they err together, and one opinion counts twice: name only one."
            )
    for usage in facts.usage:
        lost = 1 - usage.statuses.get(Status.OK, 0) / max(usage.texts, 1)
        if usage.texts and lost > _MANY_FAILURES:
            yield f"{usage.teacher} gave no readable answer about {percent(lost)} of the texts."
        if usage.texts < facts.texts:
            missing = facts.texts - usage.texts
            yield f"{usage.teacher} was not asked about {missing:,} of {facts.texts:,} texts."
    interval, stated = facts.measured_interval, facts.expected_golden
    if interval is None or interval.low is None or interval.high is None or stated is None:
        return
    if not interval.low <= stated <= interval.high:
        yield (
            f"On golden texts the agreement expects {percent(stated)} to be right, and "
            f"{percent(facts.measured or 0)} are: its probabilities are too "
            f"{'sure' if stated > interval.high else 'modest'}."
        )


def report_page(report: LabelReport) -> str:
    """The facts as one HTML page."""
    pairs = {frozenset((pair.one, pair.other)): pair for pair in report.pairs}
    context = {
        "kind": "Teachers' report",
        "data": report,
        "teachers": [usage.teacher for usage in report.usage],
        "pair": lambda one, other: pairs[frozenset((one, other))],
        "agreement": next((e for e in report.examinations if e.report.teacher == "agreement"), None),
        "statuses": list(Status),
        "origins": [origin for origin in Origin if report.labels.get(origin)],
        "agreed_mix": {key: counts.get(Origin.AGREEMENT, 0) for key, counts in report.mix.items()},
    }
    filters: dict[str, Callable[..., str]] = {"between": _between, "money": _money}
    return render_page("rubricator.label.quality", "report.html.jinja", context, filters)


def _between(interval: Estimate | None) -> str:
    return "–" if interval is None or interval.low is None else f"{interval.low:.2f}–{interval.high:.2f}"


def _money(cost: float) -> str:
    return f"{cost:,.2f}" if cost >= 0.995 else f"{cost:.2g}" if cost else "0"
