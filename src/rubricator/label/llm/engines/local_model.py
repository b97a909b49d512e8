"""From the name of a language model to its Hugging Face folder on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rubricator.errors import EngineError, MissingExtraError
from rubricator.records import content_hash, file_digest

_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
# No pickles, which run whatever code they like.
_WEIGHTS = "*.safetensors"
_SMALL_FILES = ("config.json", "tokenizer*", "*.model", "chat_template*", "generation_config.json")
_SAMPLES = 64
_SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A language model as published.

    Attributes:
        folder: Its Hugging Face folder.
        digest: Names its content.
    """

    folder: Path
    digest: str


def find_model(name: str, *, folder: Path) -> LocalModel:
    """Find a model: in a folder, among the downloaded ones, or on the Hugging Face hub.

    Args:
        name: A folder, or the name of a model on the hub.
        folder: Where relative folders begin.

    Raises:
        EngineError: There is none of that name, or it cannot be used.
        MissingExtraError: The hub is needed and its package is not installed.
    """
    local = folder / Path(name).expanduser()
    found = local if local.is_dir() else _from_hub(name, local)
    if not _is_model(found):
        raise EngineError(
            f"The folder {found} holds no Hugging Face model (config.json and {_WEIGHTS}).",
            fix="Name the folder that `save_pretrained` wrote.",
        )
    return LocalModel(found, _digest(found))


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob(_WEIGHTS))


def _from_hub(name: str, local: Path) -> Path:
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) is None:
        raise EngineError(
            f"The model '{name}' cannot be had: there is no folder {local}, and it is no name of the hub.",
            fix="Set `engine.model` to a folder or to a name as in owner/model.",
        )
    try:
        import httpx
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("transformers", extra="train", purpose=f"The model '{name}'") from error
    try:
        kept = Path(snapshot_download(name, local_files_only=True))
        if _is_model(kept):
            return kept
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, httpx.HTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"The model '{name}' cannot be had: there is no folder {local}, it was not downloaded before, "
            f"and the Hugging Face hub did not give it ({reason}).",
            fix="Set `engine.model` to a folder with config.json, a tokenizer and *.safetensors"
            f"{_downloaded()}; or set `engine: gguf`, whose bundled model needs no hub.",
        ) from error


def _downloaded() -> str:
    from huggingface_hub import constants

    cached = sorted(
        path.name.removeprefix("models--").replace("--", "/")
        for path in Path(constants.HF_HUB_CACHE).glob("models--*")
        if any(_is_model(snapshot) for snapshot in path.glob("snapshots/*"))
    )
    return f"; already downloaded: {', '.join(cached)}" if cached else ""


def _digest(folder: Path) -> str:
    small = sorted({path for pattern in _SMALL_FILES for path in folder.glob(pattern)})
    parts = [part for path in small for part in (path.name, file_digest(path))]
    parts += [part for path in sorted(folder.glob(_WEIGHTS)) for part in (path.name, _sampled(path))]
    return content_hash("language-model:1", *parts)


def _sampled(path: Path) -> str:
    """Hash of blocks spread evenly over a file: weights are too large to be read whole for a name."""
    size = path.stat().st_size
    with path.open("rb") as file:
        blocks = []
        for number in range(_SAMPLES):
            file.seek(number * size // _SAMPLES)
            blocks.append(file.read(_SAMPLE_BYTES))
    return content_hash("sampled:1", str(size), *blocks)
