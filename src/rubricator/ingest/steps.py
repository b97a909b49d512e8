"""The cleaning steps: one function each, from text to text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import regex

from rubricator.ingest.markdown import strip_markdown

# Putting marks above and below a letter in order takes quadratic time; thirty are what Unicode's stream-safe
# form allows (UAX 15), and more than any script writes.
_EXCESS_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
_INVISIBLE = regex.compile(
    r"[\p{Cc}--[\t\n\r\v\f]]|[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}]"
    # Joiners shape letters in Persian and Indic scripts, and emoji; elsewhere they are rubbish.
    r"|[\u200c\u200d](?![\p{L}--[\p{Latin}\p{Cyrillic}\p{Greek}]\p{M}\p{Extended_Pictographic}])",
    regex.VERSION1,
)


# ftfy is by far the slowest step. Broken encodings always leave a letter outside of these behind, so texts
# that hold nothing else are whole, and do not wait for its import either.
_UNUSUAL = re.compile(
    "[^\\s!-~А-яЁё–—‘’‚“”„†•…№«»€\u00a0\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]|[\x1c-\x1f\x85]"
)


def fix_unicode(text: str) -> str:
    """Mend broken encodings (ftfy), compose letters (NFC), drop characters that cannot be seen."""
    if not _UNUSUAL.search(text):
        return text
    import ftfy

    # Quotes and width stay as written: « and “ are ordinary in Russian; entities are left to the HTML step.
    fixes = ftfy.TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, remove_control_chars=False, normalization=None
    )
    marks_in_bounds = _EXCESS_MARKS.sub(r"\1", ftfy.fix_text(text, fixes))
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", marks_in_bounds))


_BLOCK_TAGS = (
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]"
    "|head|header|hr|html|iframe|li|main|nav|ol|option|p|pre|section|table|tbody|td|tfoot|th|thead|title|tr|ul"
    "|video"
)
_INLINE_TAGS = (
    "a|abbr|audio|b|big|button|cite|code|del|em|font|i|img|input|ins|kbd|label|link|mark|meta|nobr|noindex"
    "|noscript|q|s|samp|script|small|source|span|strike|strong|style|sub|sup|template|tt|u|var|wbr"
)


# Attributes need an equals sign, so that "if a <b and c> d" is no tag. Quoted values may hold a `>`; where
# the quotes do not close, the tag ends at the first one.
_VALUE = r"""=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
_ATTRIBUTES = rf"\s[^<>=]*+(?==)(?:(?:{_VALUE}|[^<>])*+>|[^<>]*+>)"
_TAG = regex.compile(
    rf"<(?P<end>/?)(?:(?P<block>{_BLOCK_TAGS})|(?P<inline>{_INLINE_TAGS}))(?:\s*+/?>|{_ATTRIBUTES})"
    r"|<!--(?:(?!<!--|-->).)*+-->",
    regex.I | regex.S,
)
_HIDING_TAGS = frozenset({"script", "style", "template"})
_ENTITY = regex.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", regex.I)


def strip_html(text: str) -> str:
    """Text without tags, comments, scripts and styles; entities become what they stand for.

    Does nothing where no known tag and no entity is found: `x < y` is not HTML.
    """
    if "<" in text and _TAG.search(text):
        text = _text_of_html(text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return text


def _text_of_html(text: str) -> str:
    """What stands between the tags. The tree of a parser would take quadratic time where tags nest."""
    pieces: list[str] = []
    end, hiding = 0, ""
    for tag in _TAG.finditer(text):
        name = (tag["block"] or tag["inline"] or "").lower()
        if not hiding:
            pieces += (html.unescape(text[end : tag.start()]), "\n\n" if tag["block"] else "")
            hiding = name if name in _HIDING_TAGS and not tag["end"] else ""
        elif name == hiding and tag["end"]:
            hiding = ""
        end = tag.end()
    return "".join(pieces if hiding else (*pieces, html.unescape(text[end:])))


_TOP_LEVEL = (
    "ru|com|org|net|me|be|рф|su|io|info|ly|tv|cc|gg|gl|co|uk|de|fr|es|it|pl|eu|kz|ua|by|uz|edu|gov|ai|app|dev"
    "|site|online|shop|link|page|news|media|blog|store|xyz|pro|club|top|ws|to|am|ge|fm"
)
_NO_URL = r"\s<>\"«»“”„`|\\^{}"
_URL = regex.compile(
    rf"<?(?:(?<![a-z])(?:https?|ftp|tg)://|\bwww\.)[^{_NO_URL}]*[^{_NO_URL}.,;:!?…()\[\]*_'’]/?>?"
    rf"|(?<![\w@./-])(?:[\w-]++\.)++(?:{_TOP_LEVEL})(?::\d+)?/(?:[^{_NO_URL}]*[^{_NO_URL}.,;:!?…()\[\]*_'’])?",
    regex.I,
)


def remove_urls(text: str) -> str:
    """Text without web addresses; a bare `site.ru` stays, being a name as often as an address."""
    return _URL.sub(" ", text) if "/" in text or "www." in text else text


_EMAIL = regex.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]+\.){1,20}\p{L}{2,}(?![\w-])")


def remove_emails(text: str) -> str:
    """Text without e-mail addresses."""
    return _EMAIL.sub(" ", text) if "@" in text else text


_PHONE = regex.compile(
    r"(?<![\w.,+/–—-])(?:"
    r"\+\d{1,3}[ \u00a0.-]?\(?\d{2,5}\)?(?:[ \u00a0.-]?\d{2,4}){2,4}"
    r"|[78][ \u00a0-]?\(\d{3,5}\)(?:[ \u00a0-]?\d{1,3}){2,4}"
    r"|[78][ \u00a0-]\d{3}[ \u00a0-]\d{3}[ \u00a0-]\d{2}[ \u00a0-]\d{2}"
    r"|8-?(?:800|9\d\d)-?\d{3}-?\d{2}-?\d{2}"
    r"|\(\d{3,5}\) ?\d{2,3}-\d{2}-\d{2}"
    r")(?![\w-])"
)


def remove_phones(text: str) -> str:
    """Text without telephone numbers; prices, dates, scores and ranges stay."""
    return _PHONE.sub(" ", text)


_EMOJI = regex.compile(
    r"(?:"
    r"[\p{Emoji_Presentation}\p{Emoji_Modifier}\p{Regional_Indicator}]"
    r"|[\p{Extended_Pictographic}--[©®™‼⁉ℹ↔-↪Ⓜ]]"
    r"|[\p{Emoji}--[#*0-9]]\ufe0f"
    r"|[#*0-9]\ufe0f?\u20e3"
    r"|[\ufe0f\u200d\u20e3\U000e0020-\U000e007f]"
    r")+",
    regex.VERSION1,
)


def remove_emoji(text: str) -> str:
    """Text without emoji and dingbats."""
    return text if text.isascii() else _EMOJI.sub(" ", text)


_WIDE_SPACE = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_AROUND_LINE_END = re.compile(r" \n ?|\n ")
_BLANK_LINES = re.compile(r"\n{3,}")


def normalise_spaces(text: str) -> str:
    """Single spaces, no spaces at line ends, at most one blank line in a row."""
    text = _WIDE_SPACE.sub(" ", _LINE_ENDS.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _AROUND_LINE_END.sub("\n", text)).strip()


STEPS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "unicode": fix_unicode,
        "html": strip_html,
        "markdown": strip_markdown,
        "urls": remove_urls,
        "emails": remove_emails,
        "phones": remove_phones,
        "emoji": remove_emoji,
        "spaces": normalise_spaces,
    }
)
"""Step by its switch in the config, in the order in which they run."""
