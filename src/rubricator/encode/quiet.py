"""Libraries that talk while they work, kept from it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """No warnings, and of the library's log only errors.

    With "" it is what goes straight to the root of all logs; what other logs pass on to it is not touched.
    """
    logger = logging.getLogger(library)
    level = logger.level
    if library:
        logger.setLevel(logging.ERROR)
    else:
        logger.addFilter(_is_error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(_is_error)
        if library:
            logger.setLevel(level)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
