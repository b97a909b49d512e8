"""The first page in words: what was made, how good it is, and what must be read with care."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rubricator.dataset.metrics import CategoryMetrics, PartMetrics
from rubricator.evaluate.metrics.latency import Latency
from rubricator.evaluate.report.report_data import ReportData
from rubricator.pages.formatting import duration, figure, interval, percent, plural, series
from rubricator.stats.bootstrap import Estimate

# Below this many texts that have a category, its F1 says little: one text more or less moves recall
# by five points.
FEW = 20
_WIDE = 0.2
_OFF = 0.1
_USUAL, _WORTHWHILE = 0.95, 0.1
_ORIGINS = {
    "golden": "labelled by people",
    "review": "corrected by people",
    "agreement": "labelled by the teachers' agreement",
}


def summary(data: ReportData) -> list[str]:
    """Sentences for someone who reads nothing else."""
    sentences = [_made(data)]
    if data.metrics:
        head = data.metrics[0]
        sentences += [_worth(head), _plainly(head), _unattended(head)]
        sentences += _extremes(head, data.titles)
    else:
        sentences.append("It was not measured: no text outside of training had a label.")
    if data.models:
        sentences.append(f"Model: {data.models.chosen}. {data.models.reason}")
    if data.latency:
        sentences.append(_speed(data.latency))
    return [sentence for sentence in sentences if sentence]


def cautions(data: ReportData) -> list[str]:
    """What would mislead a reader who did not know it."""
    warnings = list(data.cautions)
    if data.metrics:
        head, titles = data.metrics[0], data.titles
        warnings += [*_about_truth(head), *_about_support(head, titles), *_about_doubt(head, titles)]
    if data.latency and not data.latency.within_budget:
        warnings.append(
            f"Too slow: 5 of 100 texts take longer than {duration(data.latency.p95)}, "
            f"and {duration(data.latency.budget)} are allowed."
        )
    return warnings


def headline(metrics: PartMetrics) -> tuple[str, Estimate]:
    """Name and value of the figure a part is judged by."""
    return ("Accuracy", metrics.accuracy) if metrics.accuracy else ("Macro-F1", metrics.macro_f1)


def whose(counts: Mapping[str, int]) -> str:
    """Who made the labels: `labelled by people`, or `200 labelled by people and 40 …`, most first."""
    ordered = sorted(((number, origin) for origin, number in counts.items() if number), reverse=True)
    if len(ordered) == 1:
        return _ORIGINS.get(ordered[0][1], ordered[0][1])
    return series([f"{number:,} {_ORIGINS.get(origin, origin)}" for number, origin in ordered])


def _texts(counts: Mapping[str, int]) -> str:
    who, several = whose(counts), sum(number > 0 for number in counts.values()) > 1
    return f"{plural(sum(counts.values()), 'text')} {f'({who})' if several else who}"


def _made(data: ReportData) -> str:
    how_many = "exactly one category each" if data.space.single else "any number of categories each"
    sentence = f"The model sorts texts into {plural(len(data.titles), 'category', 'categories')}, {how_many}."
    learned = data.data.learned if data.data else {}
    return f"{sentence} It learned from {_texts(learned)}." if sum(learned.values()) else sentence


def _worth(head: PartMetrics) -> str:
    name, estimate = headline(head)
    if estimate.value is None:
        return f"Its {name} is undefined: none of the {plural(head.texts, 'text')} has any of the categories."
    worth = f"On {_texts(head.origins)} its {name[0].lower() + name[1:]} is "
    worth += f"{figure(estimate.value)} ({head.confidence:.0%} interval {interval(estimate)})."
    if head.single:
        worth += (
            f" Always answering with the commonest category would reach {figure(head.baseline_accuracy)}."
        )
    elif head.baseline_macro_f1 is not None:
        worth += f" Giving every category to every text would reach {figure(head.baseline_macro_f1)}."
    return worth


def _plainly(head: PartMetrics) -> str:
    precision, recall = head.micro_precision.value, head.micro_recall.value
    if precision is None or recall is None:
        return ""
    if set(head.origins) == {"agreement"}:
        return ""  # how often the model repeats its teachers would be read as how often it is right
    if head.single:
        return f"In plain terms: of 100 texts, about {100 * recall:.0f} get the right category."
    return (
        f"In plain terms: of 100 categories it assigns, about {100 * precision:.0f} are right; "
        f"of 100 that a text should have, it finds about {100 * recall:.0f}."
    )


def _unattended(head: PartMetrics) -> str:
    """How many texts need no person at 95% precision, or at the highest below it that enough texts reach."""
    worthwhile = [
        point for point in head.coverage if point.precision <= _USUAL and point.coverage >= _WORTHWHILE
    ]
    if not worthwhile:
        return ""
    best = worthwhile[-1]
    return (
        f"At {percent(best.precision)} precision {percent(best.coverage)} of texts need no person: "
        "the model is sure enough of them."
    )


def _extremes(head: PartMetrics, titles: Mapping[str, str]) -> list[str]:
    judged = [c for c in head.categories if c.f1.value is not None and c.support >= FEW]
    if len(judged) < 2:
        return []
    ordered = sorted(judged, key=lambda category: category.f1.value or 0.0)

    def named(category: CategoryMetrics) -> str:
        return f"“{titles[category.key]}” (F1 {figure(category.f1.value)}, {interval(category.f1)})"

    return [f"Strongest: {named(ordered[-1])}. Weakest: {named(ordered[0])}."]


def _speed(latency: Latency) -> str:
    side = "within" if latency.within_budget else "outside"
    return (
        f"A text alone takes {duration(latency.p50)} (median), 95 of 100 at most {duration(latency.p95)}: "
        f"{side} the budget of {duration(latency.budget)}. "
        f"In batches it classifies {latency.texts_per_second:,.0f} texts a second."
    )


def _about_truth(head: PartMetrics) -> Iterator[str]:
    unchecked = head.origins.get("agreement", 0)
    if unchecked:
        share = "All" if unchecked == head.texts else percent(unchecked / head.texts)
        yield (
            f"{share} of the truth in the headline was made by the teachers and checked by nobody: there the "
            "figures say how well the model imitates its teachers, not how often it is right."
        )


def _about_support(head: PartMetrics, titles: Mapping[str, str]) -> Iterator[str]:
    none = [titles[category.key] for category in head.categories if not category.support]
    few = [f"{titles[c.key]} ({c.support})" for c in head.categories if 0 < c.support < FEW]
    if none:
        yield (
            f"Not measured, because no text of the part has it: {series(none)}. "
            f"Macro figures are means over the other {len(head.categories) - len(none)}."
        )
    if few:
        yield f"Fewer than {FEW} texts to judge by: {series(few)}. Trust the interval, not the figure."


def _about_doubt(head: PartMetrics, titles: Mapping[str, str]) -> Iterator[str]:
    _, estimate = headline(head)
    if estimate.low is not None and estimate.high is not None and estimate.high - estimate.low > _WIDE:
        yield (
            f"The headline's interval is {estimate.high - estimate.low:.2f} wide: "
            "label more texts before comparing models by it."
        )
    if head.calibration_error > _OFF:
        yield (
            f"Probabilities are off by {figure(head.calibration_error)} on average: rely on the decisions, "
            "and do not read a probability as a frequency."
        )
    right, stated = head.subset_accuracy, head.mean_confidence
    if right.high is not None and stated is not None and stated > right.high:
        yield (
            f"The model gives its decisions a probability of {figure(stated)} on average, and "
            f"{figure(right.value)} of them are right: it is too sure of itself."
        )
    useless = [
        titles[category.key]
        for category in head.categories
        if category.f1.low is not None
        and category.baseline_f1 is not None
        and category.f1.low <= category.baseline_f1
    ]
    if useless:
        yield (
            "Not shown to be better than no skill, which "
            f"{'draws categories by their shares' if head.single else 'gives the category to every text'} "
            f"(that F1 lies inside the interval or above it): {series(useless)}."
        )
