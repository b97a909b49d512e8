"""Stages that are skipped when nothing they depend on has changed, and survive a kill at any moment.

A stage is named by a hash of its inputs: the source code of the modules it uses, its part of the
config, the files it reads, and the content of what earlier stages wrote. The hash is written only
after the stage's own outputs are whole, and removed before it starts to write them, so a killed stage
simply runs again (and finds the answers and vectors it had already stored).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rubricator.code_digest import source_digest
from rubricator.config import Config
from rubricator.dataset.files import ANSWERS, LAYOUT, layout_of, mark_layout
from rubricator.errors import ConfigError, RubricatorError
from rubricator.masking import masked
from rubricator.progress import Clocked, Progress, silent
from rubricator.records import ONLY_FAILURES, Status, content_hash, file_digest
from rubricator.taxonomy import Taxonomy
from rubricator.whole_files import whole_file

log = logging.getLogger(__name__)

RUNS = "runs"
"""Folder of the runs that are sent nowhere else."""
ENCODING = "Encoding texts"
"""What the long work is called whose result is kept for every later run: the vectors of texts."""


@dataclass(frozen=True, slots=True)
class Run:
    """Settings of a run, the folder of its outputs, and how it shows its work.

    `say` receives the lines in which stages tell what they did. The command line is for the report. Stored
    answers with a status in `again` are asked for once more.
    """

    config: Config
    taxonomy: Taxonomy
    folder: Path
    progress: Progress = silent
    say: Callable[[str], None] = field(default=log.info)
    command: str = ""
    options: str = ""  # with which any command means this project and these settings
    again: frozenset[Status] = ONLY_FAILURES

    def file(self, name: str) -> Path:
        """A file of the run; its folder exists afterwards."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way of a text.

    Attributes:
        about: What it does, for people.
        depends: Settings and input files that the stage reads, as name → digest or JSON.
        after: Earlier stages whose outputs it reads.
        writes: Its outputs, relative to the run's folder; folders count with all their files.
        work: Does it; returns a line or two about what was done.
        settled: Whether its outputs are the last word; if not, the next run does the work again
            although nothing changed (answers are missing that may come).
        wanted: Whether the settings ask for it; if not, it is left out, and so is what it wrote before.
    """

    name: str
    about: str
    depends: Callable[[Run], Mapping[str, str]]
    after: tuple[str, ...]
    writes: tuple[str, ...]
    work: Callable[[Run], list[str]]
    settled: Callable[[Run], bool] = lambda _: True
    wanted: Callable[[Run], bool] = lambda _: True


def run_stages(
    run: Run, stages: Sequence[Stage], *, until: str | None = None, force: Sequence[str] = ()
) -> None:
    """Run the stages in order up to `until`, skipping those whose inputs have not changed unless in `force`.

    Raises:
        ConfigError: `until` or `force` names no stage, or the settings a category that is not there.
        RubricatorError: A stage cannot do its work, or another process works in the folder.
    """
    names = [stage.name for stage in stages]
    for name in [*force, *([until] if until else [])]:
        if name not in names:
            raise ConfigError(f"There is no stage '{name}'.", fix=f"The stages are {', '.join(names)}.")
    run.config.check_categories(run.taxonomy.space)
    with only_one(run.folder):
        _leave_older_layout(run)
        for stage in stages:
            _run_stage(run, stage, forced=stage.name in force)
            if stage.name == until:
                break


def _leave_older_layout(run: Run) -> None:
    """Forget the stages of another version of Rubricator; the store of answers is none of their files."""
    if layout_of(run.folder) != LAYOUT:
        run.say(
            "This folder was written by another version of Rubricator, which kept its files differently: all "
            "stages are done anew."
        )
        for record in run.file("stages/any").parent.glob("*.done"):
            record.unlink()
    mark_layout(run.folder)


def _run_stage(run: Run, stage: Stage, *, forced: bool) -> None:
    record = run.file(f"stages/{stage.name}.done")
    if not stage.wanted(run):
        for path in (record, *(run.folder / name for name in stage.writes)):
            path.unlink(missing_ok=True)
        return
    key = _key(run, stage)
    if not forced and is_current(run, stage, key=key):
        run.say(f"[dim]{stage.name:<9}unchanged: {' '.join(stage_lines(run, stage.name)[:1])}[/dim]")
        return
    record.unlink(missing_ok=True)
    started, clocked = time.monotonic(), Clocked(run.progress)
    lines = [masked(line) for line in stage.work(replace(run, progress=clocked))]
    seconds = time.monotonic() - started
    first, *rest = lines or [stage.about]
    run.say(f"[bold]{stage.name:<9}[/bold]{first} [dim]({seconds:.1f} s)[/dim]")
    for line in rest:
        run.say(f"{'':<9}{line}")
    content = {
        "key": key if stage.settled(run) else "",
        "outputs": _digests(run, stage.writes),
        "lines": lines,
        "seconds": round(seconds, 2),
        "work": {name: round(took, 2) for name, took in clocked.seconds.items()},
    }
    with whole_file(record) as part:
        part.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def is_current(run: Run, stage: Stage, *, key: str = "") -> bool:
    """Whether the stage did its work on what there is now, and its outputs are as it left them."""
    done = stage_record(run, stage.name)
    return done.get("key") == (key or _key(run, stage)) and done.get("outputs") == _digests(run, stage.writes)


def stage_lines(run: Run, name: str) -> tuple[str, ...]:
    """What a stage told when it last did its work; nothing if it never did."""
    return tuple(stage_record(run, name).get("lines", ()))


def _key(run: Run, stage: Stage) -> str:
    parts = {"code": source_digest(stage.work.__module__), **stage.depends(run)}
    for earlier in stage.after:
        parts[f"after:{earlier}"] = json.dumps(stage_record(run, earlier).get("outputs", {}), sort_keys=True)
    flat = [piece for name in sorted(parts) for piece in (name, parts[name])]
    return content_hash("stage:1", stage.name, *flat)


def stage_record(run: Run, stage: str) -> dict[str, Any]:
    """What is kept of a stage that was done; empty where it was not.

    Its `key`, the digests of its `outputs`, its `lines`, its `seconds`, and of those the seconds of each
    piece of long `work` by what its progress is called.
    """
    try:
        record = json.loads(run.file(f"stages/{stage}.done").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _digests(run: Run, writes: Sequence[str]) -> dict[str, str]:
    """SHA-256 of every output file; an output that is not there has no entry."""
    digests: dict[str, str] = {}
    for name in writes:
        path = run.folder / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        digests |= {str(f.relative_to(run.folder)): file_digest(f) for f in files if f.is_file()}
    return digests


def beside(run: Run) -> Run:
    """The run where `category apply` works: in a folder inside the run's, with its answers and reviews."""
    store = run.config.store or str((run.folder / ANSWERS).absolute())
    config = run.config.model_copy(update={"label": run.config.label.model_copy(update={"store": store})})
    return replace(run, config=config, folder=run.folder / "extension")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Two processes must not write one run; the kernel frees the lock of a killed one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", blocking=False)
        lock.acquire()
    except Timeout as error:
        raise RubricatorError(
            f"Another process is working in {folder}.", fix="Wait for it, or choose another --out DIR."
        ) from error
    except OSError as error:
        raise RubricatorError(
            f"The folder of the run, {folder}, cannot be written: {error.strerror}.",
            fix="Choose another with --out DIR.",
        ) from error
    with lock:
        yield
