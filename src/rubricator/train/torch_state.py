"""torch with threads and random numbers of its own for a while, and afterwards as the caller had it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rubricator.errors import MissingExtraError


@contextmanager
def own_torch_state(
    *, threads: int = 1, seed: int | None = None, gpus: bool = False, purpose: str = "Training"
) -> Iterator[None]:
    """Run the body without leaving a trace in torch's global state.

    Threads are those of the processor; 0 leaves them to torch. Sums by several come in any order, and small
    products gain nothing from them. The body sets its own seed where none is given. If `gpus`, their random
    numbers are kept apart too. What needs torch, `purpose`, is for the error where it is not installed.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", extra="train", purpose=purpose) from error

    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=None if gpus else []):
        if seed is not None:
            torch.manual_seed(seed)
        if threads:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
