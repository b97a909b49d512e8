"""People's answers: stored like any other, read back as reviews."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.dataset.reviews import Review, label_of
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.review.reviews import (
    answer_of,
    judged,
    key_of,
    read_reviews,
    review_of,
    reviews_digest,
)
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"name": "новости", "categories": [{"key": k} for k in "abc"]})
SINGLE = Taxonomy.model_validate(
    {"task": "single-label", "none": "c", "categories": [{"key": k} for k in "abc"]}
)


def grown(taxonomy, *keys):
    return taxonomy.model_validate(
        taxonomy.model_dump() | {"categories": [{"key": key} for key in keys], "none": None}
    )


def review(categories, taxonomy=MULTI, **changes):
    made = Review(
        text_id="1",
        judged=judged(categories, taxonomy),
        by="Анна",
        chosen="gain",
        before=("a",),
        probability=0.7,
        when=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return replace(made, **changes)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "answers.sqlite") as opened:
        yield opened


TEXTS = [Text(id="1", content="дождь"), Text(id="2", content="снег"), Text(id="3", content="дождь")]


@given(
    st.sets(st.sampled_from("abc")),
    st.one_of(st.none(), st.lists(st.sampled_from("abc"), unique=True).map(tuple)),
    st.sampled_from(["gain", "random"]),
    st.sampled_from(["blind", "suggested"]),
    st.none() | st.floats(0.01, 1e5),
    st.text(min_size=1, max_size=20).filter(lambda name: name.strip()),
)
def test_a_review_survives_being_an_answer(categories, before, chosen, shown, seconds, by):
    facts = {"before": before, "chosen": chosen, "shown": shown, "seconds": seconds, "by": by}
    said = replace(review(categories), taxonomy=MULTI.version, **facts)
    answer = answer_of(said, "дождь", MULTI)
    assert review_of(answer) == said
    assert answer.seconds == (seconds or 0)
    assert answer.teacher == f"person:{by}"
    assert answer.scores == {key: float(key in categories) for key in "abc"}


def test_one_content_has_one_review_and_the_later_person_counts(store):
    store.save([answer_of(review(["a"]), "дождь", MULTI)])
    store.save([answer_of(review(["b"], by="Борис"), "дождь", MULTI)])
    reviews = read_reviews(store, TEXTS, MULTI)
    assert reviews.keys() == {"1", "3"}
    assert {(one.by, one.categories) for one in reviews.values()} == {("Борис", ("b",))}


def test_lists_of_other_names_or_tasks_do_not_share_reviews():
    other = MULTI.model_copy(update={"name": "отзывы"})
    assert len({key_of("дождь", taxonomy) for taxonomy in (MULTI, other, SINGLE)}) == 3
    assert key_of("дождь", MULTI) == key_of("дождь", grown(MULTI, *"abcd")), "a new version keeps them"


def test_changed_means_another_label_than_before():
    assert not review(["a"]).changed
    assert not review(["a", "b"], before=("b", "a")).changed
    assert review(["b"]).changed
    assert review([], before=None).changed


@pytest.mark.parametrize("choice", [["x"], ["a", "x"]])
def test_unknown_categories_are_refused(choice):
    with pytest.raises(DataError, match="'x'"):
        judged(choice, MULTI)


@pytest.mark.parametrize("choice", [[], ["a", "b"]])
def test_a_single_label_choice_is_exactly_one(choice):
    with pytest.raises(DataError, match="exactly one"):
        judged(choice, SINGLE)


def test_a_review_needs_a_name():
    with pytest.raises(DataError, match="name"):
        answer_of(review(["a"], by=" "), "дождь", MULTI)


def test_a_new_category_is_unknown_in_old_multi_label_reviews():
    old = review(["a"])
    more = grown(MULTI, *"adbc")
    assert label_of(old, more) is None


def test_old_single_label_reviews_hold_while_their_category_is_in_the_list():
    more = SINGLE.model_validate(
        SINGLE.model_dump() | {"categories": [{"key": key} for key in "abcd"], "none": "c"}
    )
    assert label_of(review(["a"], SINGLE), more) == ("a",)
    assert label_of(review(["c"], SINGLE), more) is None, "what was nothing may be the new category"
    assert label_of(review(["a"], SINGLE), grown(SINGLE, "b", "c")) is None


def test_a_category_that_left_the_list_leaves_the_others_as_they_were():
    assert label_of(review(["a", "b"]), grown(MULTI, "b", "c")) == ("b",)
    assert label_of(review(["a"]), grown(MULTI, "b", "c")) == ()


def test_the_digest_changes_with_what_people_say_and_not_with_who_says_it(store):
    blank = reviews_digest(store, TEXTS, MULTI)
    store.save([answer_of(review(["a"]), "дождь", MULTI)])
    first = reviews_digest(store, TEXTS, MULTI)
    store.save([answer_of(review(["a"], by="Борис"), "дождь", MULTI)])
    assert reviews_digest(store, list(reversed(TEXTS)), MULTI) == first != blank
    store.save([answer_of(review([]), "дождь", MULTI)])
    assert reviews_digest(store, TEXTS, MULTI) not in (first, blank)


def test_the_digest_changes_with_what_may_measure(store):
    digests = []
    for chosen, shown in (("gain", "suggested"), ("random", "suggested"), ("random", "blind")):
        store.save([answer_of(review(["a"], chosen=chosen, shown=shown), "дождь", MULTI)])
        digests.append(reviews_digest(store, TEXTS, MULTI))
    assert digests[0] == digests[1] != digests[2], "beside a suggestion neither measures"


@pytest.mark.parametrize("chosen", ["gain", "random"])
def test_reviews_from_before_texts_were_shown_blind_count_as_suggested(chosen):
    raw = {"chosen": chosen, "before": ["a"], "probability": 0.7, "when": "2026-03-01T00:00:00+00:00"}
    old = replace(answer_of(review(["b"]), "дождь", MULTI), raw=json.dumps(raw))
    assert review_of(old) == review(["b"], chosen=chosen, shown="suggested")
    assert not review_of(old).measures


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["дождь", "снег", "град"]), st.sets(st.sampled_from("abc"))), max_size=8
    )
)
def test_the_last_word_on_each_content_is_read(tmp_path_factory, said):
    texts = [Text(id=content, content=content) for content in ("дождь", "снег", "град")]
    with Store.open(tmp_path_factory.mktemp("store") / "a.sqlite") as store:
        for content, categories in said:
            store.save([answer_of(review(categories, text_id=content), content, MULTI)])
        reviews = read_reviews(store, texts, MULTI)
    assert {content: one.categories for content, one in reviews.items()} == {
        content: tuple(sorted(categories)) for content, categories in dict(said).items()
    }
