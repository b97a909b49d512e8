"""Self-contained HTML pages of one look: no request, no script but those named by hash, fit for print."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from rubricator.pages import formatting
from rubricator.whole_files import requested_file

# HTML has no way to write these, escaped or not.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_SHARED = ("page.html.jinja", "goals.html.jinja")  # the base of every page, and what several pages show
_FILTERS = ("figure", "interval", "count", "percent", "duration", "plural", "shade")


def render_page(
    package: str, template: str, context: Mapping[str, Any], filters: Mapping[str, Callable[..., str]]
) -> str:
    """Fill a template of a package that extends `page.html.jinja`; filters come beside those for figures.

    The context holds at least `kind` (what the page is) and `data` with `name` and `created`.
    """
    return _compiled(package, template, tuple(filters.items())).render(context)


@lru_cache(maxsize=8)  # compiling a page takes longer than filling it
def _compiled(package: str, template: str, filters: tuple[tuple[str, Callable[..., str]], ...]) -> Template:
    sources = {
        name: resources.files(of).joinpath(name).read_text(encoding="utf-8")
        for of, name in (*(("rubricator.pages", shared) for shared in _SHARED), (package, template))
    }
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(sources),
    )
    environment.filters |= {name: getattr(formatting, name) for name in _FILTERS} | dict(filters)
    return environment.get_template(template)


def write_page(path: Path, page: str) -> None:
    """Write a page and its folder; what lies there is replaced only once the new one is whole.

    Raises:
        DataError: The file cannot be written.
    """
    with requested_file(path, called="The report") as part:
        part.write_text(_UNWRITABLE.sub("\ufffd", page), encoding="utf-8")
