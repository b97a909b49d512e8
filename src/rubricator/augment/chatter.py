"""What language models say instead of a text, or around it."""

from __future__ import annotations

import regex

from rubricator.dataset.near_copies import FEWEST_WORDS, shingles_of, words_of
from rubricator.llm.tasks.names import fold
from rubricator.llm.tasks.repair import refused

_FLAGS = regex.IGNORECASE | regex.MULTILINE
# People begin so, too: "Не могу нарадоваться". Models go on to what they will not write.
_PERSONAL = regex.compile(
    r"^\W*(?:(?:извините|простите|к сожалению|(?:i'm |i am )?sorry),? ?(?:но |but )?)?"
    r"(?:(?:я )?не (?:могу|буду|в состоянии)\b|i(?:'m)? )"
)
_WRITING = regex.compile(
    r"\b(?:созда|напис|пис|сгенер|генерир|выполн|помоч|помога|ответ|отвеч|предостав|состав|перепис|обсужд|"
    r"продолж|write|generat|creat|help|assist|compl|provid|fulfil|rewrit|discuss|answer|continu|engage)"
)
_ABOUT_ITSELF = regex.compile(
    r"\bas an? (?:ai|language model|assistant)\b|\bi(?:'m| am) an? (?:ai|language model|assistant)\b"
    r"|\bкак (?:ии|искусственный интеллект|языковая модель|ассистент)\b"
    r"|\bя (?:—|-|–)?\s*(?:ии|языковая модель|виртуальный ассистент|искусственный интеллект)\b"
)
_AROUND = regex.compile(
    r"\A\W*(?:конечно|разумеется|хорошо|отлично|понял|вот|sure|certainly|of course|okay|ok|here)\b"
    r"[^\n]{0,120}:\s*$"
    r"|\A\W*(?:конечно|разумеется|sure|certainly|of course)\s*[,!.—–-]+\s*(?:вот|я |here|i )"
    r"|\A\W*(?:вот|here(?:'s| is| are))\s[^\n]{0,60}"
    r"\b(?:текст|отзыв|вариант|пример|новост\w+|text|review|version|example|rewrit\w+)\b[^\n]{0,60}:"
    r"|^\W*(?:надеюсь,? (?:это|этот)|если (?:нужно|хотите|требуется),? (?:я|могу)|дайте знать)\b"
    r"|^\W*(?:(?:i )?hope (?:this|that)|let me know|feel free|would you like)\b"
    r"|^\W*(?:категория|длина|тон|о ч[её]м|ответ|примечание|пояснение)\s*\**\s*:"
    r"|^\W*(?:category|length|tone|about|answer|note)\s*\**\s*:"
    r"|^\W*(?:пример|текст|вариант|example|text|option)\s*\d*\s*\**\s*:"
    r"|\b(?:напиши|перепиши|отвечай)\b[^\n]{0,40}\bтекст"
    r"|\b(?:write|rewrite) (?:a|the|another) (?:new )?text\b",
    _FLAGS,
)
_MARKS = regex.compile(r"<\|?/?[a-z_]{3,}\|?>|\[/?INST\]|\{[%{#]|```|\\(?:boxed|text)\b", regex.IGNORECASE)
# A person's text of some length says two thirds of its runs of three words once.
_LEAST_NEW = 0.66


def declines(text: str) -> bool:
    """Whether a text is a refusal to write one."""
    folded = fold(text)
    if _ABOUT_ITSELF.search(folded):
        return True
    if not refused(text):
        return False
    return not _PERSONAL.match(folded) or _WRITING.search(folded[:200]) is not None


def chats(text: str) -> bool:
    """Whether an assistant's words, the prompt's or a program's marks stand around a text or in it."""
    return _AROUND.search(text) is not None or _MARKS.search(text) is not None


def repeats_itself(text: str) -> bool:
    """Whether a text goes round in a loop, as small models do."""
    words = words_of(text)
    if len(words) < FEWEST_WORDS:
        return len(words) > 2 and len(set(words)) <= len(words) // 2
    return len(shingles_of(words)) < _LEAST_NEW * (len(words) - 2)
