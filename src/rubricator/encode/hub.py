"""From the name of a model to its Hugging Face folder on this machine: encoders and language models alike."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rubricator.errors import MissingExtraError

WEIGHTS = "*.safetensors"
"""No pickles, which run whatever code they like."""
_FILES = ("*.json", WEIGHTS, "*.model", "*.txt")
_NO_NAME = "there is no such folder, and it is no name of a model on the hub"


class NotOnHubError(Exception):
    """A model cannot be had; the message says why, as a clause."""


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model as `save_pretrained` writes it."""
    return (folder / "config.json").is_file() and any(folder.glob(WEIGHTS))


def hub_folder(name: str, *, purpose: str, more: Sequence[str] = (), kept_first: bool = False) -> Path:
    """The folder of a model of the hub, downloaded where it must be.

    `purpose` says what the model is, for the error that names the extra. Files like `more` are wanted beside
    configuration, tokenizer and weights. With `kept_first` what was downloaded before is taken without asking
    the hub for news.

    Raises:
        NotOnHubError: It is no name of the hub, or the hub did not give it.
        MissingExtraError: The hub's package is not installed.
    """
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) is None:
        raise NotOnHubError(_NO_NAME)
    try:
        import httpx
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("transformers", extra="train", purpose=purpose) from error
    try:
        if kept_first:
            with suppress(LocalEntryNotFoundError):
                snapshot = Path(snapshot_download(name, local_files_only=True))
                if is_model(snapshot):
                    return snapshot
        return Path(snapshot_download(name, allow_patterns=[*_FILES, *more]))
    except HFValidationError as error:
        raise NotOnHubError(_NO_NAME) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, httpx.HTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NotOnHubError(f"the Hugging Face hub did not give it ({reason})") from error


def downloaded() -> str:
    """A clause that lists the models that were downloaded before; empty without any."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return ""
    from huggingface_hub import constants

    names = sorted(
        path.name.removeprefix("models--").replace("--", "/")
        for path in Path(constants.HF_HUB_CACHE).glob("models--*")
        if any(is_model(snapshot) for snapshot in path.glob("snapshots/*"))
    )
    return f"; already downloaded: {', '.join(names)}" if names else ""
