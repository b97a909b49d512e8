"""How often `rubricator retrain` promotes what is better, what is no better, and what harms a category.

    python benchmarks/retrain.py --json benchmarks/results/retrain.json

On real texts with labels a champion learns from a few of them and a challenger from corrections besides
(TF-IDF and logistic regression: what is measured is the decision, not the model). The texts that neither saw
are the population: how much better the challenger is on them is known, and blind reviews are drawn from them,
again and again. Four challengers are judged:

- better: as trained;
- equal: for every review chance decides which of the two answers is whose;
- at the margin: as the champion in one category, but for answers spoilt until F1 is lower by the margin;
- harmed: the same for three times the margin. Elsewhere both of these are as good as the challenger.

`looks` judges an equal challenger five times while reviews come in, as somebody does who asks every week,
with and without the share of the error that each look may spend. `wanted` counts how often as many more
reviews as were asked for decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from machine import arguments, write
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from splits import divided

from rubricator.stats.arrays import Bools
from rubricator.stats.promotion import Evidence, Verdict, level_of_look, weigh
from rubricator.stats.shares import wilson

MARGIN, CONFIDENCE, LOOKS = 0.1, 0.95, 5


@dataclass(frozen=True, slots=True)
class Setting:
    """How many labels teach whom, how many reviews judge, and how often all is drawn."""

    few: int
    corrections: int
    reviews: tuple[int, ...]
    splits: int
    draws: int


SETTINGS = {
    "sib200-rus": Setting(100, 400, (50, 100, 200, 400, 800), 5, 100),
    "intents": Setting(700, 2500, (400, 1600, 6400), 2, 40),
}


@dataclass(frozen=True, slots=True)
class Population:
    """What is true of texts that neither model saw, and what both say; shape [texts, categories]."""

    truth: Bools
    old: Bools
    new: Bools

    @property
    def gain(self) -> float:
        right = [(said == self.truth).all(axis=1).mean() for said in (self.old, self.new)]
        return float(right[1] - right[0])

    def drawn(self, reviews: int, random: np.random.Generator) -> Population:
        """Reviews drawn by lot."""
        rows = random.integers(len(self.truth), size=reviews)
        return Population(self.truth[rows], self.old[rows], self.new[rows])

    def first(self, reviews: int) -> Population:
        return Population(self.truth[:reviews], self.old[:reviews], self.new[:reviews])

    def followed_by(self, more: Population) -> Population:
        pairs = zip((self.truth, self.old, self.new), (more.truth, more.old, more.new), strict=True)
        return Population(*(np.concatenate(pair) for pair in pairs))

    def judged(self, *, look: int = 1) -> Evidence:
        keys = [str(column) for column in range(self.truth.shape[1])]
        groups = [str(place) for place in range(len(self.truth))]
        said = (self.truth, self.old, self.new)
        return weigh(*said, groups, keys=keys, margin=MARGIN, confidence=CONFIDENCE, look=look)


def population(
    contents: list[str], truth: Bools, few: int, corrections: int, random: np.random.Generator
) -> Population:
    """Train both on random texts; the others are the population."""
    order = random.permutation(len(contents))
    taught = order[: few + corrections]
    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    learnt = features.fit_transform([contents[row] for row in taught])
    rest = order[few + corrections :]
    seen = features.transform([contents[row] for row in rest])
    labels = truth[taught].argmax(axis=1)
    said = []
    for number in (few, few + corrections):
        model = LogisticRegression(C=30, max_iter=200).fit(learnt[:number], labels[:number])
        said.append(np.eye(truth.shape[1], dtype=bool)[model.predict(seen)])
    return Population(truth[rest], *said)


def equal(one: Population, random: np.random.Generator) -> Population:
    swapped = random.random(len(one.truth))[:, None] < 0.5
    return Population(one.truth, np.where(swapped, one.new, one.old), np.where(swapped, one.old, one.new))


def spoilt(one: Population, loss: float, random: np.random.Generator) -> Population:
    """As the champion wherever one category is concerned, but for so much less F1 there."""
    hits, all_ = (one.truth & one.old).sum(axis=0), one.truth.sum(axis=0) + one.old.sum(axis=0)
    column = int(random.choice(np.flatnonzero(2 * hits > loss * all_)))
    like_old = one.truth[:, column] | one.old[:, column] | one.new[:, column]
    new = np.where(like_old[:, None], one.old, one.new)
    # Each hit that is lost takes 2 from the numerator of F1 and 1 from its denominator.
    wanted = 2 * hits[column] / all_[column] - loss
    number = round((2 * hits[column] - wanted * all_[column]) / (2 - wanted))
    lost = random.permutation(np.flatnonzero(one.truth[:, column] & one.old[:, column]))[:number]
    others = np.delete(np.arange(one.truth.shape[1]), column)
    new[lost] = np.eye(one.truth.shape[1], dtype=bool)[random.choice(others, size=len(lost))]
    return Population(one.truth, one.old, new)


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, help="of each split, instead of the setting's")
    options.add_argument("--data", nargs="*", default=list(SETTINGS))
    given = options.parse_args()
    results = {}
    for name in given.data:
        setting = SETTINGS[name]
        results[name] = measure(name, setting, given.draws or setting.draws)
        write(given.json, {"margin": MARGIN, "confidence": CONFIDENCE, "data": results})


def measure(name: str, setting: Setting, draws: int) -> dict[str, Any]:
    data, random = divided(name), np.random.default_rng(13)
    people = [
        population(data.contents, data.truth, setting.few, setting.corrections, random)
        for _ in range(setting.splits)
    ]
    gain = float(np.mean([one.gain for one in people]))
    texts = len(people[0].truth)
    print(f"{name}: {len(data.keys)} categories, {texts} texts; the challenger is {gain:+.3f} better")
    kinds: dict[str, Callable[[Population, int], Population]] = {
        "better": lambda one, size: one.drawn(size, random),
        "equal": lambda one, size: equal(one.drawn(size, random), random),
        "at the margin": lambda one, size: spoilt(one, MARGIN, random).drawn(size, random),
        "harmed": lambda one, size: spoilt(one, 3 * MARGIN, random).drawn(size, random),
    }
    rows = []
    for kind, drawn in kinds.items():
        for size in setting.reviews:
            verdicts = Counter(drawn(one, size).judged().verdict for one in people for _ in range(draws))
            rows.append(_row(kind, size, verdicts))
    looks = _looks(people, setting.reviews[1], draws, random)
    wanted = _wanted(people, setting.reviews[1], draws, random)
    return {"categories": len(data.keys), "gain": gain, "rows": rows, "looks": looks, "wanted": wanted}


def _row(kind: str, reviews: int, verdicts: Counter[Verdict]) -> dict[str, Any]:
    total = verdicts.total()
    rates = {verdict.value: verdicts[verdict] / total for verdict in Verdict}
    bounds = wilson(verdicts[Verdict.PROMOTE], total)
    print(f"  {kind:14} {reviews:5} reviews  " + "  ".join(f"{k} {v:6.1%}" for k, v in rates.items()))
    return {"kind": kind, "reviews": reviews, "draws": total, **rates, "interval": [bounds.low, bounds.high]}


def _looks(people: list[Population], reviews: int, draws: int, random: np.random.Generator) -> dict[str, Any]:
    """An equal challenger, judged again after every so many reviews: whether it is ever promoted."""
    promoted, better, unspent = "promoted", "better overall", "better overall, each look at the first's level"
    ever: Counter[str] = Counter({promoted: 0, better: 0, unspent: 0})
    for one in people:
        for _ in range(draws):
            all_ = equal(one.drawn(LOOKS * reviews, random), random)
            judged = [all_.first(look * reviews).judged(look=look) for look in range(1, LOOKS + 1)]
            first = level_of_look(1, confidence=CONFIDENCE)
            ever[promoted] += any(each.verdict is Verdict.PROMOTE for each in judged)
            ever[better] += any(each.better for each in judged)
            ever[unspent] += any(each.overall.better_p <= first for each in judged)
    total = len(people) * draws
    shares = {name: count / total for name, count in ever.items()}
    told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    print(f"  equal, {LOOKS} looks after {reviews} reviews each: {told}")
    return {"looks": LOOKS, "reviews": reviews, "draws": total, **shares}


def _wanted(
    people: list[Population], reviews: int, draws: int, random: np.random.Generator
) -> dict[str, Any]:
    """Where the answer is HOLD with a number wanted: how often so many more reviews decide."""
    asked, decided, held = [], 0, 0
    for one in people:
        for _ in range(draws):
            drawn = one.drawn(reviews, random)
            evidence = drawn.judged()
            held += evidence.verdict is Verdict.HOLD
            if evidence.verdict is Verdict.HOLD and evidence.more is not None:
                asked.append(evidence.more)
                more = drawn.followed_by(one.drawn(evidence.more, random))
                decided += more.judged(look=2).verdict is not Verdict.HOLD
    share = decided / len(asked) if asked else None
    middle = int(np.median(asked)) if asked else None
    print(
        f"  better, {reviews} reviews: HOLD {held}, {len(asked)} told a number, {middle} at the median: "
        f"with so many more {share} are decided"
    )
    return {"reviews": reviews, "held": held, "told": len(asked), "median": middle, "decided": share}


if __name__ == "__main__":
    main()
