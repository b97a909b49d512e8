"""Templates of prompt files: what people write works, what would not end is refused in a sentence."""

from __future__ import annotations

import time

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import ConfigError
from rubricator.llm.tasks import bounded_templates
from rubricator.llm.tasks.bounded_templates import BoundedTemplate
from rubricator.llm.tasks.prompt import Prompt

HEAD = "{# \ntask: choose\nlanguage: en\nversion: 1\n#}\n"
TEXT = "Лещ клевал весь вечер. " * 100


def filled(body: str, **variables: object) -> str:
    shared = {"text": TEXT, "categories": ["а", "б", "в"], "words": {"yes": "да"}, "single": True}
    return BoundedTemplate(f"{{% block text %}}{body}{{% endblock %}}").fill_in("text", shared | variables)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "{% for c in categories %}{{ loop.index }}/{{ loop.length }}{{ c }} {% endfor %}",
            "1/3а 2/3б 3/3в ",
        ),
        (
            "{% for c in categories if c != 'б' %}{{ c }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "а, в",
        ),
        ("{% for c in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for k, v in words.items() %}{{ k }}={{ v }}{% endfor %}", "yes=да"),
        ("{{ categories | join(', ') | upper }}", "А, Б, В"),
        ("{{ categories | map('upper') | list | length }}", "3"),
        ("{{ 'a' ~ 1 ~ '' ~ none ~ 2.5 }}{{ 1 ~ '' }}", "a1None2.51"),
        ("{{ 'a' + 'b' }}{{ 2 + 3 * 4 }}{{ 7 % 4 }}", "ab143"),
        ("{{ text.strip().split('.')[0].upper()[:4] }}", "ЛЕЩ "),
        ("{{ 'a.b' | replace('.', '-') | indent(2) }}{{ 'x' | center(5) }}|", "a-b  x  |"),
        ("{% set a = 'x' %}{% for i in range(3) %}{{ a }}{{ i }}{% endfor %}", "x0x1x2"),
        ("{% set a %}block {{ 1 }}{% endset %}{{ a }}", "block 1"),
        ("{{ loop.cycle('a') if loop is defined else 'no loop' }}", "no loop"),
        ("{% for c in categories %}{{ loop.cycle('1', '2') }}{% endfor %}", "121"),
    ],
)
def test_what_people_write_is_filled_in(body: str, expected: str) -> None:
    assert filled(body) == expected


ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
PIECES = st.sampled_from(
    [
        *("{{ text }}", "{{ text ~ 1 }}", "{{ categories[1] + 'x' }}", "\n", " a", "{% if single %}\n"),
        *("{% else %}", "{% endif %}", "{% for c in categories %}", "{{ c }}", "{% endfor %}"),
        *("{{ loop.index0 }}", "{% set c = 2 %}"),
    ]
)


@given(st.lists(PIECES, max_size=12).map(lambda pieces: "." + "".join(pieces) + "."))
def test_it_gives_what_jinja_gives(body: str) -> None:
    variables = {"text": "т", "categories": ["а", "б"], "single": True}
    try:
        expected = ENVIRONMENT.from_string(body).render(variables)
    except jinja2.TemplateError:
        return
    assert filled(body, **variables) == expected


@pytest.mark.parametrize(
    "body",
    [
        "{{ 'a' * 10**10 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 2 ** 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a'.zfill(1000000000) }}",
        "{{ 'a'.replace('a', text) }}",
        "{{ text.join(text) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a\nb' | indent(1000000000) }}",
        "{{ 'a\nb' | indent(text) }}",
        "{{ 'ab' | wordwrap(1, wrapstring=text) }}",
        "{{ [1] | batch(1000000000, 'x') | list }}",
        "{{ [1] | slice(1000000000) | list }}",
        "{{ [1] | tojson(indent=1000000000) }}",
        "{{ text | join(text) | join(text) | join(text) }}",
        "{{ text | replace('', text) | replace('', text) }}",
        "{{ range(1000000000) | list }}",
        "{{ lipsum(n=1000000000) }}",
        "{{ self.text() }}",
        "{{ namespace(a=1) }}",
        "{{ cycler('a') }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in text %}{% for b in text %}{% for c in text %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{{ text }}{% endfor %}",
        "{% set x %}{% for i in range(100000) %}{{ text }}{% endfor %}{% endset %}",
        "{% for i in range(99999) %}" + "x" * 1000 + "{% endfor %}",
        "{% set x = text %}" + "{% set x = x ~ x %}" * 60,
        "{% set x = text %}" + "{% set x = x + x %}" * 60,
        "{% set x = [1] %}" + "{% set x = x + x %}" * 60,
        "{% set x = 10 %}" + "{% set x = x * x %}" * 60,
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% call text() %}{% endcall %}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% for c in categories recursive %}{{ loop(categories) }}{% endfor %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
        "{% for a in text %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "9" * 5000 + " }}",
        "{{ " + " ~ ".join(["text"] * 5000) + " }}",
        "{{ text.__class__.__mro__ }}",
        "{{ ''.__class__.mro()[1].__subclasses__() }}",
    ],
)
def test_what_would_not_end_or_escape_is_refused_in_a_sentence(body: str) -> None:
    blocks = "{% block system %}.{% endblock %}{% block answer %}{{ answer }}{% endblock %}"
    started = time.monotonic()
    source = f"{HEAD}{{% block text %}}{body}{{% endblock %}}{blocks}"
    variables = {"text": TEXT, "categories": ["a"]}
    with pytest.raises(ConfigError, match="The prompt mine cannot be used"):
        Prompt(source, place="mine", task="choose").render("text", variables)
    assert time.monotonic() - started < 5


def test_time_is_bounded_whatever_it_is_spent_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_templates, "_SECONDS", 0.05)
    with pytest.raises(jinja2.TemplateRuntimeError, match=r"takes more than 0\.05 s"):
        filled("{% for i in range(90000) %}{% set x = text ~ text %}{% endfor %}", text=TEXT * 100)


def test_a_prompt_of_absurd_length_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 200,000 characters"):
        Prompt(HEAD + " " * 200_000, place="mine", task="choose")
