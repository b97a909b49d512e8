"""A language model in memory: where it runs, in what precision, and how it reads and writes text."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rubricator.config import TransformersEngineConfig
from rubricator.encode.runtimes import has_bf16
from rubricator.errors import EngineError, MissingExtraError
from rubricator.llm.engines.engine import Message

_ENDLESS = 1 << 30


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs: `cuda`, `cuda:1`, `mps` or `cpu`, and the name of torch's type."""

    device: str
    dtype: str

    def free(self) -> None:
        """Give memory that torch keeps for later back to the GPU's other users."""
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in evaluation mode, and its tokenizer.

    Attributes:
        chat: Whether conversations go through the tokenizer's chat template.
        context: Tokens that prompt and answer may have together.
        ends: Tokens that end an answer.
        continuation: Tokens of its second argument where it follows the first.
    """

    model: Any
    tokenizer: Any
    placement: Placement
    chat: bool
    context: int
    ends: frozenset[int]
    continuation: Callable[[str, str], tuple[int, ...]]

    def encode(self, text: str, *, special: bool = False) -> tuple[int, ...]:
        """Tokens of a text; with `special`, those that the model expects at a beginning too."""
        return _encode(self.tokenizer, text, special=special)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens, without special ones."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def prompt(self, messages: Sequence[Message]) -> str:
        """A conversation in the form that the model was trained on, up to where its answer begins.

        Templates that know no system turn get it as the beginning of the first user turn.

        Raises:
            ValueError: The template refuses the conversation.
        """
        import jinja2

        conversations = [[{"role": message.role, "content": message.content} for message in messages]]
        if [message.role for message in messages[:2]] == ["system", "user"]:
            first = {"role": "user", "content": f"{messages[0].content}\n\n{messages[1].content}"}
            conversations.append([first, *conversations[0][2:]])
        # Models that think aloud would have to be waited for; templates that know no such option ignore it.
        options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        for conversation in conversations:
            try:
                return str(self.tokenizer.apply_chat_template(conversation, **options))
            except jinja2.TemplateError as error:
                fault = error
        raise ValueError(str(fault)) from fault


def place(device: str, *, four_bit: bool) -> Placement:
    """Choose device and precision: bf16 where the hardware computes in it, else what it is good at.

    `device` is `auto` or one of torch's names; weights of four bits take a GPU.

    Raises:
        EngineError: There is no such device, or it cannot do this.
        MissingExtraError: torch is absent.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", extra="train", purpose="`engine: transformers`")
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name in there if there[name])
    kind = device.partition(":")[0]
    if not there.get(kind):
        raise EngineError(
            f"The device '{device}' cannot be used: torch {torch.__version__} sees no such device here.",
            fix="Set `engine.device: auto`, or install the torch that fits the GPU.",
        )
    if four_bit and kind != "cuda":
        raise EngineError(
            f"Four-bit weights need an NVIDIA or AMD GPU, and the model would run on '{device}'.",
            fix="Set `four_bit: false`, or use `engine: gguf` with a quantised file.",
        )
    if four_bit and importlib.util.find_spec("bitsandbytes") is None:
        raise EngineError(
            "Four-bit weights need the package bitsandbytes, which is not installed.",
            fix="pip install bitsandbytes accelerate, or set `four_bit: false`.",
        )
    if kind == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return Placement(device, "bfloat16" if native else "float16")
    return Placement(device, "bfloat16" if kind == "cpu" and has_bf16() else "float32")


def load(folder: Path, placement: Placement, config: TransformersEngineConfig) -> Loaded:
    """Load model and tokenizer.

    Raises:
        EngineError: The folder's content cannot be loaded, or has no chat template where one is asked for.
        MissingExtraError: transformers is absent.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError("transformers", extra="train", purpose="`engine: transformers`") from error
    library: Any = transformers  # only half of it is typed
    dtype = getattr(torch, placement.dtype)
    options: dict[str, Any] = {"dtype": dtype}
    if config.four_bit:
        options["quantization_config"] = library.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
        options["device_map"] = {"": placement.device}
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        with _no_bars():
            model = library.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, **options)
        if not config.four_bit:
            model = model.to(placement.device)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise EngineError(
            f"The model in {folder} cannot be loaded: {str(error).strip()[:500]}",
            fix="See whether the download is whole and the model fits into memory; `four_bit: true` needs a "
            "quarter of it on a GPU.",
        ) from error
    if config.chat is True and not tokenizer.chat_template:
        raise EngineError(
            f"The model in {folder} has no chat template.",
            fix="Set `engine.chat: false` to have it continue plain text, or choose a model made for chats.",
        )
    text_config = model.config.get_text_config(decoder=True)
    ends = model.generation_config.eos_token_id
    ends = [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id]
    return Loaded(
        model=model.eval(),
        tokenizer=tokenizer,
        placement=placement,
        chat=bool(tokenizer.chat_template) if config.chat == "auto" else config.chat,
        context=getattr(text_config, "max_position_embeddings", None) or _ENDLESS,
        ends=frozenset(token for token in ends if token is not None),
        continuation=_continuation(tokenizer),
    )


@contextmanager
def _no_bars() -> Iterator[None]:
    """Transformers draws a progress bar of its own over the caller's."""
    import transformers

    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _continuation(tokenizer: Any) -> Callable[[str, str], tuple[int, ...]]:
    @lru_cache(maxsize=4096)
    def continuation(before: str, text: str) -> tuple[int, ...]:
        """Tokens of a text behind another: at the start of a text some tokenizers add a blank."""
        head, whole = (_encode(tokenizer, part, special=False) for part in (before, before + text))
        apart = whole[: len(head)] == head != whole
        return whole[len(head) :] if apart else _encode(tokenizer, text, special=False)

    return continuation


def _encode(tokenizer: Any, text: str, *, special: bool) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])
