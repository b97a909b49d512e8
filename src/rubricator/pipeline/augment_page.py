"""What the page on synthetic texts shows of them: how far they are from real ones, and where they lie."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

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
    """Real texts with the categories decided, [texts, categories], and synthetic ones as in `data`."""

    data: TrainingData
    decided: Bools
    texts: Sequence[SyntheticText]

    @property
    def stages(self) -> dict[str, list[int]]:
        """Places of the synthetic texts by the stage that made them last."""
        places: dict[str, list[int]] = {}
        for place, text in enumerate(self.texts):
            places.setdefault(text.stage, []).append(place)
        return places

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


def maps(material: PageMaterial, titles: Mapping[str, str], keys: Sequence[str]) -> list[Map]:
    """Real and synthetic texts on the two main axes of both, a panel for each stage that made some."""
    from rubricator.evaluate.plots.style import FAINT, new_figure, styled  # a second to import

    synthetic, real = material.data.synthetic, material.data.examples
    if synthetic is None or synthetic.examples.vectors is None or real.vectors is None:
        return []
    rows = material.train[:: max(1, len(material.train) // _MOST_POINTS)]
    both = np.concatenate([real.vectors[rows], synthetic.examples.vectors]).astype(np.float64)
    _, _, axes = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)
    points = (both - both.mean(axis=0)) @ axes[:2].T
    has = synthetic.examples.targets >= 0.5
    with styled():
        figure, _ = new_figure(7.2, 2.5 * -(-len(material.stages) // 3))
        figure.clear()
        panels = figure.subplots(-(-len(material.stages) // 3), 3, squeeze=False).ravel()
        for panel, (stage, places) in zip(panels, material.stages.items(), strict=False):
            panel.scatter(*points[: len(rows)].T, s=3, color=FAINT, linewidths=0)
            for number, column in enumerate(np.flatnonzero(has.any(axis=0)).tolist()):
                colour, name = _COLOURS[number % len(_COLOURS)], titles[keys[column]]
                mine = material.decided[rows, column]
                panel.scatter(
                    *points[: len(rows)][mine].T, s=9, facecolors="none", edgecolors=colour, linewidths=0.6
                )
                made = [len(rows) + place for place in places if has[place, column]]
                panel.scatter(*points[made].T, s=8, color=colour, marker="x", linewidths=0.7, label=name)
            panel.set_title(stage, fontsize=8)
            panel.set_xticks([])
            panel.set_yticks([])
        for panel in panels[len(material.stages) :]:
            panel.axis("off")
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=4)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=180)
    alt = (
        "Texts on the two main axes of their vectors, by the stage that made the synthetic ones last: "
        "crosses are synthetic, rings real ones of the same category, grey dots all other training texts."
    )
    return [Map(png=png.getvalue(), alt=alt)]
