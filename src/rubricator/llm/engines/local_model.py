"""From the name of a language model to its Hugging Face folder on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rubricator.encode.hub import WEIGHTS, NotOnHubError, downloaded, hub_folder, is_model
from rubricator.errors import EngineError
from rubricator.records import content_hash, file_digest

_SMALL_FILES = ("config.json", "tokenizer*", "*.model", "chat_template*", "generation_config.json")
_SAMPLES = 64
_SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A language model as published, in a Hugging Face folder; `digest` names its content."""

    folder: Path
    digest: str


def find_model(name: str, *, folder: Path) -> LocalModel:
    """Find a model: in a folder, among the downloaded ones, or on the Hugging Face hub.

    Relative folders begin at `folder`.

    Raises:
        EngineError: There is none of that name, or it cannot be used.
        MissingExtraError: The hub is needed and its package is not installed.
    """
    local = folder / Path(name).expanduser()
    place = local
    if not local.is_dir():
        try:
            place = hub_folder(name, purpose=f"The model '{name}'", more=["*.jinja"], kept_first=True)
        except NotOnHubError as error:
            raise EngineError(
                f"The model '{name}' cannot be had: there is no folder {local}, and {error}.",
                fix="Set `engine.model` to a folder with config.json, a tokenizer and "
                f"{WEIGHTS}{downloaded()}; or set `engine: gguf`, whose bundled model needs no hub.",
            ) from error
    if not is_model(place):
        raise EngineError(
            f"The folder {place} holds no Hugging Face model (config.json and {WEIGHTS}).",
            fix="Name the folder that `save_pretrained` wrote.",
        )
    return LocalModel(place, _digest(place))


def _digest(folder: Path) -> str:
    small = sorted({path for pattern in _SMALL_FILES for path in folder.glob(pattern)})
    parts = [part for path in small for part in (path.name, file_digest(path))]
    parts += [part for path in sorted(folder.glob(WEIGHTS)) for part in (path.name, _sampled(path))]
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
