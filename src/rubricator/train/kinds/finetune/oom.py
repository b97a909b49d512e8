"""When memory runs out, the same step is done in smaller parts."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from rubricator.errors import TrainingError
from rubricator.train.kinds.finetune.token_batches import Rows

_SIGNS = ("out of memory", "not enough memory", "can't allocate memory")
_log = logging.getLogger(__name__)


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch on a processor has no type of its own for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


class BatchPortions:
    """How many texts go through the network at once: halved for good whenever that was too many."""

    def __init__(self, size: int) -> None:
        self.size = size

    def go(self, rows: Rows, work: Callable[[Rows], None], again: Callable[[], None]) -> None:
        """Do `work` on all rows of a batch, part by part.

        `again` undoes what the parts did, before they are done anew with smaller ones.

        Raises:
            TrainingError: Not even one text fits into memory.
        """
        while True:
            try:
                for at in range(0, len(rows), self.size):
                    work(rows[at : at + self.size])
            except (RuntimeError, MemoryError) as error:
                if not is_shortage(error):
                    raise
                self._halve(min(self.size, len(rows)))
            else:
                return
            # Outside the handler: the error held on to the tensors of the pass that failed.
            again()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _halve(self, size: int) -> None:
        if size == 1:
            raise TrainingError(
                "Memory does not suffice to train on one text.",
                fix="Lower `encode.max_tokens` or `train.finetune.layers`, or choose a smaller encoder.",
            )
        self.size = size // 2
        _log.warning("Memory ran out: the batch goes through in parts of %d texts from now on", self.size)
