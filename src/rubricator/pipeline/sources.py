"""What a stage depends on in the source code: every module that its own one can come to by imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rubricator.records import content_hash

_ROOT = "rubricator"
_FOLDER = Path(__file__).parents[1]


@cache
def source_digest(module: str) -> str:
    """Names the code behind a module: changes whenever a file does that its results could depend on.

    These are the module, all modules of this package that it imports, at any depth and also inside functions,
    the `__init__` of their packages, and the templates beside them. Imports under `TYPE_CHECKING` never run
    and do not count.
    """
    files = sorted({path for name in used_modules(module) for path in _files_of(name)})
    named = ((str(file.relative_to(_FOLDER)), file.read_bytes()) for file in files)
    return content_hash("code:2", *(piece for pair in named for piece in pair))


@cache
def used_modules(module: str) -> frozenset[str]:
    """Names of the modules of this package that a module can come to, itself and their packages included."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _imports_of(name)
    return frozenset(name for name in seen if _path_of(name) is not None)


@cache
def _imports_of(module: str) -> tuple[str, ...]:
    path = _path_of(module)
    if path is None:
        return ()
    packages = module.split(".")[:-1]
    own = {".".join(packages[:depth]) for depth in range(2, len(packages) + 1)}
    return tuple(sorted(own | set(_named_in(ast.parse(path.read_text(encoding="utf-8"))))))


def _named_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{_ROOT}."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _ROOT:
            # What is imported may be a module itself; a name that is none has no file and adds nothing.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            if node.module != _ROOT:
                yield str(node.module)
        else:
            yield from _named_in(node)


def _files_of(module: str) -> list[Path]:
    path = _path_of(module)
    return [] if path is None else [path, *path.parent.glob("*.jinja")]


def _path_of(module: str) -> Path | None:
    """The file of a module of this package; None for the name of a class or function, or a foreign module."""
    top, *rest = module.split(".")
    if top != _ROOT:
        return None
    place = _FOLDER.joinpath(*rest)
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)
