"""Which texts are worth a person's next minute: where the label is probably wrong, each time elsewhere.

The gain of a review is the expected number of faults in the label that it would mend, by the current
probabilities (NaN ones are the most uncertain), and a share of what teachers disagree about. Most of
a batch has the highest gains, spread over the vector space; the rest is drawn at random, because only
texts that nobody chose tell how many labels are wrong (see `rubricator.review.estimates`). Those are
shown blind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.dataset.reviews import Chosen
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors
from rubricator.stats.divergence import jensen_shannon

RANDOM_SHARE = 0.2
_DISAGREEMENT = 0.1  # what a bit of disagreement is worth beside one expected fault
_CANDIDATES = 3  # texts of the highest gains among which a batch spreads, per place in it
_LANDMARKS = 2000  # texts that stand for all of them where nearness to the crowd is measured
_CROWD = 10


@dataclass(frozen=True, slots=True)
class Pick:
    """The row of a text to review: chosen for its `gain`, or drawn at `random`."""

    row: int
    chosen: Chosen
    gain: float


def pick(
    probabilities: Floats,
    decided: Bools,
    opinions: Floats,
    vectors: Vectors | None,
    groups: Sequence[str],
    *,
    reviewed: Collection[int],
    count: int,
    space: LabelSpace,
    seed: int,
    random_share: float = RANDOM_SHARE,
) -> list[Pick]:
    """The next texts to review, the most promising and the random ones mixed; fewer if fewer are left.

    `probabilities` are what is believed now, best by a model that did not learn from the text itself, shape
    [texts, categories]; a row of NaN is a text of which nothing is known. `opinions` are those of teachers,
    shape [teachers, texts, categories], NaN where one abstains; no teachers are fine. Vectors are
    L2-normalised; None spreads a batch over groups only. One text of a group of near-duplicates is asked
    about, and none of the groups of `reviewed` rows: those that people have answered, or that need no answer.
    """
    rng = np.random.default_rng(seed)
    gains = gain(probabilities, decided, opinions, space)
    free = _one_per_group(gains, groups, reviewed, rng)
    count = min(count, len(free))
    drawn = min(count, round(count * random_share))
    chosen = _spread(gains, free, vectors, count - drawn, rng) if drawn < count else free[:0]
    # Drawn from what the choice left, they stand for the labels that nobody will look at.
    rest = np.setdiff1d(free, chosen)
    lots = rng.choice(rest, size=drawn, replace=False) if drawn else free[:0]
    picks = [Pick(row, "gain", float(gains[row])) for row in chosen.tolist()]
    # Mixed in, so that whoever stops early has answered both kinds.
    for row in lots.tolist():
        picks.insert(int(rng.integers(len(picks) + 1)), Pick(row, "random", float(gains[row])))
    return picks


def gain(probabilities: Floats, decided: Bools, opinions: Floats, space: LabelSpace) -> Floats:
    """What reviewing each text promises, shape [texts]; a text with NaN counts as entirely uncertain."""
    believed: Bools = np.asarray(np.isfinite(probabilities).all(axis=1))
    posterior = np.where(believed[:, None], probabilities, 0.0)
    if space.single:
        faults = 1 - (posterior * decided).sum(axis=1)
    else:
        faults = np.where(decided, 1 - posterior, posterior).sum(axis=1)
    split = _DISAGREEMENT * disagreement(opinions, space)
    certain = 1.0 if space.single else float(probabilities.shape[1])
    return np.asarray(np.where(believed, faults + split, certain + _DISAGREEMENT))


def disagreement(opinions: Floats, space: LabelSpace) -> Floats:
    """How far teachers are from one another about each text, in bits, shape [texts].

    The Jensen-Shannon divergence of their distributions (Lin, "Divergence measures based on the
    Shannon entropy", 1991; used to choose texts by McCallum and Nigam, ICML 1998), multi-label its
    sum over the categories. Who abstains is left out; one voice alone agrees with itself.
    """
    if not len(opinions):
        return np.zeros(opinions.shape[1])
    shares = np.clip(opinions, 0.0, 1.0)
    # The last axis holds outcomes: all categories, or yes and no of each.
    outcomes = shares[:, :, None, :] if space.single else np.stack([shares, 1 - shares], axis=-1)
    return np.asarray(jensen_shannon(outcomes).sum(axis=1) / np.log(2))


def _one_per_group(
    gains: Floats, groups: Sequence[str], reviewed: Collection[int], rng: np.random.Generator
) -> Indices:
    """Rows that may be picked: of every group without a review one text, drawn at random."""
    _, number = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    done = np.zeros(len(groups), dtype=bool)
    done[list(reviewed)] = True
    answered = np.zeros(len(groups), dtype=bool)
    answered[number[done]] = True
    shuffled = rng.permutation(len(gains))
    _, first = np.unique(number[shuffled], return_index=True)
    rows = shuffled[first]
    return np.sort(rows[~answered[number[rows]]])


def _spread(
    gains: Floats, free: Indices, vectors: Vectors | None, count: int, rng: np.random.Generator
) -> Indices:
    """High gains that are unlike one another, the most promising first.

    One by one, the candidate with the highest gain times its distance to those already taken, times
    its nearness to the crowd, so that outliers do not win (compare the information density of Settles
    and Craven, EMNLP 2008).
    """
    # Equal gains are taken in random order: the first rows of a file are not worth more.
    order = rng.permutation(free)
    order = order[np.argsort(-gains[order], kind="stable")]
    if vectors is None:
        return order[:count]
    near = order[: count * _CANDIDATES]
    landmarks = vectors[rng.choice(len(vectors), size=min(_LANDMARKS, len(vectors)), replace=False)]
    # Sentence vectors lie in a narrow cone: likeness is seen from its middle.
    middle = landmarks.mean(axis=0)
    points, landmarks = _unit(vectors[near] - middle), _unit(landmarks - middle)
    # How near each point is to the nearest of texts drawn at random, from 0 to 1.
    crowd = min(_CROWD, len(landmarks))
    nearest = np.partition(points @ landmarks.T, -crowd, axis=1)[:, -crowd:]
    worth = gains[near] * np.clip(nearest.mean(axis=1), 0.0, 1.0).astype(np.float64)
    likeness = np.zeros(len(near))
    taken: list[int] = []
    for _ in range(count):
        scores = worth * (1 - np.clip(likeness, 0.0, 1.0))
        scores[taken] = -1.0
        best = int(scores.argmax())
        taken.append(best)
        likeness = np.maximum(likeness, points @ points[best])
    return near[taken]


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6)
    return unit
