"""Training on the texts of one fold, epoch by epoch."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rubricator.encode.card import EncoderCard
from rubricator.errors import TrainingError
from rubricator.stats.arrays import Floats
from rubricator.train.kinds.finetune.checkpoint import Checkpoint, State
from rubricator.train.kinds.finetune.contrastive import pair_loss, rounds
from rubricator.train.kinds.finetune.head_init import set_heads
from rubricator.train.kinds.finetune.history import Epoch, measured
from rubricator.train.kinds.finetune.loss import Aims, aims
from rubricator.train.kinds.finetune.network import Network
from rubricator.train.kinds.finetune.oom import BatchPortions
from rubricator.train.kinds.finetune.plan import Plan
from rubricator.train.kinds.finetune.token_batches import Rows, Texts

_CLIP = 1.0  # largest norm of a gradient
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldInputs:
    """What all folds share."""

    plan: Plan
    card: EncoderCard  # of the encoder that comes out
    network: Network  # reset at the start of each fold
    start: dict[str, Tensor]  # its parameters that learn, as they were at first
    texts: Texts
    vectors: Tensor  # of the encoder as it was, float32 [n, width]
    targets: Floats  # [n, categories]
    weights: Floats  # [n]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The rows of one training."""

    name: str  # in the table of epochs
    train: Rows  # to learn from
    validation: Rows  # scored after each epoch
    spare: Rows  # without weight, which get logits at the end


class FoldTrainer:
    """The training of one fold; its state is kept in `checkpoint` after every epoch."""

    def __init__(self, fold_inputs: FoldInputs, fold: Fold, checkpoint: Checkpoint) -> None:
        self._inputs, self._fold, self._checkpoint = fold_inputs, fold, checkpoint
        self._network, self._plan = fold_inputs.network, fold_inputs.plan
        weights = np.zeros_like(fold_inputs.weights)
        weights[fold.train] = fold_inputs.weights[fold.train]
        self._aims: Aims = aims(fold_inputs.targets, weights, self._plan.imbalance, space=self._plan.space)
        self._portions = BatchPortions(self._plan.portion)

    def go(self, report: Callable[[int, Epoch | None], None], state: State | None = None) -> State:
        """Train from wherever the checkpoint stands until the last epoch, or until patience ends.

        Args:
            report: Given the number of texts just gone through and, after an epoch, its line.
            state: What the checkpoint held.

        Raises:
            TrainingError: The loss is no number any more, or memory does not suffice.
        """
        optimizer, state = self._begin(state)
        report(len(self._fold.train) * len(state.history), None)
        while len(state.history) < self._plan.settings.epochs and not self._stale(state):
            state = self._epoch(optimizer, state, report)
            self._checkpoint.write(state)
            report(0, state.history[-1])
        assert state.best is not None
        self._network.put(state.best)
        spare = logits_of(self._inputs, self._fold.spare, self._portions)
        done = replace(state, weights=None, optimizer=None, spare=spare, done=True)
        self._checkpoint.write(done)
        return done

    def _begin(self, state: State | None) -> tuple[torch.optim.AdamW, State]:
        """The network as `state` says or, without one, as it is before the first epoch."""
        optimizer = torch.optim.AdamW(self._network.groups(self._plan), fused=True)
        if state is not None and state.weights is not None and state.optimizer is not None:
            self._network.put(state.weights)
            optimizer.load_state_dict(state.optimizer)
            self._portions.size = min(self._portions.size, state.portion)
            return optimizer, state
        self._network.put(self._inputs.start)
        if self._plan.contrastive:
            self._pull_together()
        set_heads(self._network.heads, self._vectors(), torch.from_numpy(self._fold.train), self._aims)
        fresh = State(
            history=[], logits=[], weights=None, optimizer=None, best=None, portion=self._portions.size,
            spare=np.empty((0, self._aims.targets.shape[1])),
        )  # fmt: skip
        return optimizer, fresh

    def _epoch(
        self, optimizer: torch.optim.AdamW, state: State, report: Callable[[int, Epoch | None], None]
    ) -> State:
        number, started = len(state.history), time.monotonic()
        # Every epoch has its own random numbers, so a resumed run need not know those before.
        generator = self._seeded(number + 1)
        self._network.train()
        drawn, batch = self._drawn(generator), self._plan.settings.batch
        steps = -(-len(drawn) // batch)
        total = 0.0
        for step, chosen in enumerate(self._inputs.texts.shuffled(drawn, batch, generator)):
            _set_rate(optimizer, number * steps + step, self._plan.settings.epochs * steps, self._plan)
            total += self._step(optimizer, chosen, self._classified)
            report(len(chosen), None)
        loss = total / len(drawn)
        if not np.isfinite(loss):
            raise TrainingError(
                f"The training loss is {loss} after epoch {number + 1}: the weights ran away.",
                fix=f"Lower `train.{self._plan.kind}.learning_rate` (now {self._plan.rate:g}).",
            )
        rows = self._fold.validation
        logits = logits_of(self._inputs, rows, self._portions)
        targets, weights = self._inputs.targets[rows], self._inputs.weights[rows]
        line = Epoch(
            fold=self._fold.name,
            epoch=number + 1,
            train_loss=loss,
            learning_rate=max(
                group["lr"] for group in optimizer.param_groups if group["peak"] <= self._plan.rate
            ),
            seconds=time.monotonic() - started,
            **asdict(measured(logits, targets, weights, space=self._plan.space)),
        )
        _log.info("%s", line.note())
        trained = {name: weight.detach() for name, weight in self._network.trained().items()}
        merits = [one.scores.merit(self._plan.settings.metric) for one in (*state.history, line)]
        better = max(merits) == merits[-1]
        return replace(
            state,
            history=[*state.history, line],
            logits=[*state.logits, logits],
            weights=trained,
            optimizer=optimizer.state_dict(),
            best={name: weight.clone() for name, weight in trained.items()} if better else state.best,
            portion=self._portions.size,
        )

    def _step(self, optimizer: torch.optim.AdamW, rows: Rows, loss: Callable[[Rows, int], Tensor]) -> float:
        """One step on a batch, in as many portions as memory asks for; returns its summed loss."""
        losses: list[float] = []

        def learn(part: Rows) -> None:
            value = loss(part, len(rows))
            value.backward()  # type: ignore[no-untyped-call]
            losses.append(float(value.detach()))

        def again() -> None:
            losses.clear()
            optimizer.zero_grad()

        self._portions.go(rows, learn, again)
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, _CLIP)
        optimizer.step()
        optimizer.zero_grad()
        return sum(losses) * len(rows)

    def _classified(self, rows: Rows, of: int) -> Tensor:
        """The part that these rows have in the mean loss of a batch of `of` texts."""
        batch = self._inputs.texts.batch(rows, self._network.device)
        return self._aims.loss(self._network(batch), torch.from_numpy(rows)).sum() / of

    def _paired(self, rows: Rows, of: int) -> Tensor:
        batch = self._inputs.texts.batch(rows, self._network.device)
        targets = torch.as_tensor(self._inputs.targets[rows], dtype=torch.float32)
        vectors = self._network.vectors(batch)
        return pair_loss(vectors, targets.to(vectors.device)) * len(rows) / of

    def _pull_together(self) -> None:
        """The contrastive stage, with an optimizer of its own and falling rates."""
        optimizer = torch.optim.AdamW(self._network.groups(self._plan), fused=True)
        generator, batch = self._seeded(0), max(8, self._plan.settings.batch)
        self._network.train()
        rows = self._fold.train
        epochs = rounds(len(rows), batch)
        steps = -(-len(rows) // batch)
        for number in range(epochs):
            # In any order: batches of one length would pair texts by their length.
            order = generator.permutation(rows)
            for step in range(steps):
                _set_rate(optimizer, number * steps + step, epochs * steps, self._plan)
                self._step(optimizer, order[step * batch : (step + 1) * batch], self._paired)

    def _vectors(self) -> Tensor:
        """Vectors of the texts to learn from, in place among those of all texts."""
        if not self._plan.contrastive:
            return self._inputs.vectors
        vectors = self._inputs.vectors.clone()
        _forward(self._inputs, self._fold.train, self._portions, self._network.vectors, vectors)
        return vectors

    def _stale(self, state: State) -> bool:
        """Whether the texts held out have not been done better for `patience` epochs."""
        if not state.history:
            return False
        merits = [line.scores.merit(self._plan.settings.metric)[0] for line in state.history]
        # A loss that still falls is progress too: F1 of few texts stands still for epochs.
        losses = [line.scores.validation_loss for line in state.history]
        best = max(int(np.argmax(merits)), int(np.argmin(losses)))
        return len(merits) - 1 - best >= self._plan.settings.patience

    def _drawn(self, generator: np.random.Generator) -> Rows:
        rows, chances = self._fold.train, self._aims.chances
        if chances is None:
            return generator.permutation(rows)
        return generator.choice(rows, size=len(rows), p=chances[rows] / chances[rows].sum())

    def _seeded(self, epoch: int) -> np.random.Generator:
        key = f"{self._plan.seed}/{self._fold.name}/{epoch}".encode()
        seed = int.from_bytes(hashlib.sha256(key).digest()[:4], "little")
        torch.manual_seed(seed)
        return np.random.default_rng(seed)


def logits_of(fold_inputs: FoldInputs, rows: Rows, portions: BatchPortions) -> Floats:
    """Logits of these rows by the network as it is, shape [rows, categories]."""
    logits = torch.zeros(fold_inputs.targets.shape)
    _forward(fold_inputs, rows, portions, fold_inputs.network, logits)
    return np.asarray(logits[torch.from_numpy(rows)].double().numpy())


def _forward(
    fold_inputs: FoldInputs, rows: Rows, portions: BatchPortions, work: Callable[..., Tensor], out: Tensor
) -> None:
    """Put what `work` gives for these rows into `out`, without learning."""
    fold_inputs.network.eval()
    texts, device = fold_inputs.texts, fold_inputs.network.device

    def fill(part: Rows) -> None:
        with torch.no_grad():
            out[torch.from_numpy(part)] = work(texts.batch(part, device)).cpu()

    for batch in texts.sorted(rows, portions.size):
        portions.go(batch, fill, lambda: None)


def _set_rate(optimizer: torch.optim.AdamW, step: int, steps: int, plan: Plan) -> None:
    """Rise over the share `warmup` of all steps, then fall to zero in a line."""
    rise = plan.settings.warmup * steps
    factor = min((step + 1) / max(rise, 1.0), (steps - step) / max(steps - rise, 1.0), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
