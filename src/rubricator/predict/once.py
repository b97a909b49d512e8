"""Identical texts are classified once: within a window, and as long as they are remembered."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from rubricator.records import Text

Result = TypeVar("Result")

_REMEMBERED = 20_000


class OncePerText(Generic[Result]):
    """Works out what a text gives once for all texts that say the same.

    Texts say the same if their title, body and source and the features that count are equal; ids do not
    matter. The last `most` results are remembered.

    Attributes:
        repeats: Texts so far whose result was there already.
    """

    def __init__(
        self,
        work: Callable[[list[Text]], Sequence[Result]],
        features: Collection[str] = (),
        *,
        most: int = _REMEMBERED,
    ) -> None:
        self._work = work
        self._features = sorted(features)
        self._most = most
        self._remembered: OrderedDict[bytes, Result] = OrderedDict()
        self.repeats = 0

    def results(self, texts: Sequence[Text]) -> list[Result]:
        """What each text gives, in order."""
        keys = [self._key(text) for text in texts]
        first = dict(zip(reversed(keys), reversed(texts), strict=True))
        known = {key: self._remembered[key] for key in first if key in self._remembered}
        new = [key for key in dict.fromkeys(keys) if key not in known]
        if new:
            known |= zip(new, self._work([first[key] for key in new]), strict=True)
        self.repeats += len(texts) - len(new)
        for key in dict.fromkeys(keys):
            self._remembered[key] = known[key]
            self._remembered.move_to_end(key)
        while len(self._remembered) > self._most:
            self._remembered.popitem(last=False)
        return [known[key] for key in keys]

    def _key(self, text: Text) -> bytes:
        features = [text.features.get(name) for name in self._features]
        said = repr((text.title, text.body, text.source, features))
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
