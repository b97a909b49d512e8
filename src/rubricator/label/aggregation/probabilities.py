"""From the answers of teachers to their opinions: probabilities that mean the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation import score_calibration as calibration
from rubricator.label.teachers.protocol import Scale
from rubricator.records import Answer, Status, Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy

_FOLDS = 5


def teacher_probabilities(
    answers: Mapping[str, Mapping[str, Answer]],
    scales: Mapping[str, Scale],
    texts: Sequence[Text],
    taxonomy: Taxonomy,
    *,
    truth: Mapping[int, Bools],
    groups: Sequence[str],
    seed: int,
) -> list[TeacherProbabilities]:
    """Turn raw scores into probabilities.

    Without golden texts the probabilities are guessed from the scores, in single-label work those of
    likeness with the help of rules; golden texts correct the guess, per category. Opinions about the
    golden texts themselves are cross-fitted: corrected by the others only, near-duplicates kept
    together, so measuring teachers on them is fair.

    Args:
        answers: By teacher name, then by text id.
        scales: What the scores are, by teacher name.
        texts: Rows of the result.
        taxonomy: Columns of the result.
        truth: Row of a golden text that may set things → its categories, shape [categories].
        groups: Group of near-duplicates of every text.
        seed: Draws the folds.

    Returns:
        One opinion per teacher, in the order of `answers`.
    """
    golden = np.array(sorted(truth), dtype=np.intp)
    known = np.array([truth[row] for row in golden], dtype=bool).reshape(len(golden), len(taxonomy.keys))
    folds = _folds(np.asarray(groups)[golden], seed)
    found = {teacher: _scores(given, texts, taxonomy) for teacher, given in answers.items()}
    guesses = {
        teacher: _guess(scores, answered, scales[teacher], single=taxonomy.single)
        for teacher, (scores, answered) in found.items()
    }
    if taxonomy.single:
        guesses = _aligned(guesses, scales)
    return [
        TeacherProbabilities(
            teacher, _corrected(guessed, golden, known, folds, single=taxonomy.single), found[teacher][1]
        )
        for teacher, guessed in guesses.items()
    ]


def _scores(answers: Mapping[str, Answer], texts: Sequence[Text], taxonomy: Taxonomy) -> tuple[Floats, Bools]:
    given = [answers.get(text.id) for text in texts]
    answered = np.array([a is not None and a.status is Status.OK for a in given], dtype=bool)
    scores = np.full((len(texts), len(taxonomy.keys)), np.nan)
    for row, answer in enumerate(given):
        if answer is not None:
            scores[row] = [answer.scores.get(key, np.nan) for key in taxonomy.keys]
    return scores, answered


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


def _aligned(guesses: Mapping[str, Floats], scales: Mapping[str, Scale]) -> dict[str, Floats]:
    """Single-label guesses, those from likeness corrected by what rules say about the same texts.

    A likeness tells neither how sure to be nor how common a category is; a keyword that a person
    wrote down does, on the texts where it occurs. So rules stand in for golden texts, as sources of
    weak supervision do (Ratner et al., "Data programming", 2016).
    """
    rules = [guess for teacher, guess in guesses.items() if scales[teacher] is Scale.COUNT]
    if not rules:
        return dict(guesses)
    said = np.exp(np.concatenate(rules))
    heard = np.isfinite(said)
    aligned = dict(guesses)
    for teacher, guess in guesses.items():
        if scales[teacher] is Scale.SIMILARITY:
            both = np.where(heard, np.tile(guess, (len(rules), 1)), np.nan)
            line = calibration.correct_single(both, said)
            aligned[teacher] = np.log(calibration.to_probabilities(guess, line, single=True))
    return aligned


def _corrected(
    guessed: Floats, golden: np.ndarray, known: Bools, folds: list[Bools], *, single: bool
) -> Floats:
    correct = calibration.correct_single if single else calibration.correct_multi
    line = correct(guessed[golden], known)
    probabilities = calibration.to_probabilities(guessed, line, single=single)
    for held_out in folds:
        line = correct(guessed[golden[~held_out]], known[~held_out])
        rows = golden[held_out]
        probabilities[rows] = calibration.to_probabilities(guessed[rows], line, single=single)
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
