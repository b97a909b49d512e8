import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from tokenizers import Tokenizer, models, pre_tokenizers

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.models.registry import read_model
from rubricator.models.serialization import ABOUT, ARRAYS
from rubricator.models.static import TOKENIZER, StaticEmbedding, StaticModel

PIECES = ("<unk>", "▁гол", "▁матч", "▁рост", "▁цен", "ы", "а", "о")
CONTENTS = ("гол и матч", "рост цены", "", "щщщ", "матч матч гола " * 300, "цены \ud800 рост")


def make_tokenizer():
    tokenizer = Tokenizer(models.Unigram([(piece, -float(at)) for at, piece in enumerate(PIECES)], 0, False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.enable_truncation(20)
    return tokenizer.to_str()


def make_static(categories=3, width=6):
    rng = np.random.default_rng(2)
    table = rng.normal(size=(len(PIECES), width)).astype(np.float16)
    embedding = StaticEmbedding(make_tokenizer(), 0, table)
    return StaticModel(embedding, rng.normal(size=(categories, width)), rng.normal(size=categories))


STATIC = make_static()


def test_vectors_are_those_of_model2vec():
    theirs = pytest.importorskip("model2vec").StaticModel(
        vectors=STATIC.embedding.table.astype(np.float32),
        tokenizer=Tokenizer.from_str(STATIC.embedding.tokenizer),
        normalize=True,
        max_length=20,
    )
    contents = CONTENTS[:5]
    np.testing.assert_allclose(STATIC.embedding.vectors(contents), theirs.encode(contents), atol=1e-3)


def test_logits_are_a_line_over_the_mean_of_the_pieces_known():
    table = STATIC.embedding.table.astype(np.float64)
    mean = (table[PIECES.index("▁гол")] + table[PIECES.index("▁матч")]) / 2
    expected = STATIC.coef @ (mean / np.linalg.norm(mean)) + STATIC.intercept
    found = STATIC.logits(Inputs(["гол матч"]))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_texts_without_known_pieces_get_the_intercept():
    assert (STATIC.logits(Inputs(["", "щщщ"])) == STATIC.intercept).all()
    assert STATIC.logits(Inputs([])).shape == (0, 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=600), st.integers(0, 599))
def test_a_text_has_the_same_logits_whatever_stands_beside_it(contents, at):
    row = at % len(contents)
    alone = STATIC.logits(Inputs([contents[row]]))
    assert (STATIC.logits(Inputs(contents))[row] == alone[0]).all()


def test_needs_no_encoder_and_no_columns():
    assert (STATIC.categories, dict(STATIC.encoders), STATIC.columns) == (3, {}, ())


def test_comes_back_from_its_files():
    back = read_model(STATIC.files())
    assert isinstance(back, StaticModel)
    assert back.files() == STATIC.files()
    assert (back.logits(Inputs(CONTENTS)) == STATIC.logits(Inputs(CONTENTS))).all()


def with_arrays(**changed):
    arrays = load(STATIC.files()[ARRAYS])
    return STATIC.files() | {ARRAYS: save(arrays | changed)}


def tampered():
    files = dict(STATIC.files())
    parts = json.loads(files[TOKENIZER])
    more = parts | {"model": parts["model"] | {"vocab": [*parts["model"]["vocab"], ["▁я", -20.0]]}}
    about = json.loads(files[ABOUT])
    yield "no tokenizer", {name: data for name, data in files.items() if name != TOKENIZER}, "consists of"
    yield "another file", files | {"x.bin": b""}, "consists of"
    yield "not a tokenizer", files | {TOKENIZER: b"{}"}, "no tokenizer"
    yield "not text", files | {TOKENIZER: b"\xff\xfe"}, "not text"
    yield "more pieces than vectors", files | {TOKENIZER: json.dumps(more).encode()}, "up to 8"
    yield "a negative piece", files | {ABOUT: json.dumps(about | {"unknown": -1}).encode()}, "fault"
    yield "another word", files | {ABOUT: json.dumps(about | {"more": 1}).encode()}, "fault"
    yield "another type", with_arrays(table=np.zeros((8, 6))), "F64 instead of F16"
    yield "another width", with_arrays(table=np.zeros((8, 5), np.float16)), "8 × 5 instead of pieces × 6"
    yield "not finite", with_arrays(table=np.full((8, 6), np.nan, np.float16)), "finite"
    yield "other categories", with_arrays(intercept=np.zeros(2)), "categories"


@pytest.mark.parametrize(
    ("files", "word"), [(files, word) for _, files, word in tampered()], ids=[name for name, *_ in tampered()]
)
def test_refuses_what_it_would_not_have_written(files, word):
    with pytest.raises(ArtifactError, match=word):
        read_model(files)
