"""All that is wrong with a file, told at once."""

from __future__ import annotations

from collections.abc import Sequence

from rubricator.errors import DataError, plural

_LISTED = 20


def raise_faults(where: str, faults: Sequence[str], *, hint: str = "") -> None:
    """Raise what is wrong with a file that people filled in.

    Raises:
        DataError: There is a fault.
    """
    if faults:
        more = f"\n  … and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        listed = "".join(f"\n  {fault}" for fault in faults[:_LISTED])
        raise DataError(
            f"{where} has {plural(len(faults), 'fault')}; nothing of it was stored:{listed}{more}{hint}",
            fix="Correct these places and import the file again.",
        )
