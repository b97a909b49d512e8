"""The encoder teacher: which categories it prefers, and what its answers depend on."""

import numpy as np
import pytest

from rubricator.label.teachers import zero_shot_encoder as descriptions
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy

WORDS = ("гол", "кубок", "банк", "рубль", "дождь")
TAXONOMY = Taxonomy.model_validate(
    {
        "categories": [
            {"key": "sport", "name": "гол", "description": "гол кубок"},
            {"key": "money", "name": "банк", "description": "банк рубль"},
        ]
    }
)
CORPUS = ["гол гол кубок", "гол кубок", "банк рубль", "рубль рубль", "дождь", "гол рубль"]


def encode(contents):
    """Counts words, next to a large constant as sentence encoders have it."""
    counts = np.array([[5.0] + [c.replace(":", "").split().count(w) for w in WORDS] for c in contents])
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def teacher(taxonomy=TAXONOMY, corpus=CORPUS, fingerprint="e", **options):
    return EncoderTeacher(taxonomy, corpus, encode, fingerprint, **({"neighbours": 0} | options))


def scores(asked, contents=CORPUS):
    texts = [Text(id=str(number), content=content) for number, content in enumerate(contents)]
    answers = list(asked.ask(texts))
    assert [a.text_id for a in answers] == [t.id for t in texts]
    assert {a.status for a in answers} == {Status.OK}
    assert [a.key for a in answers] == [asked.key(t) for t in texts]
    return np.array([[a.scores[key] for key in TAXONOMY.keys] for a in answers])


def test_texts_are_likest_to_their_own_description():
    found = scores(teacher())
    assert (found[:2, 0] > 0.3).all()
    assert (found[2:4, 1] > 0.3).all()
    assert (found[:2, 1] < 0).all()
    assert np.abs(found).max() <= 1


def test_neighbours_lend_their_scores():
    alone, together = scores(teacher()), scores(teacher(neighbours=1))
    # "гол кубок" is nearest to "гол гол кубок", so each gets the mean of both.
    np.testing.assert_allclose(together[1], alone[:2].mean(axis=0), atol=1e-5)


def test_more_neighbours_than_texts_give_everyone_the_mean():
    found = scores(teacher(neighbours=50))
    np.testing.assert_allclose(found, np.tile(scores(teacher()).mean(axis=0), (len(CORPUS), 1)), atol=1e-5)


def test_blocks_do_not_change_the_scores(monkeypatch):
    whole = scores(teacher(neighbours=2))
    monkeypatch.setattr(descriptions, "_BLOCK", 2)
    np.testing.assert_array_equal(scores(teacher(neighbours=2)), whole)


def test_order_and_copies_in_the_corpus_do_not_matter():
    other = teacher(corpus=[*reversed(CORPUS), CORPUS[0]])
    np.testing.assert_array_equal(scores(other), scores(teacher()))
    assert other.key(Text(id="1", content="дождь")) == teacher().key(Text(id="2", content="дождь"))


def test_one_text_alone_is_like_nothing_in_particular():
    assert scores(teacher(corpus=["гол"]), ["гол"]).tolist() == [[0, 0]]


def test_a_category_without_description_is_its_name():
    named = Taxonomy.model_validate({"categories": [{"key": "гол"}, {"key": "money", "name": "банк"}]})
    (answer,) = teacher(named).ask([Text(id="1", content="гол гол кубок")])
    assert answer.scores["гол"] > 0 > answer.scores["money"]


def test_the_key_changes_with_what_could_change_the_answer():
    text = Text(id="1", content="дождь")
    described = TAXONOMY.model_dump()
    described["categories"][0]["description"] = "другое"
    ruled = TAXONOMY.model_dump()
    ruled["categories"][0]["keywords"] = ["гол"]
    others = [
        teacher(),
        teacher(Taxonomy.model_validate(described)),
        teacher(corpus=CORPUS[:-1]),
        teacher(fingerprint="f"),
        teacher(neighbours=3),
        teacher(name="second"),
    ]
    assert len({other.key(text) for other in others}) == len(others)
    assert teacher(Taxonomy.model_validate(ruled)).key(text) == teacher().key(text)


def test_a_text_outside_the_corpus_is_a_fault():
    with pytest.raises(ValueError, match="not in the corpus"):
        next(teacher().ask([Text(id="1", content="снег")]))
