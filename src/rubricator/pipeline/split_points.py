"""How many points leaks flatter a model by: scored with and without the texts that leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.ingest.leakage.index import Index
from rubricator.ingest.leakage.labels import categories_of, space_of
from rubricator.ingest.leakage.leaks import Leak
from rubricator.ingest.leakage.source import Source
from rubricator.label_space import LabelSpace
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Indices
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Resampled, change, resample
from rubricator.train.quick import QuickModel

_MOST_TRAIN, _MOST_TEST = 20_000, 5_000
_FEWEST = 20  # texts of test, and of train, below which nothing is measured
_DRAWS = 1000
FIGURES = ("macro_f1", "micro_f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What one kind of leak, or `all` of them but times, is worth; by figure, None where too little is left.

    Differences are positive where the leak flatters; intervals are those of a paired bootstrap over groups of
    equal texts.

    Attributes:
        kept: Test texts that do not leak; `without` is the score on them alone, `easier` by how much it is
            lower.
        removed: Training texts that know a test text; `untold` is the score of a model trained without them
            on all test texts, `flatters` by how much it is lower. None where they are half of all or more.
        fewer: By how much the score is lower for a model trained without as many other texts of the same
            categories: what `flatters` owes to there being fewer texts.
    """

    kind: str
    kept: int
    without: dict[str, Estimate] | None
    easier: dict[str, Estimate] | None
    removed: int
    untold: dict[str, Estimate] | None
    flatters: dict[str, Estimate] | None
    fewer: dict[str, Estimate] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Scores of the part `held` as it is, and what each kind of leak is worth."""

    held: str
    train: int
    test: int
    categories: int
    single: bool
    as_it_is: dict[str, Estimate]
    points: tuple[Points, ...]


def measure_points(
    index: Index,
    leaks: Sequence[Leak],
    source: Source,
    notes: list[str],
    *,
    seed: int,
    progress: Progress = silent,
) -> Measured | None:
    """Train on `train` and score `test` (or `validation`) with and without what leaks between the two.

    None where it cannot be done; why is added to `notes`.
    """
    held = next((name for name in ("test", "validation") if name in index.parts), None)
    if held is None or "train" not in index.parts:
        notes.append("Points are measured from train to test, and one of these parts is not there.")
        return None
    between = [leak for leak in leaks if (leak.held, leak.other) == (held, "train")]
    if not between:
        return None
    rows = _chosen(index, held, between, notes, seed=seed)
    texts = source.picked(rows.tolist())
    categories = categories_of([texts[row].label for row in rows.tolist()])
    space, test = space_of(categories), index.of_part(held)[rows]
    if reason := _refusal(space, test):
        notes.append(f"Points are not measured: {reason}.")
        return None
    contents = [texts[row].content for row in rows.tolist()]
    return _Scores(index, rows, contents, space, categories, test, seed).measured(held, between, progress)


def _refusal(space: LabelSpace, test: Bools) -> str:
    if len(space) < 2:
        return "labelled texts are of one category" if len(space) else "no text has a label"
    for name, number in (("test", int(test.sum())), ("train", int((~test).sum()))):
        if number < _FEWEST:
            return f"{number} labelled texts in {name} are too few, {_FEWEST} are needed"
    return ""


def _chosen(index: Index, held: str, leaks: Sequence[Leak], notes: list[str], *, seed: int) -> Indices:
    """Labelled texts of both parts; where there are too many, a sample with whatever knows its test texts."""
    labelled = index.label >= 0
    test, train = (np.flatnonzero(labelled & index.of_part(part)) for part in (held, "train"))
    if len(test) <= _MOST_TEST and len(train) <= _MOST_TRAIN:
        return np.sort(np.concatenate([test, train]))
    random = np.random.default_rng(seed)
    test = random.permutation(test)[:_MOST_TEST]
    knowing = [_knowing(index, leak, test) for leak in leaks if leak.kind != "time"]
    first = np.isin(train, np.concatenate([*knowing, test[:0]]))
    train = np.concatenate([random.permutation(train[first]), random.permutation(train[~first])])[
        :_MOST_TRAIN
    ]
    notes.append(
        f"Points are measured on {len(test):,} {held} texts drawn at random and {len(train):,} training "
        "texts, those that know them among these."
    )
    return np.sort(np.concatenate([test, train]))


def _knowing(index: Index, leak: Leak, test: Indices) -> Indices:
    keys = {"exact": index.exact, "group": index.group, "relative": index.family}
    if leak.kind in keys:
        key = keys[leak.kind]
        known = key[leak.rows[np.isin(leak.rows, test)]]
        return np.asarray(leak.others[np.isin(key[leak.others], known)])
    return np.asarray(leak.twins[np.isin(leak.rows, test)])


class _Scores:
    """One set of texts, scored by models of more or fewer of them."""

    def __init__(
        self,
        index: Index,
        rows: Indices,
        contents: Sequence[str],
        space: LabelSpace,
        categories: Sequence[tuple[str, ...]],
        test: Bools,
        seed: int,
    ) -> None:
        self._rows, self._test, self._space, self._seed = rows, test, space, seed
        self._categories = categories
        truth = space.indicators(categories)
        self._truth = truth[test]
        self._groups = [str(key) for key in index.exact[rows][test]]
        self._model = QuickModel(contents, truth, ~test, space, seed=seed)

    def measured(self, held: str, leaks: Sequence[Leak], progress: Progress) -> Measured:
        kinds: list[tuple[str, Indices, Indices]] = [(one.kind, one.rows, one.others) for one in leaks]
        content = [leak for leak in leaks if leak.kind != "time"]
        if len(content) > 1:
            known, knowing = (
                np.unique(np.concatenate([getattr(leak, name) for leak in content]))
                for name in ("rows", "others")
            )
            kinds.append(("all", known, knowing))
        with progress("Measuring points", total=1 + 2 * len(kinds)) as done:
            decided = self._model.decide(~self._test, self._test)
            whole = self._resampled(decided)
            done(1)
            points = []
            for kind, known, knowing in kinds:
                points.append(
                    self._points(kind, np.isin(self._rows, known), np.isin(self._rows, knowing), decided)
                )
                done(2)
        return Measured(
            held=held,
            train=int((~self._test).sum()),
            test=int(self._test.sum()),
            categories=len(self._space),
            single=self._space.single,
            as_it_is={name: whole.estimate(name) for name in FIGURES},
            points=tuple(points),
        )

    def _points(self, kind: str, known: Bools, knowing: Bools, decided: Bools) -> Points:
        whole, kept = self._resampled(decided), ~known[self._test]
        train = ~self._test & ~knowing
        without = self._resampled(decided, kept) if kept.sum() >= _FEWEST else None
        equally_few = self._as_many_others(knowing)
        untold = None if equally_few is None else self._trained(train)
        fewer = None if untold is None else self._trained(equally_few)
        return Points(
            kind=kind,
            kept=int(kept.sum()),
            without=_figures(without),
            easier=_gains(without, whole),
            removed=int((~self._test & knowing).sum()),
            untold=_figures(untold),
            flatters=_gains(untold, whole),
            fewer=_gains(fewer, whole),
        )

    def _trained(self, train: Bools | None) -> Resampled | None:
        if train is None or train.sum() < _FEWEST:
            return None
        return self._resampled(self._model.decide(train, self._test))

    def _as_many_others(self, knowing: Bools) -> Bools | None:
        """Training texts without as many that know nothing, of the same categories as far as there are some.

        None if fewer than half of the texts know nothing: then nothing tells a leak from a lack of texts.
        """
        random, train = np.random.default_rng(self._seed), ~self._test
        numbers = {names: number for number, names in enumerate(dict.fromkeys(self._categories))}
        codes = np.array([numbers[names] for names in self._categories])
        others, missing = train & ~knowing, int((train & knowing).sum())
        if others.sum() <= missing:
            return None
        for code in np.unique(codes[train & knowing]):
            gone = int((train & knowing & (codes == code)).sum())
            drawn = random.permutation(np.flatnonzero(others & (codes == code)))[:gone]
            others[drawn] = False
            missing -= len(drawn)
        others[random.permutation(np.flatnonzero(others))[:missing]] = False
        return others | (train & knowing)

    def _resampled(self, decided: Bools, kept: Bools | None = None) -> Resampled:
        weights = None if kept is None else kept.astype(np.float64)
        return resample(self._truth, decided, self._groups, weights, draws=_DRAWS, seed=self._seed)


def _figures(resampled: Resampled | None) -> dict[str, Estimate] | None:
    return None if resampled is None else {name: resampled.estimate(name) for name in FIGURES}


def _gains(less: Resampled | None, more: Resampled) -> dict[str, Estimate] | None:
    return None if less is None else {name: change(less, more, name) for name in FIGURES}
