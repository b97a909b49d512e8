"""How far a prediction of a file is, on disk beside its output: what is whole there is not done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from rubricator.errors import DataError
from rubricator.tables.sinks import Position
from rubricator.whole_files import whole_file

_ANEW = "`--restart` (in Python `restart=True`) throws away what is there and begins anew."


class Journal(BaseModel):
    """How far a prediction is.

    Attributes:
        made_by: What every row depends on, in words, each with what stands for it.
        read: Rows of the input that are done.
        rows: Rows of the output.
        unsure: Of those, how many are marked for a person.
        routes: Of those, how many each model of a two-speed artifact answered.
        output: How far the output was written.
        rejected: How far the list of rejected rows was written; None as long as there is none.
        finished: All rows are written; the files may have their names already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    made_by: dict[str, str]
    read: int = 0
    rows: int = 0
    unsure: int = 0
    routes: dict[str, int] = {}
    output: Position | None = None
    rejected: Position | None = None
    finished: bool = False

    def write(self, output: Path) -> None:
        """Keep it beside the output.

        Raises:
            DataError: The disk is full.
        """
        path = _path(output)
        try:
            with whole_file(path) as part:
                part.write_text(self.model_dump_json(), encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"{path} cannot be written: {error.strerror or error}.",
                fix="Make room, and start again: what is written stays, and the rest is added.",
            ) from error


def read_journal(output: Path, made_by: Mapping[str, str], *, restart: bool = False) -> Journal:
    """The journal that an earlier run left beside its output, or a new one.

    Raises:
        DataError: It was left by another input, model or option, or cannot be read.
    """
    path = _path(output)
    if restart or not path.exists():
        return Journal(made_by=dict(made_by))
    try:
        journal = Journal.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(f"{path}, which says how far {output} is, cannot be read.", fix=_ANEW) from error
    changed = [what for what in made_by if made_by[what] != journal.made_by.get(what)]
    if changed:
        raise DataError(
            f"{output} was begun ({journal.read:,} rows are done) and cannot be gone on with, because "
            f"{' and '.join(changed)} changed since.",
            fix=f"Take what it was begun with, or name another output. {_ANEW}",
        )
    return journal


def forget(output: Path) -> None:
    """The output is whole."""
    _path(output).unlink(missing_ok=True)


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Nobody else writes this output meanwhile.

    Raises:
        DataError: Another process does, or the folder cannot be written.
    """
    lock = FileLock(output.with_name(output.name + ".lock"))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise DataError(
            f"Another process writes {output}.", fix="Wait for it, or name another output."
        ) from error
    except OSError as error:
        raise DataError(
            f"{output} cannot be written: {error.strerror or error}.",
            fix="Choose another place, or make room.",
        ) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _path(output: Path) -> Path:
    return output.with_name(output.name + ".journal.json")
