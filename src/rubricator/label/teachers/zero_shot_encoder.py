"""The teacher that compares a text's vector with the vectors of the category descriptions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Sequence

import numpy as np

from rubricator.dataset.annotations import Scale
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.stats.arrays import Vectors
from rubricator.taxonomy import Category, Taxonomy

_BLOCK = 512  # texts compared with the whole corpus at a time: 512 × 140,000 cosines are 290 MB


class EncoderTeacher:
    """Scores every category by the cosine of text and description, seen from the corpus's middle.

    Vectors of sentence encoders lie in a narrow cone, so the corpus mean is taken out of the texts
    and the mean of the descriptions out of the descriptions (compare Mu and Viswanath,
    "All-but-the-Top", ICLR 2018). A category is described by its name, its description and both
    together. Then each text's scores are averaged with those of its nearest neighbours in the
    corpus: texts about the same thing lend one another the words that the description lacks.

    Because all texts take part in each answer, the key of an answer covers the whole corpus.

    Args:
        corpus: Contents of all texts that will be asked about.
        encode: Contents → L2-normalised vectors, shape [texts, width].
        fingerprint: Names the encoder with everything that could change a vector.
        neighbours: How many nearest texts lend their scores; 0 for none.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        corpus: Sequence[str],
        encode: Callable[[Sequence[str]], Vectors],
        fingerprint: str,
        *,
        name: str = "encoder",
        neighbours: int = 10,
    ) -> None:
        self.name = name
        self.metered = False
        self.scale = Scale.SIMILARITY
        self._keys = taxonomy.keys
        self._phrasings = [_phrasings(category) for category in taxonomy.categories]
        self._corpus = sorted(set(corpus))
        self._encode = encode
        self._neighbours = neighbours
        written = json.dumps([self._keys, self._phrasings, neighbours], ensure_ascii=False)
        self._version = content_hash("encoder-teacher:1", name, fingerprint, written, *self._corpus)

    def key(self, text: Text) -> str:
        """Hash of the content, the descriptions, the encoder and the corpus."""
        return content_hash("answer:encoder:1", self._version, text.content)

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, in order, with a score between -1 and 1 for every category.

        Raises:
            ValueError: A text is not in the corpus.
        """
        started, texts = time.perf_counter(), list(texts)
        row = {content: number for number, content in enumerate(self._corpus)}
        strange = [text.id for text in texts if text.content not in row]
        if strange:
            raise ValueError(f"{len(strange)} texts are not in the corpus, the first is {strange[0]!r}")
        scores = self._scores()
        seconds = (time.perf_counter() - started) / max(1, len(texts))
        for text in texts:
            values = scores[row[text.content]].tolist()
            yield Answer(
                text_id=text.id,
                teacher=self.name,
                key=self.key(text),
                status=Status.OK,
                scores={key: round(value, 6) for key, value in zip(self._keys, values, strict=True)},
                seconds=seconds,
            )

    def _scores(self) -> Vectors:
        """Smoothed scores of the corpus, shape [texts, categories]."""
        vectors = self._encode(self._corpus)
        phrasings = self._encode([phrase for phrases in self._phrasings for phrase in phrases])
        ends = np.cumsum([len(phrases) for phrases in self._phrasings])[:-1]
        described = np.stack([_unit(part.mean(axis=0)) for part in np.split(phrasings, ends)])
        texts = _unit(vectors - vectors.mean(axis=0))
        scores = texts @ _unit(described - described.mean(axis=0)).T
        return _smoothed(scores, texts, self._neighbours) if self._neighbours else scores


def _phrasings(category: Category) -> list[str]:
    if not category.description:
        return [category.title]
    return [category.title, category.description, f"{category.title}: {category.description}"]


def _smoothed(scores: Vectors, texts: Vectors, neighbours: int) -> Vectors:
    """Means over each text and its nearest ones by cosine."""
    nearest = min(neighbours + 1, len(texts))
    smoothed = np.empty_like(scores)
    for start in range(0, len(texts), _BLOCK):
        likeness = texts[start : start + _BLOCK] @ texts.T
        # The text itself is among its nearest: nothing is more like it.
        rows = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        smoothed[start : start + _BLOCK] = scores[rows].mean(axis=1)
    return smoothed


def _unit(vectors: Vectors) -> Vectors:
    # A vector equal to the mean stays zero: it is like nothing in particular.
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6)
    return unit
