"""What a killed run goes on from: the state after the last epoch, and folds that are done."""

from __future__ import annotations

import logging
import pickle
import zipfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rubricator.stats.arrays import Floats
from rubricator.train.kinds.finetune.history import Epoch
from rubricator.whole_files import whole_file

_log = logging.getLogger(__name__)

Weights = dict[str, Tensor]
"""Parameters that learn, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Training after some epochs."""

    history: list[Epoch]  # a line for each epoch so far
    logits: list[Floats]  # of the texts held out, after each epoch, each of [held, categories]
    weights: Weights | None  # those after the last epoch; None once training is done
    optimizer: dict[str, Any] | None  # its state, likewise
    best: Weights | None  # those after the best epoch so far; None once the mean over the folds is exported
    portion: int  # texts that went through memory at once
    spare: Floats  # logits of texts of weight 0 in this fold by the best epoch; empty until it is done
    done: bool = False  # whether nothing is left to train


class Checkpoint:
    """The file of one fold. What was written under another key is ignored, with a warning.

    The key names everything that could change what is in it.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key

    def write(self, state: State) -> None:
        """Keep `state`, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {field.name: getattr(state, field.name) for field in fields(state)} | {
            "key": self._key,
            "history": [list(astuple(epoch)) for epoch in state.history],
            "logits": [torch.from_numpy(np.asarray(one)) for one in state.logits],
            "spare": torch.from_numpy(np.asarray(state.spare)),
        }
        with whole_file(self._path) as part:
            torch.save(content, part)

    def read(self) -> State | None:
        """What was kept, or None if nothing usable is there."""
        if not self._path.exists():
            return None
        try:
            content = torch.load(self._path, map_location="cpu", weights_only=True)
            key = content.pop("key")
            content["history"] = [Epoch(*line) for line in content["history"]]
            content["logits"] = [one.numpy() for one in content["logits"]]
            content["spare"] = content["spare"].numpy()
            state = State(**content)
        except (
            OSError, EOFError, RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile,
            KeyError, TypeError, ValueError, AttributeError,
        ) as error:  # fmt: skip
            _log.warning("The checkpoint %s cannot be read (%s): this fold starts anew", self._path, error)
            return None
        if key != self._key:
            _log.warning(
                "The checkpoint %s is of another encoder, other settings or other texts: it is not used",
                self._path,
            )
            return None
        return state
