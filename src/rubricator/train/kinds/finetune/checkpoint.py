"""What a killed run goes on from: the state after the last epoch, and folds that are done."""

from __future__ import annotations

import logging
import pickle
import zipfile
from dataclasses import astuple, dataclass
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
    """Training after some epochs.

    Attributes:
        history: A line for each epoch so far.
        logits: Of the texts held out, after each epoch, each of shape [held, categories].
        weights: Those after the last epoch; None once training is done.
        optimizer: Its state, likewise.
        best: Those after the best epoch so far; None once the mean over the folds is exported.
        portion: Texts that went through memory at once.
        spare: Logits of texts of weight 0 in this fold by the best epoch; empty until it is done.
        done: Whether nothing is left to train.
    """

    history: list[Epoch]
    logits: list[Floats]
    weights: Weights | None
    optimizer: dict[str, Any] | None
    best: Weights | None
    portion: int
    spare: Floats
    done: bool = False


class Checkpoint:
    """The file of one fold. What was written under another key is ignored, with a warning.

    Args:
        path: The file.
        key: Names everything that could change what is in it.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key

    def write(self, state: State) -> None:
        """Keep `state`, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "key": self._key,
            "history": [list(astuple(epoch)) for epoch in state.history],
            "logits": [torch.from_numpy(np.asarray(one)) for one in state.logits],
            "weights": state.weights,
            "optimizer": state.optimizer,
            "best": state.best,
            "portion": state.portion,
            "done": state.done,
            "spare": torch.from_numpy(np.asarray(state.spare)),
        }
        with whole_file(self._path) as part:
            torch.save(kept, part)

    def read(self) -> State | None:
        """What was kept, or None if nothing usable is there."""
        if not self._path.exists():
            return None
        try:
            found = torch.load(self._path, map_location="cpu", weights_only=True)
            key = found["key"]
            state = State(
                history=[Epoch(*line) for line in found["history"]],
                logits=[one.numpy() for one in found["logits"]],
                weights=found["weights"],
                optimizer=found["optimizer"],
                best=found["best"],
                portion=int(found["portion"]),
                spare=found["spare"].numpy(),
                done=bool(found["done"]),
            )
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
