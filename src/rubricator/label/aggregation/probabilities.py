"""From the answers of teachers to their opinions: probabilities that mean the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rubricator.dataset.annotations import Scale, TeacherProbabilities, TeacherScores
from rubricator.label.aggregation import score_calibration as calibration
from rubricator.label.aggregation.votes import Truth, golden_rows
from rubricator.label_space import LabelSpace
from rubricator.records import Answer, Status, Text
from rubricator.stats.arrays import Bools, Floats

_FOLDS = 5


def teacher_scores(
    teacher: str, scale: Scale, answers: Mapping[str, Answer], texts: Sequence[Text], space: LabelSpace
) -> TeacherScores:
    """The answers of one teacher, by text id, as arrays with a row a text and a column a category."""
    by_row = [answers.get(text.id) for text in texts]
    scores = np.full((len(texts), len(space)), np.nan)
    for row, answer in enumerate(by_row):
        if answer is not None:
            scores[row] = [answer.scores.get(key, np.nan) for key in space.keys]
    return TeacherScores(
        teacher,
        scale,
        scores,
        answered=np.array([a is not None and a.status is Status.OK for a in by_row], dtype=bool),
        keys=np.array([b"" if a is None else a.key.encode() for a in by_row], dtype=np.bytes_),
    )


def teacher_probabilities(
    scores: Sequence[TeacherScores],
    space: LabelSpace,
    *,
    truth: Truth,
    groups: Sequence[str],
    seed: int,
) -> list[TeacherProbabilities]:
    """Turn raw scores into probabilities.

    Without golden texts the probabilities are guessed from the scores, in single-label work those of
    similarity with the help of rules; the truth, of golden texts that may set things, corrects the guess,
    per category. Opinions about the golden texts themselves are cross-fitted: corrected by the others
    only, groups of near-duplicates kept together, so measuring teachers on them is fair. `seed` draws
    the folds.
    """
    golden, targets = golden_rows(truth, len(space))
    folds = _folds(np.asarray(groups)[golden], seed)
    guesses = [_guess(one.scores, one.answered, one.scale, single=space.single) for one in scores]
    if space.single:
        guesses = _aligned(guesses, [one.scale for one in scores])
    return [
        TeacherProbabilities(one.teacher, _corrected(guess, golden, targets, folds, space), one.answered)
        for one, guess in zip(scores, guesses, strict=True)
    ]


def _guess(scores: Floats, answered: Bools, scale: Scale, *, single: bool) -> Floats:
    guessed = np.full(scores.shape, np.nan)
    if answered.any():
        guess = {
            (Scale.SIMILARITY, False): calibration.guess_multi_likeness,
            (Scale.SIMILARITY, True): calibration.guess_single_likeness,
            (Scale.COUNT, False): calibration.guess_multi_hits,
            (Scale.COUNT, True): calibration.guess_single_hits,
            (Scale.PROBABILITY, False): calibration.guess_multi_probability,
            (Scale.PROBABILITY, True): calibration.guess_single_probability,
        }[scale, single]
        guessed[answered] = guess(scores[answered])
    return guessed


def _aligned(guesses: Sequence[Floats], scales: Sequence[Scale]) -> list[Floats]:
    """Single-label guesses, those from similarity corrected by what rules say about the same texts.

    A similarity tells neither how sure to be nor how common a category is; a keyword that a person
    wrote down does, on the texts where it occurs. So rules stand in for golden texts, as sources of
    weak supervision do (Ratner et al., "Data programming", 2016).
    """
    rules = [guess for guess, scale in zip(guesses, scales, strict=True) if scale is Scale.COUNT]
    if not rules:
        return list(guesses)
    hits = np.exp(np.concatenate(rules))
    occurring = np.isfinite(hits)
    aligned = list(guesses)
    for place, (guess, scale) in enumerate(zip(guesses, scales, strict=True)):
        if scale is Scale.SIMILARITY:
            both = np.where(occurring, np.tile(guess, (len(rules), 1)), np.nan)
            line = calibration.correct_single(both, hits)
            aligned[place] = np.log(calibration.to_probabilities(guess, line, single=True))
    return aligned


def _corrected(
    guess: Floats, golden: np.ndarray, targets: Bools, folds: list[Bools], space: LabelSpace
) -> Floats:
    correct = calibration.correct_single if space.single else calibration.correct_multi
    line = correct(guess[golden], targets)
    probabilities = calibration.to_probabilities(guess, line, single=space.single)
    for held_out in folds:
        line = correct(guess[golden[~held_out]], targets[~held_out])
        rows = golden[held_out]
        probabilities[rows] = calibration.to_probabilities(guess[rows], line, single=space.single)
    return probabilities


def _folds(groups: np.ndarray, seed: int) -> list[Bools]:
    """Masks of the golden texts held out; one text or group alone is held out from nothing."""
    count = min(_FOLDS, len(set(groups.tolist())))
    if count < 2:
        return [np.ones(len(groups), dtype=bool)] if len(groups) else []
    from sklearn.model_selection import GroupKFold  # a second to import, and most commands never need it

    splitter = GroupKFold(count, shuffle=True, random_state=seed)
    return [
        np.isin(np.arange(len(groups)), held_out)
        for _, held_out in splitter.split(np.zeros((len(groups), 1)), groups=groups)
    ]
