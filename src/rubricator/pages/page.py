"""Self-contained HTML pages of one look: no script, no request to anywhere, fit for printing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from rubricator.errors import DataError
from rubricator.pages import formatting as wording
from rubricator.whole_files import whole_file

# HTML has no way to write these, escaped or not.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_BASE = "page.html.jinja"


def render_page(
    package: str, template: str, context: Mapping[str, Any], filters: Mapping[str, Callable[..., str]]
) -> str:
    """Fill a template that extends `page.html.jinja`.

    Args:
        package: Where the template lies.
        template: Its file name.
        context: Holds at least `kind` (what the page is) and `data` with `name` and `created`.
        filters: Beside those of `wording`.
    """
    sources = {
        name: resources.files(of).joinpath(name).read_text(encoding="utf-8")
        for of, name in (("rubricator.pages", _BASE), (package, template))
    }
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(sources),
    )
    environment.filters |= {
        "figure": wording.figure,
        "interval": wording.interval,
        "count": wording.count,
        "percent": wording.percent,
        "duration": wording.duration,
        "plural": wording.plural,
        **filters,
    }
    return environment.get_template(template).render(context)


def write_page(path: Path, page: str) -> None:
    """Write a page; what lies there is replaced only once the new one is whole.

    Args:
        path: The HTML file; its folder is made if it is missing.
        page: The HTML.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(_UNWRITABLE.sub("\ufffd", page), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"The report {path} cannot be written: {error}.", fix="Name a file that you can write."
        ) from error
