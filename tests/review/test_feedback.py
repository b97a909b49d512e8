"""Decisions carried over to the list of today, and the reviews that they make."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.review.feedback import Decision, read_decisions, store_decision
from rubricator.review.reviews import read_reviews
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History, Version


def taxonomy(*keys):
    return Taxonomy.model_validate({"name": "новости", "categories": [{"key": key} for key in keys]})


OLD, NEW = taxonomy("a", "b", "c", "d"), taxonomy("a", "x", "e", "f", "n")


@pytest.fixture
def history(tmp_path):
    first = Version(
        number="1.0",
        digest=OLD.version,
        when="2026-01-01",
        change="begun",
        meanings={key: f"{key}@1.0" for key in OLD.keys},
    )
    second = Version(
        number="2.0",
        digest=NEW.version,
        when="2026-02-01",
        change="changed",
        moved={"b": ("x",), "c": ("e", "f"), "d": ()},
        meanings={"a": "a@1.0", "x": "b@1.0", "e": "e@2.0", "f": "f@2.0", "n": "n@2.0"},
    )
    return History(tmp_path / "taxonomy.yaml", [first, second])


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "feedback.sqlite") as opened:
        yield opened


def decision(*categories, **changes):
    made = Decision(
        text_id="1",
        content="дождь на выходных",
        editor="Анна",
        categories=categories,
        predicted=("a",),
        shown="blind",
        chosen="random",
        model="news@1",
        taxonomy=NEW.version,
        when=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return replace(made, **changes)


TEXTS = [Text(id="7", content="дождь на выходных")]


def test_a_decision_becomes_the_review_of_its_text(store):
    assert store_decision(store, decision("x"), "k", NEW)
    review = read_reviews(store, TEXTS, NEW)["7"]
    assert (review.categories, review.by, review.measures, review.before) == (("x",), "Анна", True, ("a",))


def test_one_that_does_not_measure_does_not_replace_one_that_does(store):
    store_decision(store, decision("x"), "k1", NEW)
    store_decision(store, decision("a", shown="suggested", editor="Борис"), "k2", NEW)
    assert read_reviews(store, TEXTS, NEW)["7"].by == "Анна"
    assert [one.editor for one in read_decisions(store)] == ["Анна", "Борис"]


@pytest.mark.parametrize("stamp", [OLD.version, "1.0", f"1.0 ({OLD.version})"])
def test_an_earlier_list_is_translated(store, history, stamp):
    store_decision(store, decision("b", taxonomy=stamp), "k", NEW, history)
    (one,) = read_decisions(store)
    assert (one.categories, one.taxonomy) == (("x",), NEW.version)
    # The editor could not choose what was not there.
    assert "n" not in read_reviews(store, TEXTS, NEW)["7"].judged


@pytest.mark.parametrize(("key", "why"), [("c", "split into e, f"), ("d", "was removed")])
def test_what_nobody_can_translate_is_refused(store, history, key, why):
    with pytest.raises(DataError, match=why):
        store_decision(store, decision(key, taxonomy=OLD.version), "k", NEW, history)
    assert read_decisions(store) == []


def test_an_unknown_list_is_refused(store, history):
    for known in (None, history):
        with pytest.raises(DataError, match="no history says"):
            store_decision(store, decision("a", taxonomy="0123456789ab"), "k", NEW, known)
