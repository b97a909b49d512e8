"""All that is wrong with a file, told at once."""

from __future__ import annotations

from rubricator.errors import DataError

_LISTED = 20


class FaultList:
    """Gathers what is wrong with a file that people filled in."""

    def __init__(self, where: str, *, hint: str = "") -> None:
        self._where, self._lines, self._hint = where, list[str](), hint

    def add(self, place: str, fault: str) -> None:
        """Note a fault at a place of the file."""
        self._lines.append(f"  {place}: {fault}")

    def raise_any(self) -> None:
        """Raise what was noted.

        Raises:
            DataError: Anything was.
        """
        if self._lines:
            more = len(self._lines) - _LISTED
            listed = "\n".join(self._lines[:_LISTED]) + (f"\n  … and {more} more" if more > 0 else "")
            raise DataError(
                f"{self._where} has {len(self._lines)} fault(s); nothing of it was stored:\n"
                f"{listed}{self._hint}",
                fix="Correct these places and import the file again.",
            )
