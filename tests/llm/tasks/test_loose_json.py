"""JSON as models write it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.llm.tasks.loose_json import json_values


def values(text):
    return [spoken.value for spoken in json_values(text)]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": [0]}',
        'Here it is: {"a": 1, "b": [0]}. Anything else?',
        '```json\n{"a": 1, "b": [0],}\n```',
        "{'a': 1, 'b': [0,],}",
        '{a: 1, "b": [0]}',
        "{“a”: 1, “b”: [0]}",
        '{"a": 1, // not "b": 2}\n"b": [0] /* ] } */, # the end\n}',
        '5" wide: {"a": 1, "b": [0]}',
        '{"a": 1, "a": 1, "b": [0]}',
    ],
)
def test_what_is_meant_is_read(text):
    assert values(text) == [{"a": 1, "b": [0]}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no json", []),
        ('{"a": 1', []),
        ("[" * 5000, []),
        ("{" * 40 + "}" * 40, []),
        ('{"a": 1, "a": 0}', [None]),
        ('{"a": }', [None]),
        ("{see above}", [None]),
        ('{"a": 1}\n\nText: {"a": 0}', [{"a": 1}, {"a": 0}]),
        ("{'a': 'it\\'s', \"b\": \"don't\"}", [{"a": "it's", "b": "don't"}]),
        (
            "{a: True, b: None, c: false, d: yes, 1: 0}",
            [{"a": True, "b": None, "c": False, "d": "yes", "1": 0}],
        ),
        ('{"why": "two\nlines, a } and a \\" in them"}', [{"why": 'two\nlines, a } and a " in them'}]),
    ],
)
def test_what_is_read(text, expected):
    assert values(text) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    JSON.filter(lambda value: isinstance(value, list | dict)), st.booleans(), st.text(alphabet="ab \n,.:'\"")
)
def test_json_is_read_as_it_is_wherever_it_stands(value, escaped, words):
    written = json.dumps(value, ensure_ascii=escaped)
    (spoken,) = json_values(f"{words}{written}{words}")
    assert spoken.value == value
    assert (spoken.start, spoken.end) == (len(words), len(words) + len(written))
