"""How often synthetic texts that cannot help earn their place: the rate of false kept categories.

    python benchmarks/augmentation_bar.py --json benchmarks/results/augmentation-bar.json

SIB-200 Russian with three categories thinned, drawn anew many times. Two kinds of texts, neither of which can
help a rare category: texts of other categories that are told to be of it, and second copies of texts of other
categories with their true labels. Passing the bar over nothing done, which is one of the conditions, is a
false positive.
Needs the real data (RUBRICATOR_DATA).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from augmentation_pays import COPIES, SCRATCH, Problem, thinned
from machine import arguments, described, write
from scipy.stats import binomtest
from splits import divided
from threadpoolctl import threadpool_limits

from rubricator.config import Pays
from rubricator.dataset.synthetic import Making, SyntheticText
from rubricator.train.search.augmentation import weigh

KINDS: dict[str, Making] = {"told to be of it": "llm", "copies of others": "cheap"}
CONFIDENCES = (0.8, 0.9, 0.95, 0.99)


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=40)
    options.add_argument("--size", type=int, default=20, help="texts of each rare category")
    given = options.parse_args()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    data = divided("sib200-rus")
    chances: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    with threadpool_limits(limits=1, user_api="blas"):
        for seed in range(given.draws):
            found = measured(thinned(data, given.size, seed, "heads"), seed)
            for kind in KINDS:
                chances[kind].append(found[kind])
            print(f"draw {seed}: {found}", flush=True)
            write(given.json, rates_of(chances, given.size))


def rates_of(chances: Mapping[str, list[list[float]]], size: int) -> dict[str, Any]:
    """Rates of the draws made so far; a run that is stopped keeps them."""
    kinds = {kind: told(kind, np.array(rows)) for kind, rows in chances.items()}
    draws = len(next(iter(chances.values())))
    return {"size": size, "draws": draws, "kinds": kinds, "measured_on": described()}


def measured(problem: Problem, seed: int) -> dict[str, list[float]]:
    """Share of the samples in which each kind is ahead of nothing done, for each rare category."""
    found = weigh(
        problem.data(list(useless(problem, seed))),
        problem.truth.astype(np.float64),
        problem.rare,
        taxonomy=problem.taxonomy,
        config=problem.config.model_copy(update={"seed": seed}),
        pays=Pays(),
        folder=SCRATCH,
    )
    return {
        kind: [one.chances.get(f"{making} over none", 0.0) for one in found.categories]
        for kind, making in KINDS.items()
    }


def useless(problem: Problem, seed: int) -> Iterator[SyntheticText]:
    """Texts of frequent categories, each a child of itself, under a rare label or under its own."""
    rng = np.random.default_rng(seed)
    keys = problem.taxonomy.keys
    rare = [keys.index(key) for key in problem.rare]
    frequent = np.flatnonzero(~problem.truth[:, rare].any(axis=1))
    for kind, making in KINDS.items():
        for place in rare:
            number = COPIES * int(problem.truth[:, place].sum())
            for row in rng.choice(frequent, size=min(number, len(frequent)), replace=False).tolist():
                own = keys[int(problem.truth[row].argmax())]
                yield SyntheticText(
                    id=f"{making}-{place}-{row}",
                    content=problem.texts[row].content,
                    categories=(keys[place] if kind == "told to be of it" else own,),
                    parents=(problem.texts[row].id,),
                    groups=(problem.groups[row],),
                    making=making,
                    stage="copy",
                )


def told(kind: str, ahead: np.ndarray[Any, Any]) -> dict[str, Any]:
    """What passes several bars, from shares of samples [draws, categories].

    Categories of one draw share texts: the exact interval is of the share of draws in which any passed, which
    the rate of a category does not exceed.
    """
    bars = {}
    for bar in CONFIDENCES:
        passed = ahead >= bar
        draws = int(passed.any(axis=1).sum())
        ends = binomtest(draws, len(ahead)).proportion_ci()
        bars[str(bar)] = {
            "rate": float(passed.mean()),
            "draws": draws,
            "low": float(ends.low),
            "high": float(ends.high),
        }
        print(
            f"{kind}: at {bar}: {passed.mean():.3f}; any in {draws} draws [{ends.low:.3f}, {ends.high:.3f}]"
        )
    return {"bars": bars, "chances": ahead.tolist()}


if __name__ == "__main__":
    main()
