"""Prompt files: the shipped ones for every kind of taxonomy, and what is said of a user's faulty one."""

from pathlib import Path

import pytest

from rubricator.errors import ConfigError
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Each, Questions
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.task import Example
from rubricator.taxonomy import Taxonomy

TASKS = {"choose": Choose, "each": Each, "question": Questions, "explain": Explain}
FOLDER = Path(__file__).parents[3] / "src" / "rubricator" / "llm" / "prompts"
HEAD = "{# \ntask: choose\nlanguage: en\nversion: 1\n#}\n"
BLOCKS = (
    "{% block system %}Pick.{% endblock %}{% block text %}{{ text }}{% endblock %}"
    "{% block answer %}{{ answer }}{% endblock %}"
)


def taxonomy(task="single-label", none=None, **changes):
    first = {"key": "garden", "name": "Сад и огород", "description": "грядки, рассада"} | changes
    categories = [first, {"key": "fishing", "name": "Рыбалка"}, {"key": "other", "name": "Прочее"}]
    return Taxonomy.model_validate({"task": task, "none": none, "categories": categories})


def test_the_shipped_prompts_are_these():
    expected = {f"{task}.{language}.jinja" for task in TASKS for language in ("ru", "en")}
    expected |= {"question-alone.ru.jinja", "question-alone.en.jinja"}
    assert {path.name for path in FOLDER.iterdir()} == expected


KINDS = [(task, kind) for task in TASKS for kind in ("single-label", "multi-label")]
KINDS.remove(("choose", "multi-label"))


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(("task", "kind"), KINDS)
def test_a_shipped_prompt_says_all_that_is_needed(task, language, kind):
    asked = taxonomy(kind, none="other" if kind == "single-label" else None)
    asker = TASKS[task](asked, Prompt.shipped(task, language))
    requests = asker.requests("Лещ клевал весь вечер", [Example("Полил огурцы", ("garden",))])
    for request in requests:
        system, example, answer, question = request.messages
        assert [m.role for m in request.messages] == ["system", "user", "assistant", "user"]
        assert all(
            word in system.content for word in ("Сад и огород", "грядки, рассада", "Рыбалка", "Прочее")
        )
        assert ("one of the others" in system.content or "из остальных" in system.content) == (
            kind == "single-label"
        )
        assert "Полил огурцы" in example.content
        assert answer.content.strip() == answer.content != ""
        assert "Лещ клевал весь вечер" in question.content
        # The next token is the bare answer.
        assert question.content.endswith((":\n", ")\n"))
        assert "\n\n\n" not in "".join(m.content for m in request.messages)
        # Nothing of the text comes before what all texts share.
        assert (
            request.messages[:3]
            == asker.requests("Другое", [Example("Полил огурцы", ("garden",))])[
                requests.index(request)
            ].messages[:3]
        )


def test_a_text_is_never_a_template():
    asker = Choose(taxonomy(), Prompt.shipped("choose", "ru"))
    (request,) = asker.requests("{{ categories }} {% raw %}", ())
    assert "{{ categories }} {% raw %}" in request.messages[-1].content


def test_a_description_that_begins_with_the_name_is_not_said_twice():
    asker = Choose(taxonomy(description="Сад и огород: грядки"), Prompt.shipped("choose", "ru"))
    (request,) = asker.requests("", ())
    assert "A. Сад и огород: грядки\n" in request.messages[0].content


def test_the_version_covers_file_and_categories():
    def version(asked, **front):
        source = HEAD + BLOCKS + front.get("more", "")
        return Choose(asked, Prompt(source, place="p", task="choose")).version

    plain = version(taxonomy())
    assert plain == version(taxonomy())
    changed = [
        version(taxonomy(), more=" "),
        version(taxonomy(none="other")),
        version(taxonomy(description="рассада")),
        version(taxonomy(name="Дача")),
        version(taxonomy(key="plot")),
    ]
    assert len({plain, *changed}) == 6
    # The rules of a category are not in the prompt.
    assert version(taxonomy(keywords=["лопата"])) == plain


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (BLOCKS, "does not begin with a comment"),
        ("{# a: [ #}" + BLOCKS, "is not YAML"),
        ("{# just words #}" + BLOCKS, "first comment"),
        (HEAD.replace("version: 1", "version: one") + BLOCKS, "version"),
        (HEAD.replace("language", "lang") + BLOCKS, "lang"),
        (HEAD.replace("choose", "explain") + BLOCKS, "no|for the task 'explain', not 'choose'"),
        (HEAD + BLOCKS.replace("block answer", "block anser"), "no block 'answer'"),
        (HEAD + BLOCKS.replace("{{ text }}", "{{ txt }}"), "nothing is called 'txt' .did you mean 'text'"),
        (HEAD + BLOCKS.replace("{{ text }}", "{{ text"), "line 6"),
        (HEAD + BLOCKS.replace("{{ text }}", "{% if text %}"), "line 6"),
        (HEAD + BLOCKS.replace("Pick.", "\n{{ categories[0].titel }}"), "block system: .*titel"),
        (HEAD + BLOCKS.replace("Pick.", "{{ categories[9].title }}"), "block system"),
        (HEAD + BLOCKS.replace("{{ text }}", "{{ text + 1 }}"), "block text"),
        (HEAD + BLOCKS.replace("{{ answer }}", "{{ text.__class__.mro() }}"), "block answer"),
    ],
)
def test_a_faulty_prompt_is_refused_before_anything_is_asked(tmp_path, source, problem):
    path = tmp_path / "mine.jinja"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"(?s)mine.jinja.*({problem})") as caught:
        Choose(taxonomy(), Prompt.read(path, "choose"))
    assert caught.value.fix


def test_words_that_the_parser_needs_must_be_named():
    source = HEAD.replace("choose", "question") + BLOCKS
    with pytest.raises(ConfigError, match=r"no words\.yes"):
        Prompt(source, place="p", task="question")


def test_a_prompt_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Prompt.read(tmp_path / "no.jinja", "choose")


def test_unquoted_yes_and_no_are_words(tmp_path):
    source = HEAD.replace("choose", "question").replace("#}", "words: {yes: Oui, no: Non}\n#}") + BLOCKS
    prompt = Prompt(source, place="p", task="question")
    (first, *_) = Questions(taxonomy(), prompt).requests("", ())
    assert first.choices == ("Oui", "Non")
