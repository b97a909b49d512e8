"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rubricator.errors import DataError

_AT_FDCWD, _EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h: RENAME_EXCHANGE
_SWAP = 2  # macOS, sys/stdio.h: RENAME_SWAP
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_TRIES = 3


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write; it takes the place of `path` if the block ends without an exception.

    A killed process leaves the older file as it was, and at most `<name>.part` beside it.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def requested_file(
    path: Path, *, called: str = "", fix: str = "Name a file that you can write."
) -> Iterator[Path]:
    """`whole_file` for what somebody asked for, its folder made; `called` says what it is, as `The report`.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            yield part
    except OSError as error:
        problem = f"{called} {path} cannot be written: {error.strerror or error}.".lstrip()
        raise DataError(problem, fix=fix) from error


def put_folder(part: Path, folder: Path) -> None:
    """Put a whole folder in the place of another, which is removed; both lie in one folder.

    Where the system can exchange two names in one step (Linux, macOS), there is the old folder or the new one
    at any instant. Elsewhere there are two renames, and what a process killed between them left is brought
    back by `recovered`, which readers call, too.

    Raises:
        OSError: The place cannot be written; the old folder is there then.
    """
    if folder.exists() and _exchanged(part, folder):
        shutil.rmtree(part, ignore_errors=True)
        return
    old = _aside(folder)
    for tries_left in reversed(range(_TRIES)):
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError as error:
            recovered(folder)
            # A reader was quicker and brought the old folder back.
            if tries_left and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                continue
            raise
        break
    shutil.rmtree(old, ignore_errors=True)


def recovered(folder: Path) -> bool:
    """Bring a folder back that a killed process had moved aside for another; tell whether it was so."""
    if folder.exists() or not _aside(folder).is_dir():
        return False
    try:
        _aside(folder).rename(folder)
    except OSError:  # another process was quicker, or the place cannot be written
        return folder.exists()
    return True


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    if os.name != "posix":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    if sys.platform.startswith("linux") and hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)
    elif sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(*names, _SWAP)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), str(other))
