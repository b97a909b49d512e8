"""Forms of what people write in settings, and the words that say what is allowed."""

from __future__ import annotations

from collections.abc import Mapping

NAME = r"^[\w.-]+$"
SHORT_NAME = r"^[\w.-]{1,80}$"
HOURS = r"^\d\d:\d\d-\d\d:\d\d$"
LANGUAGE = r"^[a-z]{2,3}$"
IN_WORDS: Mapping[str, str] = {
    NAME: "use letters, digits and the signs `_`, `.` and `-` only, and no space",
    SHORT_NAME: "use 1 to 80 letters, digits and signs `_`, `.` and `-`, and no space",
    HOURS: "write hours as 22:00-08:00",
    LANGUAGE: "write two or three small letters, as `ru`",
}
"""By pattern; a fault of another one shows the pattern itself."""
