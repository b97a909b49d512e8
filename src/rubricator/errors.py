"""One base error: every message says what was seen, why it is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from rubricator.masking import masked


def plural(number: int, one: str, many: str = "") -> str:
    """`1 text`, `12 texts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class RubricatorError(Exception):
    """Something the user can mend.

    `problem` says what was seen and why it is wrong, `fix`, as an imperative sentence, what to do about it.
    Neither shows the user and the password of an address.
    """

    def __init__(self, problem: str, *, fix: str = "") -> None:
        self.problem = masked(problem)
        self.fix = masked(fix)
        super().__init__(f"{self.problem}\n→ {self.fix}" if fix else self.problem)


class ConfigError(RubricatorError):
    """`rubricator.yaml` or a command-line override is wrong."""


class TaxonomyError(RubricatorError):
    """The list of categories is wrong."""


class DataError(RubricatorError):
    """An input file, or what is in it, cannot be used."""


class StoreError(RubricatorError):
    """The database of answers cannot be opened or is from another version."""


class LockedStoreError(StoreError):
    """Another process writes to the database, and did not end while it was waited for."""


class EncoderError(RubricatorError):
    """An encoder cannot be found, decoded, exported or run."""


class EngineError(RubricatorError):
    """A language model cannot be reached, started or asked."""


class TrainingError(RubricatorError):
    """The labelled texts do not allow a model to be trained."""


class ArtifactError(RubricatorError):
    """An artifact folder is incomplete, from another version or tampered with."""


class ServiceError(RubricatorError):
    """A service of `rubricator serve` cannot be reached, or does not do what it was asked."""


class MissingExtraError(RubricatorError):
    """A heavy optional dependency is needed and not installed."""

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed.",
            fix=f"pip install 'rubricator[{extra}]'",
        )


def nearest(word: str, choices: Iterable[str]) -> str:
    """The closest valid spelling as the phrase ` (did you mean 'title'?)`, or an empty string."""
    by_folded = {choice.casefold(): choice for choice in choices}
    match = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.5)
    return f" (did you mean '{by_folded[match[0]]}'?)" if match else ""
