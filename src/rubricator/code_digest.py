"""What a stage depends on in the source code: every module that its own one can come to by imports."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from rubricator.records import content_hash, file_digest

_ROOT = "rubricator"
_FOLDER = Path(__file__).parent
# Reading by patterns takes a hundredth of the time of parsing, and a run with nothing to do does this too;
# a test holds it to the parser on every module.
_TYPES_ONLY = re.compile(r"^if TYPE_CHECKING:.*\n(?:[ \t].*\n|\n)*", re.M)
_FROM = re.compile(rf"^[ \t]*from ({_ROOT}(?:\.\w+)*) import (?:\(([^)]*)\)|(.*))", re.M)
_IMPORT = re.compile(rf"^[ \t]*import ({_ROOT}\.[\w.]+)", re.M)
_NAME = re.compile(r"(\w+)(?: as \w+)?")
_digest_of = cache(file_digest)


@cache
def source_digest(module: str) -> str:
    """Names the code behind a module: changes whenever a file does that its results could depend on.

    These are the module, all modules of this package that it imports, at any depth and also inside functions,
    the `__init__` of their packages, and the templates beside them or in a folder of templates there. Imports
    under `TYPE_CHECKING` never run and do not count.
    """
    files = sorted({path for name in used_modules(module) for path in _files_of(name)})
    digests = ((path.relative_to(_FOLDER).as_posix(), _digest_of(path)) for path in files)
    return content_hash("code:3", *(piece for pair in digests for piece in pair))


@cache
def used_modules(module: str) -> frozenset[str]:
    """Names of the modules of this package that a module can come to, itself and their packages included."""
    used: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in used and _path_of(name) is not None:
            used.add(name)
            waiting += imports_of(name)
    return frozenset(used)


@cache
def imports_of(module: str) -> frozenset[str]:
    """The packages that hold a module, and the names it imports: of modules, or of what may be one."""
    path = _path_of(module)
    if path is None:
        return frozenset()
    packages = module.split(".")[:-1]
    names = {".".join(packages[:depth]) for depth in range(2, len(packages) + 1)}
    source = _TYPES_ONLY.sub("", path.read_text(encoding="utf-8"))
    names.update(_IMPORT.findall(source))
    for origin, several, one in _FROM.findall(source):
        # What is imported may be a module itself; a name that is none has no file and adds nothing.
        names.update(f"{origin}.{name}" for name in _NAME.findall(several or one.partition("#")[0]))
        names.add(origin)
    return frozenset(names - {_ROOT})


@cache
def _files_of(module: str) -> tuple[Path, ...]:
    path = _path_of(module)
    if path is None:
        return ()
    below = (file for file in path.parent.glob("*/*.jinja") if not (file.parent / "__init__.py").exists())
    return (path, *path.parent.glob("*.jinja"), *below)


@cache
def _path_of(module: str) -> Path | None:
    """The file of a module of this package; None for the name of a class or function, or a foreign module."""
    top, *rest = module.split(".")
    if top != _ROOT:
        return None
    place = _FOLDER.joinpath(*rest)
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)
