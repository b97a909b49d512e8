"""Folders made once and trusted afterwards: built beside their place, checksummed, renamed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from rubricator.errors import EncoderError
from rubricator.progress import Progress, silent
from rubricator.records import file_digest

_CHECKSUMS = "checksums.json"
_STALE_SECONDS = 86_400.0
_POLL_SECONDS = 0.1
_HELD = ".held"  # locked in every work folder; the kernel lets go of it when its process is killed
_ORDER = ".order.lock"  # locked while work folders begin, move into place and are cleared away
_log = logging.getLogger(__name__)


def cache_folder(chosen: str | Path | None = None) -> Path:
    """Where decoded encoders and vectors are kept between runs.

    That is the user's own choice, else the environment variable RUBRICATOR_CACHE, read now, else the cache
    folder of the operating system.
    """
    import platformdirs

    wanted = chosen or os.environ.get("RUBRICATOR_CACHE")
    return Path(wanted).expanduser() if wanted else platformdirs.user_cache_path("rubricator")


def unwritable(folder: Path, error: OSError) -> EncoderError:
    """The error for a cache that cannot be written, with what to do about it."""
    return EncoderError(
        f"The cache folder {folder} cannot be written: {error.strerror or error}.",
        fix="Make room or rights there, or name another folder: `encode.cache` in rubricator.yaml or the "
        "environment variable RUBRICATOR_CACHE.",
    )


def built(target: Path, build: Callable[[Path], None], *, progress: Progress = silent) -> Path:
    """Give a folder that is whole: as it stands if its checksums hold, else built anew.

    The work happens in a sibling folder that is renamed when done, so that a killed process never leaves
    half a folder in place; `build` fills it. Where another process builds the same folder, it is waited for.

    Raises:
        EncoderError: The cache cannot be written.
    """
    if _is_whole(target):
        return target
    order = FileLock(target.parent / _ORDER)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        begun = _begin(target, order, progress)
    except OSError as error:
        raise unwritable(target.parent, error) from error
    if begun is None:
        return target
    work, held = begun
    try:
        build(work)
        files = sorted(path for path in work.rglob("*") if path.is_file() and path.name != _HELD)
        digests = {path.relative_to(work).as_posix(): file_digest(path) for path in files}
        (work / _CHECKSUMS).write_text(json.dumps(digests, indent=1), encoding="utf-8")
        work.chmod(0o755)
        with order:
            held.release()
            (work / _HELD).unlink(missing_ok=True)
            _put(work, target)
    except OSError as error:
        raise unwritable(target.parent, error) from error
    finally:
        held.release()
        shutil.rmtree(work, ignore_errors=True)
    return target


def _begin(target: Path, order: FileLock, progress: Progress) -> tuple[Path, FileLock] | None:
    """A work folder and its lock, once no other process builds the same; None if another one has built it."""
    with contextlib.ExitStack() as shown:
        waits = False
        while True:
            with order:
                if waits and _is_whole(target):
                    return None
                if not _swept(target):
                    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
                    held = FileLock(work / _HELD)
                    held.acquire()
                    return work, held
            if not waits:
                shown.enter_context(progress("Waiting for another process that makes the same", total=None))
                waits = True
            time.sleep(_POLL_SECONDS)


def _put(work: Path, target: Path) -> None:
    if target.exists() and not _is_whole(target):
        _log.warning("%s was incomplete or altered and is replaced", target)
        aside = work.with_name(f"{work.name}-old")
        # Another process may have done the same a moment ago.
        with contextlib.suppress(FileNotFoundError):
            target.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    work.rename(target)


def _swept(target: Path) -> bool:
    """Remove what builders left behind when they were killed; tell whether another one builds `target`."""
    others = False
    for left in target.parent.glob(f".*/{_HELD}"):
        try:
            with FileLock(left, blocking=False):
                shutil.rmtree(left.parent, ignore_errors=True)
        except Timeout:
            others |= left.parent.name.rpartition("-")[0] == f".{target.name}"
        except OSError:
            continue
    # Those of versions that held nothing tell by their age alone.
    for stale in target.parent.glob(f".{target.name}-*"):
        with contextlib.suppress(FileNotFoundError):
            if not (stale / _HELD).exists() and time.time() - stale.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(stale, ignore_errors=True)
    return others


def _is_whole(folder: Path) -> bool:
    try:
        digests = json.loads((folder / _CHECKSUMS).read_text(encoding="utf-8"))
        return bool(digests) and all(digest_once(folder / name) == digest for name, digest in digests.items())
    except (OSError, ValueError, AttributeError):
        return False


def digest_once(path: Path) -> str:
    """`file_digest`, taken again only where the file has changed: many stages of a process open one encoder.

    Raises:
        OSError: The file cannot be read.
    """
    stat = path.stat()
    return _digest_of(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest_of(path: Path, *_state: int) -> str:
    return file_digest(path)
