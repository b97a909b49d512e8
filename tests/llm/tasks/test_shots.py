"""Which examples are shown: never the text itself nor a duplicate of it."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.llm.tasks.examples import Golden, Shots, drawn, fixed, nearest
from rubricator.llm.tasks.task import Example
from rubricator.records import Text


def golden(name, *categories, content="", group=""):
    return Golden(Text(id=name, content=content or f"о {name}"), categories, group or f"g-{name}")


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_no_examples_is_the_usual_case():
    assert Shots()(Text(id="1")) == ()
    assert Shots().typical == ((),)


def test_fixed_examples_leave_out_the_text_itself_and_its_duplicates():
    shown = [golden("a", "x"), golden("b", "y"), golden("c", "z", content="одно и то же")]
    texts = [
        shown[0].text,
        Text(id="near", content="почти о b"),
        Text(id="same", content="одно и то же"),
        Text(id="other", content="о другом"),
    ]
    shots = fixed(shown, texts, {"a": "g-a", "near": "g-b"})
    contents = {text.id: [example.content for example in shots(text)] for text in texts}
    assert contents == {
        "a": ["о b", "одно и то же"],
        "near": ["о a", "одно и то же"],
        "same": ["о a", "о b"],
        "other": ["о a", "о b", "одно и то же"],
    }
    assert shots.typical == (shots(texts[3]),)


def test_examples_are_drawn_evenly_over_the_categories():
    pool = [golden(f"x{n}", "x") for n in range(50)] + [golden(f"y{n}", "y") for n in range(4)]
    pool += [golden("z0", "z"), golden("none0"), golden("none1")]
    picked = drawn(pool, 8, ("x", "y", "z", "unused"), seed=1)
    assert Counter(item.categories for item in picked)[("z",)] == 1
    assert min(Counter(item.categories for item in picked).values()) >= 1
    assert Counter(item.categories for item in picked)[("x",)] <= 3
    assert picked == drawn(list(reversed(pool)), 8, ("x", "y", "z", "unused"), seed=1)
    assert picked != drawn(pool, 8, ("x", "y", "z", "unused"), seed=2)


def test_no_two_drawn_examples_are_duplicates():
    pool = [golden(f"a{n}", "x", group="one") for n in range(5)]
    pool += [golden(f"b{n}", "y", content="то же") for n in range(5)]
    assert len(drawn(pool, 10, ("x", "y"), seed=0)) == 2
    assert drawn([], 3, ("x",), seed=0) == []


def test_the_nearest_examples_are_shown_the_likest_last():
    pool = [golden("a", "x"), golden("b", "y"), golden("c", "z")]
    vectors = unit([[1, 0], [1, 1], [0, 1]])
    text = Text(id="t", content="о чём-то")
    shots = nearest(pool, vectors, [text], unit([[0.9, 0.2]]), {}, 2)
    assert shots(text) == (Example("о b", ("y",)), Example("о a", ("x",)))
    assert len(shots.typical) == 3
    # A golden text that stands for a text without content does not see itself either.
    assert [len(examples) for examples in shots.typical] == [2, 2, 2]
    assert nearest([], unit(np.ones((0, 2))), [text], unit([[1, 0]]), {}, 2)(text) == ()


@settings(max_examples=50)
@given(st.data())
def test_a_text_never_sees_itself_or_a_duplicate(data):
    groups = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=8))
    contents = data.draw(st.lists(st.sampled_from("абвгд"), min_size=len(groups), max_size=len(groups)))
    texts = [Text(id=str(n), content=content) for n, content in enumerate(contents)]
    of = {text.id: str(group) for text, group in zip(texts, groups, strict=True)}
    # The category names the golden text, so that what is shown can be traced.
    pool = {text.id: Golden(text, (text.id,), of[text.id]) for text in texts[::2]}
    rows = unit(np.random.default_rng(len(texts)).normal(size=(len(texts), 3)))
    chosen = list(pool.values())
    for shots in (nearest(chosen, rows[::2], texts, rows, of, 9), fixed(chosen, texts, of)):
        for text in texts:
            shown = {example.categories[0] for example in shots(text)}
            allowed = {
                name
                for name, item in pool.items()
                if item.group != of[text.id] and item.text.content != text.content
            }
            assert shown <= allowed
            assert {pool[name].group for name in shown} == {pool[name].group for name in allowed}
