"""Markdown as channels and crawlers write it, reduced to its words."""

from __future__ import annotations

import regex

_LINK = regex.compile(
    r"!?\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\((?=https?:|www\.|mailto:|tel:|tg:|[/#]|[\w-]+(?:\.[\w-]+)+/)[^\s()]*(?:\([^\s()]*\)[^\s()]*)*"
    r"(?:\s+\"[^\"\n]*\")?\)",
    regex.I,
)
_FENCE = regex.compile(r"```+[ \t]*(?:[\w+#-]{1,20}[ \t]*(?=\n|$))?")
_CODE = regex.compile(r"(?<![\w`])(?P<marks>`{1,2})(?P<words>[^`\n]+)(?P=marks)(?![\w`])")
_HEADER = regex.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(?=\S)", regex.M)
_QUOTE = regex.compile(r"^[ \t]{0,3}>(?:[ \t]?>)*[ \t]+(?=[^\s\d])", regex.M)


# Channels break bold type off and take it up again anywhere (`**a **b** c**`), so marks are not paired: where
# there are two of them, all go. A mark is two or four signs (an end and a beginning); longer runs draw lines.
# Not marks: signs within a word (`2**3`, a censored one), between spaces (`2 ** 3`), and `__init__`.
_DOUBLE = {
    sign: regex.compile(
        rf"(?<keep>\b__[a-z][a-z0-9_]{{0,40}}__\b)|(?<!{m})(?:{m}{m}){{1,2}}(?!{m})"
        rf"(?<![^\W_]{m}{{2,4}}(?=[^\W_]))(?<![ \t]{m}{{2,4}}(?=[ \t]))"
    )
    for sign, m in (("**", r"\*"), ("__", "_"), ("~~", "~"))
}
_STAR = regex.compile(r"(?<![\w*])\*(?![\s*])(?P<words>[^*\n]{1,500}?)(?<![\s*])\*(?![\w*])")
_UNDERSCORE = regex.compile(r"(?<![\w/])_(?![\s_])(?P<words>[^_\n]{1,500}?)(?<![\s_])_(?![\w/])")


def strip_markdown(text: str) -> str:
    """Text without marks of bold, italic, struck, code, header and quote; links become their words."""
    if "](" in text:
        text = _LINK.sub(r"\g<words>", text)
    if "`" in text:
        text = _CODE.sub(r"\g<words>", _FENCE.sub("", text))
    for sign, pattern in _DOUBLE.items():
        if sign in text:
            text = _drop_marks(text, pattern)
    if "*" in text:
        text = _STAR.sub(r"\g<words>", text)
    if "_" in text:
        text = _UNDERSCORE.sub(r"\g<words>", text)
    if "#" in text:
        text = _HEADER.sub("", text)
    return _QUOTE.sub("", text) if ">" in text else text


def _drop_marks(text: str, pattern: regex.Pattern[str]) -> str:
    marks = sum(match["keep"] is None for match in pattern.finditer(text))
    return pattern.sub(lambda match: match["keep"] or "", text) if marks > 1 else text
