"""What the page on synthetic texts shows of them: how far they are from real ones, and where they lie."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rubricator.augment.drafts import Written
from rubricator.augment.report.page import Distance, Map
from rubricator.dataset.synthetic import SyntheticText
from rubricator.dataset.training_data import TrainingData
from rubricator.encode.vectors import encode_texts
from rubricator.pipeline.stage import Run
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors
from rubricator.stats.two_sample import TwoSampleTest, two_sample_test

_MARKS = re.compile(r"[^\w\s]")
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#B2182B", "#6b7280")
_MOST_POINTS = 2000


@dataclass(frozen=True)
class PageMaterial:
    """Real texts with the categories decided, [texts, categories], and synthetic ones as in `data`.

    `written` are those of language models as they came out of each stage.
    """

    data: TrainingData
    decided: Bools
    texts: Sequence[SyntheticText]
    written: Sequence[Written] = ()

    @cached_property
    def train(self) -> Indices:
        """Rows of real training texts."""
        return np.flatnonzero(self.data.part == "train")

    def of(self, making: str) -> tuple[Indices, Indices]:
        """Rows of synthetic texts made so, and of real training texts with one of their categories."""
        synthetic = self.data.synthetic
        if synthetic is None:
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
        made = np.flatnonzero(np.array(synthetic.making) == making)
        has = (synthetic.examples.targets[made] >= 0.5).any(axis=0)
        return made, self.train[(self.decided[self.train] & has).any(axis=1)]


def distances(material: PageMaterial, run: Run) -> list[Distance]:
    """Between real and synthetic texts of the same categories, by what made them; none without vectors."""
    synthetic, real = material.data.synthetic, material.data.examples
    if synthetic is None or synthetic.examples.vectors is None or real.vectors is None:
        return []
    found = []
    for making in dict.fromkeys(synthetic.making):
        made, rows = material.of(making)
        truth = material.decided[rows].astype(np.float64), synthetic.examples.targets[made]
        plain = real.vectors[rows], synthetic.examples.vectors[made]
        contents = [real.contents[row] for row in rows], [synthetic.examples.contents[row] for row in made]
        evened = equalised(*contents)
        groups = [*(real.groups[row] for row in rows), *(min(synthetic.relatives[row]) for row in made)]
        equal = [
            encode_texts([Text(id=str(n), content=text) for n, text in enumerate(part)], run.config)
            for part in evened
        ]
        found.append(
            Distance(
                making=making,
                plain=_test(*plain, *truth, groups, seed=run.config.seed),
                equal=_test(equal[0], equal[1], *truth, groups, seed=run.config.seed),
            )
        )
    return found


def equalised(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both without punctuation and capitals, cut to as many words as the shorter ones have in the middle."""
    plain = [[_MARKS.sub(" ", text).lower().split() for text in part] for part in (one, other)]
    length = max(1, int(min(np.median([len(words) for words in part] or [1]) for part in plain)))
    first, second = ([" ".join(words[:length]) or " " for words in part] for part in plain)
    return first, second


def _test(
    one: Vectors, other: Vectors, truth: Floats, others: Floats, groups: Sequence[str], *, seed: int
) -> TwoSampleTest | None:
    """The test on vectors from which the mean of each category was taken: its share is no difference."""
    vectors, targets = np.concatenate([one, other]).astype(np.float64), np.concatenate([truth, others])
    means = np.linalg.lstsq(targets, vectors, rcond=None)[0]
    rest = vectors - targets @ means
    return two_sample_test(rest[: len(one)], rest[len(one) :], groups, seed=seed)


@dataclass(frozen=True)
class _Panel:
    """The texts of one stage: vectors, categories as [texts, categories], and whether each went on."""

    title: str
    vectors: Vectors
    has: Bools
    went_on: Bools


def maps(material: PageMaterial, titles: Mapping[str, str], run: Run) -> list[Map]:
    """Real and synthetic texts on the two main axes of all, a panel for each stage that made some."""
    from rubricator.evaluate.plots.style import FAINT, new_figure, styled  # a second to import

    panels, real = _panels(material, run), material.data.examples
    if not panels or real.vectors is None:
        return []
    rows = material.train[:: max(1, len(material.train) // _MOST_POINTS)]
    everything = np.concatenate([real.vectors[rows], *(panel.vectors for panel in panels)]).astype(np.float64)
    middle = everything.mean(axis=0)
    axes = np.linalg.svd(everything - middle, full_matrices=False)[2][:2].T
    points = (real.vectors[rows] - middle) @ axes
    columns = np.flatnonzero(np.logical_or.reduce([panel.has.any(axis=0) for panel in panels])).tolist()
    deep = -(-len(panels) // 3)
    with styled():
        figure, _ = new_figure(7.2, 2.5 * deep)
        figure.clear()
        places = figure.subplots(deep, 3, squeeze=False, sharex=True, sharey=True).ravel()
        for place, panel in zip(places, panels, strict=False):
            place.scatter(*points.T, s=3, color=FAINT, linewidths=0)
            made = (panel.vectors - middle) @ axes
            for number, column in enumerate(columns):
                colour = _COLOURS[number % len(_COLOURS)]
                own = points[material.decided[rows, column]]
                place.scatter(*own.T, s=9, facecolors="none", edgecolors=colour, linewidths=0.6)
                dropped = made[panel.has[:, column] & ~panel.went_on]
                place.scatter(*dropped.T, s=10, color=colour, marker="_", linewidths=0.7)
                kept = made[panel.has[:, column] & panel.went_on]
                name = titles[run.taxonomy.keys[column]]
                place.scatter(*kept.T, s=8, color=colour, marker="x", linewidths=0.7, label=name)
            place.set_title(panel.title, fontsize=8)
        for place in places:
            place.set(xticks=[], yticks=[])
        for place in places[len(panels) :]:
            place.axis("off")
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=180)
    alt = (
        "Texts on the two main axes of their vectors, stage by stage: crosses are synthetic texts that went "
        "on, dashes those dropped there, rings real texts of the same category, grey dots all other "
        "training texts."
    )
    return [Map(png=png.getvalue(), alt=alt)]


def _panels(material: PageMaterial, run: Run) -> list[_Panel]:
    """Texts of language models after each stage, those that passed the judge, and changes by rule."""
    panels = []
    keys, stages = run.taxonomy.keys, dict.fromkeys(text.stage for text in material.written)
    for stage in stages:
        texts = [text for text in material.written if text.stage == stage]
        contents = [Text(id=str(number), content=text.content) for number, text in enumerate(texts)]
        went_on = np.array([not text.fault for text in texts])
        has = np.array([[key == text.category for key in keys] for text in texts])
        title = f"{stage}: {went_on.sum():,} of {len(texts):,} go on"
        panels.append(_Panel(title, encode_texts(contents, run.config), has, went_on))
    synthetic = material.data.synthetic
    if synthetic is None or synthetic.examples.vectors is None:
        return panels
    making = np.array(synthetic.making)
    stage_of = np.array([text.stage for text in material.texts])
    chosen = [("passed the judge", making == "llm")] if (making == "llm").any() else []
    chosen += [(stage, stage_of == stage) for stage in dict.fromkeys(stage_of[making == "cheap"].tolist())]
    for title, rows in chosen:
        has = synthetic.examples.targets[rows] >= 0.5
        panels.append(_Panel(title, synthetic.examples.vectors[rows], has, np.ones(len(has), dtype=bool)))
    return panels
