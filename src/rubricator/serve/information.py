"""What the service tells of itself: model, categories, health, figures, a page."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST

from rubricator.artifact import Manifest
from rubricator.serve.deployments import Deployments
from rubricator.serve.limits import ServeSettings
from rubricator.serve.metrics import Metrics
from rubricator.serve.problems import problems
from rubricator.serve.schemas import Beside, Categories, ModelInfo, Role, State, model_info

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def add_information(
    app: FastAPI, deployments: Deployments, metrics: Metrics, settings: ServeSettings
) -> None:
    """Add the paths that change nothing."""
    # The page loads nothing from elsewhere.
    loader = PackageLoader("rubricator.serve", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("page.html.jinja")

    def info() -> ModelInfo:
        champion = deployments.champion
        return model_info(
            champion.predictor,
            [_beside(one.predictor.manifest, one.role) for one in deployments.beside],
            max_texts=settings.max_texts,
            max_explained=settings.max_explained,
            max_characters=champion.max_characters,
        )

    @app.get("/v1/model", tags=["information"], responses=problems(401, 429))
    async def model() -> ModelInfo:
        """The model served, its categories and its limits."""
        return info()

    @app.get("/v1/categories", tags=["information"], responses=problems(401, 429))
    async def categories() -> Categories:
        """The categories of the model that serves."""
        found = info()
        return Categories(taxonomy_version=found.taxonomy_version, categories=found.categories)

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def page(request: Request) -> HTMLResponse:
        found = info()
        titles = [(category.key, category.title) for category in found.categories]
        content = template.render(model=found, titles=titles, base=str(request.base_url))
        return HTMLResponse(content, headers={"Content-Security-Policy": _POLICY})

    @app.get("/healthz", tags=["information"])
    async def health() -> State:
        """Whether the process lives."""
        return State(status="ok")

    @app.get("/readyz", tags=["information"], responses={503: {"model": State}})
    async def ready(response: Response) -> State:
        """Whether this process serves; one whose queue is full does, and says so."""
        if deployments.open:
            return State(status="busy" if deployments.full else "ready")
        response.status_code = 503
        return State(status="closed")

    @app.get("/metrics", tags=["information"], response_class=Response)
    async def figures() -> Response:
        """Figures in the text format of Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _beside(manifest: Manifest, role: Role) -> Beside:
    return Beside(model=manifest.identifier, taxonomy_version=manifest.taxonomy_version, role=role)
