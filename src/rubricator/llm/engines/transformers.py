"""A Hugging Face model in this process."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from rubricator.config import TransformersEngineConfig
from rubricator.llm.engines.constrained_decoding import (
    Constraint,
    Ids,
    Pick,
    as_generation,
    choices_constraint,
    fill,
    object_constraint,
    write,
)
from rubricator.llm.engines.engine import Capabilities, Generation, Request, Token
from rubricator.llm.engines.http import plain_prompt
from rubricator.llm.engines.kv_cache import KvCache, common_prefix, shares_prefix
from rubricator.llm.engines.loading import Loaded, Placement, load, place
from rubricator.llm.engines.local_model import LocalModel, find_model
from rubricator.records import Status, content_hash

# Batches drawn at once: enough to put texts of one length together.
_BATCHES = 4
# A shorter common beginning is not worth a pass of its own.
_SHORTEST_PREFIX = 32
_ALTERNATIVES = 20
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """A request made ready: its tokens, and the form of its output if that is fixed."""

    number: int
    request: Request
    ids: Ids
    form: Constraint | None


@dataclass(frozen=True, slots=True)
class _JobFailure:
    """Why a batch was not answered."""

    problem: str
    memory: bool


class TransformersEngine:
    """Runs a causal language model with the package transformers, in batches.

    A batch that does not fit into memory is halved, and so are those after it. The common beginning
    of the prompts is read once. Choices are weighed in one pass over the prompt, objects are filled
    in value by value; neither can come out malformed. Relative folders begin at `folder`.
    """

    def __init__(self, config: TransformersEngineConfig, *, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._size = config.batch
        self._loaded: Loaded | None = None
        self._prefix: tuple[Ids, KvCache] | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of the model's files, chat setting, precision and quantisation; loads no weights."""
        options = [str(self._config.chat), self._placement.dtype, str(self._config.four_bit)]
        return content_hash("transformers:1", self._source.digest, *options)

    def capabilities(self) -> Capabilities:
        """Load the model and say what it runs on."""
        loaded = self._load()
        precision = "4 bits" if self._config.four_bit else loaded.placement.dtype
        about = f"{self._config.model} on {loaded.placement.device} in {precision}"
        return Capabilities(about=about, choices=True, schema=True, logprobs=True, count=True)

    def count(self, text: str) -> int:
        """Number of tokens, exactly."""
        return len(self._load().encode(text))

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Generation]]:
        """Continue every request; those of one form and of like length go together."""
        loaded = self._load()
        source = enumerate(requests)
        while window := list(islice(source, self._size * _BATCHES)):
            groups: dict[tuple[Any, ...], list[_Job]] = {}
            for number, request in window:
                job = _job(loaded, number, request)
                if isinstance(job, Generation):
                    yield number, job
                else:
                    kind = (job.form, request.logprobs, request.max_tokens, request.temperature)
                    groups.setdefault(kind, []).append(job)
            for jobs in groups.values():
                yield from self._answered(loaded, jobs)

    def close(self) -> None:
        """Free the model's memory."""
        loaded, self._loaded, self._prefix = self._loaded, None, None
        if loaded is not None:
            placement = loaded.placement
            del loaded
            gc.collect()
            placement.free()

    @cached_property
    def _source(self) -> LocalModel:
        return find_model(self._config.model, folder=self._folder)

    @cached_property
    def _placement(self) -> Placement:
        return place(self._config.device, four_bit=self._config.four_bit)

    def _load(self) -> Loaded:
        if self._loaded is None:
            self._loaded = load(self._source.folder, self._placement, self._config)
        return self._loaded

    def _answered(self, loaded: Loaded, jobs: list[_Job]) -> Iterator[tuple[int, Generation]]:
        shared = common_prefix([job.ids for job in jobs]) if len(jobs) > 1 else ()
        # The longest first: what does not fit shows at once.
        pending = [sorted(jobs, key=lambda job: len(job.ids), reverse=True)]
        while pending:
            batch = pending.pop()
            if len(batch) > self._size:
                pending.append(batch[self._size :])
                batch = batch[: self._size]
            outcome = self._attempt(loaded, batch, shared)
            loaded.placement.free()
            if not isinstance(outcome, _JobFailure):
                yield from zip((job.number for job in batch), outcome, strict=True)
            elif len(batch) > 1:
                half = (len(batch) + 1) // 2
                if outcome.memory:
                    self._size = half
                    _log.warning(
                        "%d texts at a time do not fit into memory; going on with %d", len(batch), half
                    )
                pending += [batch[half:], batch[:half]]
            else:
                _log.warning("a text of %d tokens failed: %s", len(batch[0].ids), outcome.problem)
                yield batch[0].number, Generation(text=outcome.problem, status=Status.FAILED)

    def _attempt(self, loaded: Loaded, batch: Sequence[_Job], shared: Ids) -> list[Generation] | _JobFailure:
        """Answer a batch, or say what went wrong, by which time its memory is free again."""
        import torch

        started = time.monotonic()
        try:
            with torch.inference_mode():
                answers = self._continued(loaded, batch, shared)
        except MemoryError:
            return _JobFailure("not enough memory for this text alone", memory=True)
        except (RuntimeError, ValueError, IndexError) as error:
            message = str(error)
            memory = isinstance(error, torch.OutOfMemoryError) or any(
                words in message.lower() for words in _OUT_OF_MEMORY
            )
            return _JobFailure(f"{type(error).__name__}: {message.strip()[:300]}", memory=memory)
        seconds = (time.monotonic() - started) / len(batch)
        return [replace(answer, seconds=seconds) for answer in answers]

    def _continued(self, loaded: Loaded, batch: Sequence[_Job], shared: Ids) -> list[Generation]:
        rows = self._read(loaded, [job.ids for job in batch], shared)
        request, form = batch[0].request, batch[0].form
        if form is None:
            wanted = _ALTERNATIVES if request.logprobs else 0
            written = write(
                *(rows, request.max_tokens, loaded.ends),
                alternatives=wanted,
                temperature=request.temperature,
            )
            return [_free(loaded, job, tokens) for job, tokens in zip(batch, written, strict=True)]
        filled = zip(batch, fill(rows, form, temperature=request.temperature), strict=True)
        return [_fixed(job, as_generation(form, steps, prompt_tokens=len(job.ids))) for job, steps in filled]

    def _read(self, loaded: Loaded, prompts: list[Ids], shared: Ids) -> KvCache:
        """All prompts in the cache, their common beginning read once and kept for those to come."""
        if not shares_prefix(loaded.model, max(map(len, prompts))):
            return KvCache(loaded.model, prompts)
        begun = self._prefix[0] if self._prefix else ()
        # Prompts may share more than that by chance, which is not worth another pass.
        stale = shared[: len(begun)] != begun or len(shared) >= 2 * len(begun)
        if stale and len(shared) >= _SHORTEST_PREFIX:
            self._prefix = None
            self._prefix = (shared, KvCache(loaded.model, [shared]))
        begun, rows = self._prefix or ((), None)
        if any(ids[: len(begun)] != begun or len(ids) == len(begun) for ids in prompts):
            return KvCache(loaded.model, prompts)
        return KvCache(loaded.model, [ids[len(begun) :] for ids in prompts], prefix=rows)


def _job(loaded: Loaded, number: int, request: Request) -> _Job | Generation:
    """A request as tokens, or why it cannot be asked."""
    try:
        prompt = loaded.prompt(request.messages) if loaded.chat else plain_prompt(request.messages)
        ids = loaded.encode(prompt, special=not loaded.chat)
        form: Constraint | None = None
        if request.choices:
            form = choices_constraint(request.choices, after=prompt, continuation=loaded.continuation)
        elif request.schema is not None:
            form = object_constraint(request.schema, after=prompt, continuation=loaded.continuation)
    except ValueError as error:
        return Generation(text=f"the prompt cannot be made: {error}", status=Status.FAILED)
    length = len(ids) + request.max_tokens
    if length > loaded.context:
        problem = f"prompt and answer have {length} tokens, the model reads {loaded.context}"
        return Generation(text=problem, status=Status.FAILED, prompt_tokens=len(ids))
    return _Job(number, request, ids, form)


def _fixed(job: _Job, answer: Generation) -> Generation:
    if not job.request.logprobs:
        return replace(answer, tokens=())
    if job.request.choices:
        return replace(answer, tokens=(), choices=answer.tokens[0].top)
    return answer


def _free(loaded: Loaded, job: _Job, written: Sequence[Pick]) -> Generation:
    ids = [token for token, _, _ in written]
    answer = Generation(
        text=loaded.decode(ids),
        cut=len(ids) == job.request.max_tokens,
        prompt_tokens=len(job.ids),
        completion_tokens=len(ids),
    )
    if not job.request.logprobs:
        return answer
    # What a token adds to those before it: alone, some tokenizers lose its blank.
    tokens, text = [], ""
    for at, (token, score, top) in enumerate(written):
        # Of several tokens with one text, as halves of letters are, the likeliest is kept.
        tops = {loaded.decode([*ids[:at], other])[len(text) :]: s for other, s in reversed(top.items())}
        longer = loaded.decode([*ids[:at], token])
        tokens.append(Token(longer[len(text) :], score, tops))
        text = longer
    return replace(answer, tokens=tuple(tokens))
