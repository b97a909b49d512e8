"""The ways that heads.py compares on the same vectors: heads before and after, plain logistic regression."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from peers import SCRATCH
from splits import FOLDS, SEED, Divided

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE
from rubricator.encode.descriptions import description_directions
from rubricator.encode.usable import usable_encoders
from rubricator.encode.vectors import vector_cache
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.stats.folds import make_folds
from rubricator.taxonomy import Taxonomy
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.kinds.heads import fit_heads, fit_lines
from rubricator.train.logistic import Folds
from rubricator.train.training_context import FitResult, TrainingContext

SECOND = "second"
C = (1, 10, 100, 1000)  # of the peers' logistic regression, as in rivals.py


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way says of one split: decisions [texts, categories] of both halves, and what it costs."""

    trained: Bools  # of the texts it learned from, each without its fold
    tested: Bools
    seconds: float  # of the processor, training
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Encoded:
    """One data set with its vectors by the name of the encoder; `usable` know the language of the texts."""

    data: Divided
    vectors: Mapping[str, Vectors]
    usable: tuple[str, ...]
    left_out: tuple[str, ...]
    described: Mapping[str, Floats]

    @cached_property
    def context(self) -> TrainingContext:
        context = TrainingContext.of(
            self.data.config, space=self.data.space, folder=SCRATCH / "heads" / self.data.name
        )
        return replace(context, described=self.described)

    def examples(self, rows: Sequence[int], encoders: Sequence[str]) -> Examples:
        first, *more = encoders
        return Examples(
            contents=[self.data.contents[row] for row in rows],
            vectors=self.vectors[first][rows],
            targets=self.data.truth[rows].astype(np.float64),
            weights=np.ones(len(rows)),
            groups=[self.data.groups[row] for row in rows],
            more_vectors={name: self.vectors[name][rows] for name in more},
        )

    def joined(self, rows: Sequence[int], encoders: Sequence[str]) -> Examples:
        """The vectors of all these encoders one behind the other, as if one encoder had given them."""
        vectors = np.concatenate([self.vectors[name][rows] for name in encoders], axis=1)
        return replace(self.examples(rows, encoders[:1]), vectors=vectors)


def encoded(data: Divided) -> Encoded:
    """Vectors from the cache of all runs; what is not there is encoded and kept."""
    config = data.config
    usable = usable_encoders(data.contents, config)
    caches = {name: vector_cache(config, encoder=name) for name in config.encodings}
    categories = Taxonomy.read(config.path(config.taxonomy)).categories
    return Encoded(
        data,
        {name: cache.encode(data.contents) for name, cache in caches.items()},
        tuple(usable.caches),
        usable.left_out,
        {name: description_directions(categories, cache) for name, cache in caches.items()},
    )


Way = Callable[[Encoded, Sequence[int], Sequence[int]], Outcome]


def lines(encoded: Encoded, train: Sequence[int], test: Sequence[int], *, both: bool) -> Outcome:
    """One logistic regression a category, as `heads` were before; over both encoders, on joined vectors."""
    encoders = encoded.usable if both else (BASE,)
    learned, asked = (encoded.joined(rows, encoders) for rows in (train, test))
    return _outcome(fit_lines, learned, asked, encoded.context)


def heads(
    encoded: Encoded, train: Sequence[int], test: Sequence[int], *, both: bool, rule: bool = True
) -> Outcome:
    """The kind `heads`; without `rule` also over an encoder that does not know the language."""
    encoders = (encoded.usable if rule else tuple(encoded.vectors)) if both else (BASE,)
    described = {name: encoded.described[name] for name in encoders}
    learned, asked = (encoded.examples(rows, encoders) for rows in (train, test))
    return _outcome(fit_heads, learned, asked, replace(encoded.context, described=described))


def _outcome(fit: Any, learned: Examples, asked: Examples, context: TrainingContext) -> Outcome:
    started = time.process_time()
    folds = folds_of(learned)
    result: FitResult = fit(learned, folds=folds, context=context)
    told = (result.oof_logits, learned.targets, learned.weights)
    rule = fit_rule(*told, space=context.space)
    seconds = time.process_time() - started
    logits = result.model.logits(asked.inputs())
    facts = {
        "mebibytes": sum(map(len, result.model.files().values())) / 2**20,
        "parts": [
            f"{part['part']} {part['encoder'] or ''}".strip() for part in result.facts.get("parts", [])
        ],
    }
    return Outcome(
        cross_decide(*told, folds, space=context.space)[1],
        rule.decide(rule.probabilities(logits)),
        seconds,
        facts,
    )


def folds_of(learned: Examples) -> Folds:
    return make_folds(learned.targets, learned.groups, folds=FOLDS, seed=SEED)


def logistic(
    encoded: Encoded, train: Sequence[int], test: Sequence[int], *, encoders: tuple[str, ...]
) -> Outcome:
    """The peer: logistic regression of scikit-learn on unit vectors, C by cross-validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_predict
    from sklearn.multiclass import OneVsRestClassifier

    single = encoded.data.space.single
    learned, asked = (encoded.joined(rows, encoders) for rows in (train, test))
    targets = learned.targets.argmax(axis=1) if single else learned.targets.astype(int)
    model: Any = LogisticRegression(max_iter=2000, random_state=SEED)
    folds = folds_of(learned)
    divided = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    started = time.process_time()
    search = GridSearchCV(
        model if single else OneVsRestClassifier(model),
        {"C" if single else "estimator__C": C},
        scoring="accuracy" if single else "f1_macro",
        cv=divided,
    )
    search.fit(learned.vectors, targets)
    seconds = time.process_time() - started
    chosen = search.best_estimator_
    held_out = cross_val_predict(chosen, learned.vectors, targets, cv=divided)
    found = chosen.predict(asked.vectors)
    facts = {"c": float(next(iter(search.best_params_.values())))}
    return Outcome(_marks(held_out, encoded), _marks(found, encoded), seconds, facts)


def _marks(found: Any, encoded: Encoded) -> Bools:
    if not encoded.data.space.single:
        return np.asarray(found, dtype=bool)
    return np.asarray(found[:, None] == np.arange(len(encoded.data.keys)))


OLD, NEW = "lines, first encoder", "heads, both encoders"
WAYS: dict[str, Way] = {
    OLD: partial(lines, both=False),
    "lines, both encoders": partial(lines, both=True),
    "heads, first encoder": partial(heads, both=False),
    NEW: partial(heads, both=True),
    "LR, first encoder": partial(logistic, encoders=(BASE,)),
    "LR, second encoder": partial(logistic, encoders=(SECOND,)),
    "LR, both encoders": partial(logistic, encoders=(BASE, SECOND)),
}
RULE_OFF = "heads, both encoders, whatever the language"


def ways_for(encoded: Encoded, wanted: Sequence[str]) -> dict[str, Way]:
    """Those that are wanted; what the rule of languages is worth, where it leaves an encoder out."""
    off = {RULE_OFF: partial(heads, both=True, rule=False)} if encoded.left_out else {}
    return {name: way for name, way in (WAYS | off).items() if name in wanted}


def folder_of(name: str) -> Path:
    """Where the decisions about one data set are kept."""
    folder = SCRATCH.parent / "heads" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
