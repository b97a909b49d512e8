"""Logistic heads over a static embedding: one vector per word piece, averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rubricator.dataset.inputs import Inputs
from rubricator.encode.tokenizer import TokenizerFault, encodings, read_tokenizer
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.heads import HeadsModel
from rubricator.models.serialization import FIX, About, Files, Layout
from rubricator.stats.arrays import Floats, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
_AT_ONCE = 256  # texts: what bounds the memory


class _About(About):
    kind: Literal["static"]
    unknown: int | None = Field(ge=0)


_LAYOUT = Layout(
    _About,
    {"intercept": ("categories",), "coef": ("categories", "width"), "table": ("pieces", "width")},
    types={"table": "F16"},
    beside=frozenset({TOKENIZER}),
)


@dataclass(frozen=True, slots=True)
class StaticEmbedding:
    """One vector per word piece, and the tokenizer that finds the pieces.

    Raises:
        ArtifactError: Tokenizer and table do not belong together.
    """

    tokenizer: str  # content of a tokenizer.json; its special tokens are not used
    unknown: int | None  # number of the piece for whatever is not known; None if it has none
    table: NDArray[np.float16]  # vector of each piece, float16, [pieces, width]
    _tokenizer: Tokenizer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tokenizer", _read_tokenizer(self.tokenizer, len(self.table)))

    def vectors(self, contents: Sequence[str]) -> Vectors:
        """The mean vector of each text's pieces, brought to length 1, shape [texts, width].

        The arithmetic is that of model2vec's `StaticModel.encode`: unknown pieces are left out, and
        a text without known ones is all zeros. A text's vector does not depend on the others.
        """
        vectors = np.zeros((len(contents), self.table.shape[1]), dtype=np.float32)
        for row, pieces in enumerate(self.pieces(contents)):
            if pieces:
                vectors[row] = self.table[pieces].mean(axis=0, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(np.divide(vectors, lengths, out=vectors, where=lengths > 0))

    def pieces(self, contents: Sequence[str]) -> Iterator[list[int]]:
        """Numbers of each text's known pieces, as many as the tokenizer takes."""
        for at in range(0, len(contents), _AT_ONCE):
            # A lone surrogate, which JSON can carry, is no character of UTF-8.
            texts = [text.encode("utf-8", "replace").decode() for text in contents[at : at + _AT_ONCE]]
            try:
                chunk = encodings(self._tokenizer, texts, special=False)
            except TokenizerFault as error:
                raise ArtifactError(
                    f"{TOKENIZER} is no tokenizer that can be used: {error}.", fix=FIX
                ) from error
            for encoding in chunk:
                yield [piece for piece in encoding.ids if piece != self.unknown]


@dataclass(frozen=True, slots=True)
class StaticModel(Model):
    """One logistic regression per category over the static vector of a text."""

    kind: ClassVar[str] = "static"
    embedding: StaticEmbedding  # from text to vector
    coef: Floats  # weights, [categories, width]
    intercept: Floats  # [categories]

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.intercept)

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]; a text's do not depend on the others of the batch."""
        heads = HeadsModel(self.coef, self.intercept, encoder=self.kind)
        vectors = self.embedding.vectors(inputs.contents)
        return heads.logits(Inputs(inputs.contents, vectors={self.kind: vectors}))

    def files(self) -> Files:
        """`model.json`, the tokenizer, and the table with the weights."""
        about, table = _About(kind="static", unknown=self.embedding.unknown), self.embedding.table
        files = _LAYOUT.write(about, {"table": table, "coef": self.coef, "intercept": self.intercept})
        return files | {TOKENIZER: self.embedding.tokenizer.encode()}

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
        about, arrays = _LAYOUT.read_about(files), _LAYOUT.read_arrays(files)
        try:
            tokenizer = files[TOKENIZER].decode()
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{TOKENIZER} is not text: {error}.", fix=FIX) from error
        embedding = StaticEmbedding(tokenizer, about.unknown, arrays["table"])
        return cls(embedding, arrays["coef"], arrays["intercept"])


def _read_tokenizer(content: str, pieces: int) -> Tokenizer:
    try:
        tokenizer = read_tokenizer(content)
    except TokenizerFault as error:
        raise ArtifactError(f"{TOKENIZER} is no tokenizer that can be used: {error}.", fix=FIX) from error
    last = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if last >= pieces:
        raise ArtifactError(
            f"{TOKENIZER} numbers its pieces up to {last}, the table has only {pieces} vectors.", fix=FIX
        )
    return tokenizer
