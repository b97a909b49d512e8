"""Which encoders of a config take part."""

from types import SimpleNamespace

import pytest

from rubricator.config import Config
from rubricator.encode import usable
from rubricator.encode.usable import usable_encoders
from rubricator.errors import EncoderError, MissingExtraError

RUSSIAN = [
    "Паром вышел из гавани на рассвете, и чайки провожали его до самого маяка.",
    "Мост развели поздно ночью, поэтому последние машины ждали до утра.",
]
KAZAKH = [
    "Қысқы кеште әжем маған ескі домбырасын алып, ұзақ күй шертіп берді.",
    "Көктемде өзен тасып, ауылдың жанындағы көпірді су шайып кетті.",
]
MIXED = ["Мы долго стояли на причале, ждали парома и смотрели на маяк: the last ferry was late again."]


def config(*names):
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    return Config.model_validate({"data": data, "encode": {"encoder": list(names)}})


@pytest.fixture
def knows(monkeypatch):
    """What the encoder of a name knows: languages, None for any, or the error that it raises."""
    known = {}

    def vector_cache(config, *, encoder, progress):
        del progress
        languages = known.get(config.encodings[encoder].encoder)
        if isinstance(languages, Exception):
            raise languages
        return SimpleNamespace(encoder=SimpleNamespace(languages=languages))

    monkeypatch.setattr(usable, "vector_cache", vector_cache)
    return known


@pytest.mark.parametrize(
    ("contents", "takes_part"),
    [(RUSSIAN, True), (KAZAKH, False), (RUSSIAN + KAZAKH, True), (MIXED, True), (["ок"], True), ([], True)],
)
def test_a_further_encoder_must_know_half_of_the_texts(knows, contents, takes_part):
    pytest.importorskip("py3langid")
    knows["b"] = ("ru", "en")
    found = usable_encoders(contents, config("a", "b", "c"))
    assert list(found.caches) == (["base", "second", "third"] if takes_part else ["base", "third"])
    assert found.left_out == (
        () if takes_part else ("The encoder 'b' takes no part: it knows the language of 0% of the texts.",)
    )


def test_the_first_takes_part_whatever_it_knows(knows):
    knows["a"] = ("en",)
    assert list(usable_encoders(KAZAKH, config("a")).caches) == ["base"]


@pytest.mark.parametrize(
    "fault",
    [
        MissingExtraError("fast_use", extra="use", purpose="The encoder 'b'"),
        EncoderError("The encoder 'b' cannot be exported: too new", fix="Choose another."),
    ],
)
def test_a_further_encoder_that_cannot_be_had_is_done_without_and_says_how_to_get_it(knows, fault):
    knows["b"] = fault
    found = usable_encoders(RUSSIAN, config("a", "b", "c"))
    assert list(found.caches) == ["base", "third"], "names stay with their place in the config"
    (sentence,) = found.left_out
    assert sentence.startswith("The encoder 'b' takes no part: The encoder 'b' ")
    assert sentence.endswith(f". {fault.fix}")
    assert ".." not in sentence


def test_without_the_package_that_tells_languages_a_further_encoder_takes_no_part(knows, monkeypatch):
    def missing(*_):
        raise MissingExtraError("py3langid", extra="use", purpose="Telling the language of the texts")

    knows["b"] = ("ru",)
    monkeypatch.setattr(usable, "known_share", missing)
    found = usable_encoders(RUSSIAN, config("a", "b"))
    assert list(found.caches) == ["base"]
    assert "rubricator[use]" in found.left_out[0]


def test_the_first_encoder_must_be_there(knows):
    knows["a"] = EncoderError("There is none.")
    with pytest.raises(EncoderError, match="There is none"):
        usable_encoders(RUSSIAN, config("a", "b"))


def test_both_bundled_encoders_are_the_default():
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    named = Config.model_validate({"data": data}).encodings
    assert {name: one.encoder for name, one in named.items()} == {"base": "bundled", "second": "bundled-use"}
