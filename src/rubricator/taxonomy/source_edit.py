"""Changes a taxonomy file only where it must, so that comments and the layout of everything else stay.

YAML libraries that keep comments write long lists anew (ruamel.yaml 0.19 changes half of the lines of the
shipped news example), so pieces of the source are replaced at the places that the parser tells.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import yaml
from pydantic import ValidationError

from rubricator.settings_files import SettingsFileError, parse_yaml
from rubricator.taxonomy.model import Category, Taxonomy

_WIDTH = 110
_FIELDS = tuple(Category.model_fields)
Splice = tuple[int, int, str]
"""Start and end of a piece of source, and what takes its place."""


def edited(source: str, after: Taxonomy, *, renamed: Mapping[str, str] | None = None) -> str:
    """The source of a list, changed so that it says what `after` does.

    What cannot be changed piece by piece (a list in one line, references) is written anew, without comments.
    `renamed` holds by new key the old one under which the category stands in the source.
    """
    source = unicodedata.normalize("NFC", source)
    try:
        changed = _Source(source).become(after, renamed or {})
        if Taxonomy.model_validate(parse_yaml(changed)) == after:
            return changed
    except (_NotBlockStyleError, SettingsFileError, ValidationError):
        pass
    return written(after)


def written(taxonomy: Taxonomy) -> str:
    """A list as a new file."""
    head = {"name": taxonomy.name, "task": taxonomy.task.value, "none": taxonomy.none}
    lines = [f"{name}: {_scalar(value)}\n" for name, value in head.items() if value]
    items = [_item(category, "  ") for category in taxonomy.categories]
    return "".join(lines) + "\ncategories:\n" + "\n".join(items)


class _NotBlockStyleError(Exception):
    """The source is laid out in a way that is not changed piece by piece."""


class _Source:
    """A taxonomy file as text with the places of its values."""

    def __init__(self, source: str) -> None:
        self._source = source if source.endswith("\n") else source + "\n"
        root = yaml.compose(self._source, Loader=yaml.SafeLoader)
        self._root = _pairs(root)
        items = self._root.get("categories", (None, None))[1]
        if not isinstance(items, yaml.SequenceNode) or items.flow_style or not items.value:
            raise _NotBlockStyleError
        self._items = list(items.value)
        starts = [self._line_start(item.start_mark.index) for item in self._items]
        ends = [self._line_end(self._content_end(item)) for item in self._items]
        # What stands above a category goes with it; above the first is the head of the file.
        self._spans = list(zip([starts[0], *ends[:-1]], ends, strict=True))
        if any(start > end for start, end in self._spans) or any(a > b for a, b in pairwise(ends)):
            raise _NotBlockStyleError
        self._indent = self._source[starts[0] : self._items[0].start_mark.index].partition("-")[0]

    def become(self, after: Taxonomy, renamed: Mapping[str, str]) -> str:
        chunks = {str(_pairs(item)["key"][1].value).strip(): n for n, item in enumerate(self._items)}
        body: list[str] = []
        for category in after.categories:
            number = chunks.get(renamed.get(category.key, category.key))
            if number is None:
                gap = "\n" if body and "\n\n" in self._source[self._spans[0][0] : self._spans[-1][1]] else ""
                body.append(gap + _item(category, self._indent))
            else:
                body.append(self._changed(number, category))
        first, last = self._spans[0][0], self._spans[-1][1]
        return self._head(self._source[:first], after) + "".join(body) + self._source[last:]

    def _head(self, head: str, after: Taxonomy) -> str:
        """What stands above the categories; of it only `none` can change."""
        if "none" not in self._root:
            return head
        node = self._root["none"][1]
        if after.none == node.value or (after.none is None and node.tag.endswith(":null")):
            return head
        return _spliced(head, [(node.start_mark.index, node.end_mark.index, _scalar(after.none))])

    def _changed(self, number: int, category: Category) -> str:
        """The source of one category, changed where it says something else."""
        item, (start, end) = self._items[number], self._spans[number]
        chunk = self._source[start:end]
        fields = _pairs(item)
        now = Category.model_validate(parse_yaml(chunk)[0])
        differing = [name for name in _FIELDS if getattr(now, name) != getattr(category, name)]
        if not differing:
            return chunk
        if item.flow_style:
            above = chunk[: self._line_start(item.start_mark.index) - start]
            return above + _item(category, self._indent)
        splices = [self._splice(name, fields, category) for name in differing]
        return _spliced(chunk, [(first - start, last - start, text) for first, last, text in splices])

    def _splice(self, name: str, fields: Mapping[str, tuple[Any, Any]], category: Category) -> Splice:
        value = getattr(category, name)
        column = next(iter(fields.values()))[0].start_mark.column
        if name in fields:
            key, node = fields[name]
            if value:
                return node.start_mark.index, self._content_end(node), _value(name, value, column)
            return self._line_start(key.start_mark.index), self._line_end(self._content_end(node)), ""
        before = [one for one in _FIELDS[: _FIELDS.index(name)] if one in fields]
        place = self._line_end(self._content_end(fields[before[-1] if before else "key"][1]))
        return place, place, f"{' ' * column}{name}: {_value(name, value, column)}\n"

    def _content_end(self, node: yaml.Node) -> int:
        """Where the last sign of a node stands: the parser counts what comes after blocks to them."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._content_end(last[1] if isinstance(last, tuple) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self._source[start:end].rstrip())

    def _line_start(self, place: int) -> int:
        return self._source.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        return self._source.find("\n", place) + 1


def _pairs(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _NotBlockStyleError
    return {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _spliced(text: str, splices: Iterable[Splice]) -> str:
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _item(category: Category, indent: str) -> str:
    column = len(indent) + 2
    lines = [
        f"{name}: {_value(name, getattr(category, name), column)}\n"
        for name in _FIELDS
        if getattr(category, name)
    ]
    return f"{indent}- " + (" " * column).join(lines)


def _value(name: str, value: str | Sequence[str], column: int) -> str:
    if not isinstance(value, str):
        return _list(value, column + len(name) + 2)
    inline = _scalar(value)
    if column + len(name) + len(inline) <= _WIDTH:
        return inline
    plain = value == " ".join(value.split())
    if not plain:
        return inline
    margin = " " * (column + 2)
    folded = textwrap.wrap(value, _WIDTH - column, break_long_words=False, break_on_hyphens=False)
    return ">-\n" + "\n".join(margin + line for line in folded)


def _list(words: Sequence[str], column: int) -> str:
    lines, line = [], "["
    for word in [*(_scalar(word, flow=True) + ", " for word in words[:-1]), _scalar(words[-1], flow=True)]:
        if len(line) + len(word) + column > _WIDTH and line.strip("[ "):
            lines.append(line.rstrip())
            line = " "
        line += word
    return f"\n{' ' * column}".join([*lines, line + "]"])


def _scalar(value: str | None, *, flow: bool = False) -> str:
    if value is None:
        return "null"
    shown = yaml.safe_dump([value], allow_unicode=True, default_flow_style=flow, width=10**9).strip()
    return shown[1:-1].strip() if flow else shown[2:]
