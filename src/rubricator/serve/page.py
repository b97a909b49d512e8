"""The page at /docs: what is served, how to call it, and a field to try it. Loads nothing from elsewhere."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from rubricator.serve.schemas import ModelInfo


def render_page(model: ModelInfo, *, base: str) -> str:
    """The page in HTML; `base` is the address of the service, with a slash at its end."""
    environment = Environment(
        loader=PackageLoader("rubricator.serve", package_path=""), autoescape=True, undefined=StrictUndefined
    )
    titles = [(category.key, category.title) for category in model.categories]
    return environment.get_template("page.html.jinja").render(model=model, titles=titles, base=base)
