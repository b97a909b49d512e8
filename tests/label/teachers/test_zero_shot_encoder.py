"""The encoder teacher: which categories it prefers, and what its answers depend on."""

import numpy as np
import pytest

from rubricator.label.teachers import likeness
from rubricator.label.teachers.zero_shot_encoder import EncoderTeacher, TeacherEncoder, parse_views
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


def encoder(name="one", vectors=encode, fingerprint="e"):
    return TeacherEncoder(name=name, encode=vectors, fingerprint=fingerprint)


def blind(contents):
    """Sees sport in everything: what an encoder makes of a language that it does not know."""
    return encode(["гол"] * len(contents))


ONE = encoder()


def teacher(taxonomy=TAXONOMY, corpus=CORPUS, encoders=(ONE,), **options):
    return EncoderTeacher(taxonomy, corpus, encoders, **({"neighbours": 0} | options))


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


def test_scores_are_in_standard_deviations():
    found = scores(teacher())
    assert found.mean() == pytest.approx(0, abs=1e-3)
    assert found.std() == pytest.approx(1, abs=1e-3)


def test_the_answer_is_the_mean_over_the_encoders_in_which_the_first_counts_twice():
    encoders = [encoder(), encoder("two", lambda contents: encode(contents)[:, ::-1] ** 2, "f")]
    one, two = (scores(teacher(encoders=[each])) for each in encoders)
    np.testing.assert_allclose(scores(teacher(encoders=encoders)), (2 * one + two) / 3, atol=1e-3)


def test_an_encoder_that_sees_no_difference_changes_no_decision():
    both = scores(teacher(encoders=[encoder(), encoder("blind", blind, "f")]))
    np.testing.assert_allclose(both, scores(teacher()) * 2 / 3, atol=1e-3)


def test_the_answer_keeps_what_every_view_says():
    asked = teacher(encoders=[encoder(), encoder("two", fingerprint="f")])
    (answer,) = asked.ask([Text(id="1", content="гол кубок")])
    views = parse_views(answer)
    assert list(views) == ["one, whole description", "one, pieces", "two, whole description", "two, pieces"]
    assert views["one, pieces"] == views["two, pieces"] == list(answer.scores.values())
    assert views["one, whole description"] != views["one, pieces"]


def test_neighbours_lend_their_scores():
    alone, together = scores(teacher()), scores(teacher(neighbours=1))
    # "гол кубок" and "гол гол кубок" are nearest to each other, so both get the mean of both.
    assert not np.allclose(alone[0], alone[1])
    np.testing.assert_array_equal(together[0], together[1])


def test_more_neighbours_than_texts_give_everyone_the_mean():
    found = scores(teacher(neighbours=50))
    np.testing.assert_array_equal(found, np.tile(found[0], (len(CORPUS), 1)))


def test_blocks_do_not_change_the_scores(monkeypatch):
    whole = scores(teacher(neighbours=2))
    monkeypatch.setattr(likeness, "_BLOCK", 2)
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
    ruled["categories"][0]["keywords"] = ["вратар*"]
    others = [
        teacher(),
        teacher(Taxonomy.model_validate(described)),
        teacher(corpus=CORPUS[:-1]),
        teacher(Taxonomy.model_validate(ruled)),
        teacher(encoders=[encoder(fingerprint="f")]),
        teacher(encoders=[encoder(name="renamed")]),
        teacher(encoders=[encoder(), encoder("two", fingerprint="f")]),
        teacher(neighbours=3),
        teacher(name="second"),
    ]
    assert len({other.key(text) for other in others}) == len(others)


def test_a_text_outside_the_corpus_is_a_fault():
    with pytest.raises(ValueError, match="not in the corpus"):
        next(teacher().ask([Text(id="1", content="снег")]))
