"""What sources repeat is found, taken out, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rubricator.config import Clean
from rubricator.dataset.boilerplate import Repeated
from rubricator.ingest.boilerplate import BoilerplateRemover, find_boilerplate, repeated_in
from rubricator.ingest.clean import Cleaner
from rubricator.records import Text

LETTERS = "абвгдежзиклмнопрст"


def text(number: int, content: str, source: str) -> Text:
    return Text(id=f"{source}{number}", body=content, content=content, source=source)


def body(number: int) -> str:
    """Words that stand in no other text."""
    own = LETTERS[number // 18 % 18] + LETTERS[number % 18]
    return f"{own}мост {own}река {own}снег"


CHANNEL = [text(n, f"{body(n)}\n\nКанал «Маяк». Подписаться", "маяк") for n in range(40)]
AGENCY = [text(n, f"{body(n)}\nПРИСТАНЬ, {n % 28} мая — Сигнал. {body(n + 50)}", "сигнал") for n in range(40)]
OTHERS = [text(n, body(n + 150), "тихий") for n in range(120)]


def test_lines_and_beginnings_of_lines_are_found_with_numbers_as_alike() -> None:
    found = find_boilerplate([*CHANNEL, *AGENCY, *OTHERS], share=0.2)
    assert {(one.source, one.place, one.words, one.texts) for one in found} == {
        ("маяк", "line", "канал маяк подписаться", 40),
        ("сигнал", "beginning", "пристань 0 мая сигнал", 40),
    }


def test_what_is_found_is_taken_out_and_the_rest_stays() -> None:
    remover = BoilerplateRemover(find_boilerplate([*CHANNEL, *AGENCY, *OTHERS], share=0.2))
    assert remover.content(CHANNEL[3].content, "маяк") == body(3)
    assert remover.content(AGENCY[3].content, "сигнал") == f"{body(3)}\n{body(53)}"
    assert remover.texts(OTHERS) == OTHERS
    assert remover.content("Канал «Маяк». Подписаться", "маяк") == "Канал «Маяк». Подписаться"  # nothing else


def test_a_text_of_no_known_source_loses_what_any_repeats_and_one_of_another_does_not() -> None:
    remover = BoilerplateRemover(find_boilerplate(CHANNEL, share=0.2))
    assert remover.content(CHANNEL[0].content, "") == body(0)
    assert remover.content(CHANNEL[0].content, "другой") == CHANNEL[0].content


def test_copies_few_texts_and_what_is_rare_are_no_boilerplate() -> None:
    assert find_boilerplate(CHANNEL[:19], share=0.2) == []
    assert find_boilerplate([text(n, "Одно и то же\nкаждый день", "эхо") for n in range(60)], share=0.2) == []
    rare = [text(n, body(n) + ("\nРеклама кваса" if n < 4 else ""), "эхо") for n in range(60)]
    assert find_boilerplate(rare, share=0.05) == []


def test_words_that_all_sources_begin_lines_with_are_language() -> None:
    texts = [
        text(n, f"{body(n)}\nПо его словам {body(n + 7)}", source) for source in "абвг" for n in range(60)
    ]
    assert find_boilerplate(texts, share=0.2) == []


def test_words_inside_lines_are_told_and_stay() -> None:
    texts = [
        text(n, f"{body(n)} передаёт наш корреспондент с причала {body(n + 9)}", "маяк") for n in range(60)
    ]
    (found,) = find_boilerplate([*texts, *OTHERS], share=0.2)
    assert (found.place, found.removable) == ("inside", False)
    assert BoilerplateRemover([found]).texts(texts) == texts


def test_it_is_off_by_default_and_a_cleaner_with_it_is_the_service_s() -> None:
    texts = [*CHANNEL, *OTHERS]
    assert repeated_in(texts, Clean()) == []
    found = repeated_in(texts, Clean(boilerplate=True))
    assert [one.words for one in found] == ["канал маяк подписаться"]
    assert Cleaner(Clean(), found).content(CHANNEL[5]) == body(5)
    assert Cleaner(Clean()).content(CHANNEL[5]) == CHANNEL[5].content


lines = st.lists(
    st.sampled_from(["Подписаться", "сад и река", "Слово дня 12: мост", "— — —", ""]), max_size=6
)


@given(lines, st.sampled_from(["line", "beginning", "end"]), st.sampled_from(["подписаться", "слово дня 0"]))
def test_taking_out_never_empties_a_text_and_adds_nothing(content: list[str], place: str, words: str) -> None:
    whole = "\n".join(content)
    left = BoilerplateRemover([Repeated("маяк", place, words, 1.0, 9, words)]).content(whole, "маяк")  # type: ignore[arg-type]
    assert bool(left.strip()) or not whole.strip()
    assert len(left) <= len(whole)
    rest = iter(whole)
    assert all(sign in rest for sign in left)
