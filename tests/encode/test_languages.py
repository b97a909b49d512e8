from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import pytest

from rubricator.encode.bundled_use import LANGUAGES
from rubricator.encode.languages import known_share, language_shares, languages_of, may_be_in
from rubricator.errors import MissingExtraError

pytest.importorskip("py3langid")

KNOWN = [
    "Вчера в порту разгрузили баржу с мандаринами, и весь берег пах праздником.",
    "The ferry was late again, so we played chess on the pier until dusk.",
    "Der Bäcker an der Ecke schließt im August für drei Wochen.",
    "Les voisins ont repeint la clôture en vert, sauf le portail.",
    "El tranvía se detuvo en medio del puente por culpa de la nieve.",
    "Il gatto del farmacista dorme sempre sulla bilancia.",
    "De fietsen staan nog steeds in de regen achter het station.",
    "Babcia schowała słoiki z ogórkami pod schodami w piwnicy.",
    "O carteiro esqueceu o guarda-chuva na padaria da esquina.",
    "Komşunun köpeği her sabah gazeteyi kapıya kadar getiriyor.",
    "駅前の本屋は来月から夜十時まで開いているそうです。",
    "어제 산 우산을 지하철에 두고 내렸다는 걸 이제야 알았다.",
    "图书馆三楼的窗户坏了，下雨天地板总是湿的。",
    "圖書館三樓的窗戶壞了，下雨天地板總是濕的。",
    "نسي الجيران مفتاح البوابة عند البقال فانتظروا حتى المساء.",
    "แมวของป้าข้างบ้านชอบนอนบนหลังคารถทุกเช้า",
]
UNKNOWN = [
    "Кеше ауылға қар түсіп, балалар таңертеңнен бері шана теуіп жүр.",
    "Көрші апам базардан үлкен қарбыз әкеліп, бәрімізді шайға шақырды.",
    "Naapurin kissa nukkuu joka aamu postilaatikon päällä.",
    "Szomszédunk kutyája minden reggel elviszi az újságot.",
    "მეზობლის ძაღლს ყოველ დილით გაზეთი მოაქვს კართან.",
    "Con chó nhà hàng xóm sáng nào cũng tha tờ báo về cửa.",
]


@pytest.mark.parametrize("text", KNOWN)
def test_each_language_of_the_encoder_is_known(text: str) -> None:
    assert known_share([text], LANGUAGES) == 1


@pytest.mark.parametrize("text", UNKNOWN)
def test_another_language_is_not(text: str) -> None:
    assert known_share([text], LANGUAGES) == 0


def test_the_share_is_that_of_the_texts() -> None:
    assert known_share([*KNOWN[:3], UNKNOWN[0]], LANGUAGES) == 0.75


def test_whoever_knows_any_language_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    assert known_share(UNKNOWN, None) == 1


@pytest.mark.parametrize(
    "text",
    ["", "ок", "👍👍👍", "+7 900 000-00-00", "12 345,67", "қант", "https://", "\ud800", "ну норм", "XXL"],
)
def test_too_little_to_tell_is_no_reason_to_refuse(text: str) -> None:
    assert known_share([text], LANGUAGES) == 1
    assert known_share([text, UNKNOWN[0]], LANGUAGES) == 0


@pytest.mark.parametrize(
    "text",
    [
        "Купил iPhone 15 Pro Max, пользуюсь AirDrop каждый день",
        "размер подошёл, спасибо",
        "Мандарины, шана, қар: словарик для поездки",
        "Заказ № A-1734/b: доставка DHL Express, трек 00340434",
        "лол кек чебурек пыщ-пыщ",
    ],
)
def test_mixed_short_and_odd_texts_are_not_refused(text: str) -> None:
    assert known_share([text], LANGUAGES) == 1


def test_no_texts_speak_against_nothing() -> None:
    assert known_share([], LANGUAGES) == 1


def test_a_large_corpus_is_sampled_throughout() -> None:
    corpus = KNOWN[:1] * 6000 + UNKNOWN[:1] * 2000
    assert known_share(corpus, LANGUAGES) == pytest.approx(0.75, abs=0.01)


def test_other_languages_can_be_asked_for() -> None:
    assert known_share(UNKNOWN[:2], {"kk"}) == 1
    assert known_share(KNOWN[:1], ["kk", "en"]) == 0


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from rubricator.encode import languages

    languages._identifier.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[use\]"):
        known_share(KNOWN, LANGUAGES)


@pytest.mark.parametrize(
    ("language", "least", "most"), [("rus", 0.99, 1), ("eng", 0.99, 1), ("kaz", 0, 0.01)]
)
def test_sib_200_is_told_apart(language: str, least: float, most: float) -> None:
    data = Path(os.environ.get("RUBRICATOR_DATA", Path(__file__).parents[3] / "shared/data")) / "sib200"
    if not data.is_dir():
        pytest.skip("SIB-200 is not here (RUBRICATOR_DATA)")
    (folder,) = data.glob(f"{language}_*")
    with (folder / "train.tsv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t")]
    assert least <= known_share(texts, LANGUAGES) <= most


def test_short_texts_are_told_among_the_languages_that_long_ones_are_written_in() -> None:
    russian = "На причале третий день ждут паром, а он всё не идёт, и чайки съели хлеб"
    english = "The lighthouse keeper painted the door green because nobody remembered the old colour"
    texts = [russian] * 8 + [english] * 8 + ["брат с дыркой", "12", "ок"]
    found = languages_of(texts, most=100)
    assert found[:16] == ["ru"] * 8 + ["en"] * 8
    assert found[16:] == ["ru", "", ""]
    assert languages_of(texts, most=4) == ["ru", "ru", "en", "en"]


def test_a_text_of_a_language_that_no_other_has_is_not_given_theirs() -> None:
    russian = "На причале третий день ждут паром, а он всё не идёт, и чайки съели хлеб"
    assert languages_of([russian] * 99 + ["ㄱㄴㄷㄹ 바람이 불고 눈이 온다"], most=200)[-1] in ("ko", "")


def test_a_text_may_be_in_a_language_unless_it_surely_is_not() -> None:
    russian = "Сапоги промокли в первый же день, подошва отклеилась через неделю"
    english = "The boots leaked on the very first day and the sole came off in a week"
    assert may_be_in(russian, ["ru"])
    assert not may_be_in(english, ["ru"])
    assert may_be_in(english, ["ru", "en"])
    assert may_be_in("ok", ["ru"])


def test_languages_of_texts_are_counted_where_they_can_be_told() -> None:
    russian = "Сапоги промокли в первый же день, подошва отклеилась через неделю"
    english = "The boots leaked on the very first day and the sole came off in a week"
    assert language_shares([russian, russian, russian, english, "ok"]) == {"ru": 0.75, "en": 0.25}
    assert language_shares(["ok", "👍"]) == {}
