"""The teacher that compares a text's vector with the vectors of what its category's description lists."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.dataset.annotations import Scale
from rubricator.encode.phrasings import pieces, whole
from rubricator.label.teachers.likeness import (
    centred,
    piece_likeness,
    smoothed,
    standardised,
    whole_likeness,
)
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.stats.arrays import Vectors
from rubricator.taxonomy import Taxonomy

_FURTHER = 0.5  # what an encoder after the first counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherEncoder:
    """One of the encoders that an `EncoderTeacher` looks through.

    Attributes:
        name: What reports call it; unique within a teacher.
        encode: Contents → L2-normalised vectors, shape [texts, width].
        fingerprint: Names the encoder with everything that could change a vector.
    """

    name: str
    encode: Callable[[Sequence[str]], Vectors]
    fingerprint: str


class EncoderTeacher:
    """Scores every category by the cosines of a text and what the category's description lists.

    Each encoder compares by itself. Each text's scores are averaged with those of its nearest neighbours in
    the corpus, and each encoder's are brought to one scale over corpus and categories. The answer is their
    mean, in which the first encoder counts twice as much as any other. Its `raw` holds the scores of each
    view by itself, as `parse_views` reads them: by every encoder those of the pieces, which count, and those
    of the description as a whole, which do not.

    Because all texts take part in each answer, the key of an answer covers the whole corpus.

    Args:
        corpus: Contents of all texts that will be asked about.
        encoders: At least one, the best first; their names differ.
        neighbours: How many nearest texts lend their scores; 0 for none.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        corpus: Sequence[str],
        encoders: Sequence[TeacherEncoder],
        *,
        name: str = "encoder",
        neighbours: int = 10,
    ) -> None:
        self.name = name
        self.metered = False
        self.scale = Scale.SIMILARITY
        self._keys = taxonomy.keys
        self._whole = [whole(category) for category in taxonomy.categories]
        self._pieces = [pieces(category) for category in taxonomy.categories]
        self._corpus = sorted(set(corpus))
        self._encoders = encoders
        self._neighbours = neighbours
        seen_through = [(encoder.name, encoder.fingerprint) for encoder in encoders]
        written = json.dumps(
            [self._keys, self._whole, self._pieces, seen_through, neighbours], ensure_ascii=False
        )
        self._version = content_hash("encoder-teacher:2", name, written, *self._corpus)

    def key(self, text: Text) -> str:
        """Hash of the content, the descriptions, the encoders and the corpus."""
        return content_hash("answer:encoder:2", self._version, text.content)

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, in order, with a score for every category, in standard deviations.

        Raises:
            ValueError: A text is not in the corpus.
        """
        started, texts = time.perf_counter(), list(texts)
        row = {content: number for number, content in enumerate(self._corpus)}
        strange = [text.id for text in texts if text.content not in row]
        if strange:
            raise ValueError(f"{len(strange)} texts are not in the corpus, the first is {strange[0]!r}")
        views = dict(self._views())
        by_pieces = [views[_by_pieces(encoder)] for encoder in self._encoders]
        weights = [1.0, *[_FURTHER] * (len(by_pieces) - 1)]
        scores = np.average(by_pieces, axis=0, weights=weights)
        seconds = (time.perf_counter() - started) / max(1, len(texts))
        for text in texts:
            place = row[text.content]
            yield Answer(
                text_id=text.id,
                teacher=self.name,
                key=self.key(text),
                status=Status.OK,
                scores=dict(zip(self._keys, _rounded(scores[place]), strict=True)),
                raw=_written({view: _rounded(found[place]) for view, found in views.items()}),
                seconds=seconds,
            )

    def _views(self) -> Iterator[tuple[str, Vectors]]:
        """Scores of the corpus by each encoder and way of describing, shape [texts, categories]."""
        for encoder in self._encoders:
            texts = centred(encoder.encode(self._corpus))
            described = whole_likeness(texts, _encoded(self._whole, encoder))
            listed = piece_likeness(texts, _encoded(self._pieces, encoder))
            both = np.concatenate([described, listed], axis=1)
            if self._neighbours:
                both = smoothed(both, texts, self._neighbours)
            described, listed = np.split(both, 2, axis=1)
            yield f"{encoder.name}, whole description", standardised(described)
            yield _by_pieces(encoder), standardised(listed)


def parse_views(answer: Answer) -> dict[str, list[float]]:
    """View → its scores in the order of the taxonomy, as an `EncoderTeacher` wrote them into its answer."""
    views: dict[str, list[float]] = json.loads(answer.raw)
    return views


def _written(views: dict[str, list[float]]) -> str:
    return json.dumps(views, ensure_ascii=False, separators=(",", ":"))


def _rounded(scores: Vectors) -> list[float]:
    return [round(score, 4) for score in scores.tolist()]


def _by_pieces(encoder: TeacherEncoder) -> str:
    return f"{encoder.name}, pieces"


def _encoded(phrasings: Sequence[Sequence[str]], encoder: TeacherEncoder) -> list[Vectors]:
    vectors = encoder.encode([phrase for phrases in phrasings for phrase in phrases])
    return np.split(vectors, np.cumsum([len(phrases) for phrases in phrasings])[:-1])
